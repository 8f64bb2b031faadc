// The reading form by keyboard: one vertebra at a time, single keys for every answer, Ctrl+Enter locks.
"use strict";
(() => {
  const form = document.getElementById("answer");
  const panel = form.querySelector(".panel");
  const places = [...document.querySelectorAll(".tile[data-tile]")].map((tile) => tile.dataset.tile);
  const keysOn = document.getElementById("keys-on");
  const shift = document.getElementById("level_shift");
  const usual = "C1 C2 C3 C4 C5 C6 C7 T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 L1 L2 L3 L4 L5 S1".split(" ");
  let selected = null;

  const byPlace = (name, place) => document.querySelectorAll(`[data-${name}="${place}"]`);
  const fieldset = () => form.querySelector(`.vertebra[data-vertebra="${selected}"]`);
  const decision = (set) => set.querySelector('input[name$="_decision"]:checked')?.value ?? "";

  const select = (place) => {
    selected = place;
    document.querySelectorAll(".is-selected").forEach((e) => e.classList.remove("is-selected"));
    for (const name of ["tile", "select", "vertebra"]) byPlace(name, place).forEach((e) => e.classList.add("is-selected"));
    document.querySelectorAll("[data-select]").forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.select === place)));
    byPlace("tile", place).forEach((tile) => pictures.showTile(tile));
    const level = document.querySelector(`.spine:not(.is-prior) .level[data-vertebra="${place}"]`)?.dataset.level;
    document.querySelectorAll(`[data-prior-level="${level}"], .is-prior [data-level="${level}"]`).forEach((e) => e.classList.add("is-selected"));
    document.querySelectorAll(`[data-prior-level="${level}"]`).forEach((tile) => pictures.showTile(tile));
  };
  const move = (by) => {
    const now = places.indexOf(selected);
    if (places.length) select(places[Math.min(Math.max(now + by, 0), places.length - 1)]);
  };
  const signs = { confirmed: "F", rejected: "–", cannot_say: "?" };
  const refresh = () => {
    let fractures = 0, open = 0, others = 0;
    form.querySelectorAll(".vertebra").forEach((set) => {
      const value = decision(set);
      set.classList.toggle("is-confirmed", value === "confirmed");
      set.classList.toggle("is-rejected", value === "rejected");
      set.classList.toggle("is-said", value !== "");
      const grade = set.querySelector('input[name$="_grade"]:checked')?.value ?? "";
      const said = document.querySelector(`[data-said="${set.dataset.vertebra}"]`);
      if (said) said.textContent = value === "confirmed" ? `F${grade}` : signs[value] ?? "";
      if (value === "confirmed") fractures += 1;
      else if (value) others += 1;
      else if (document.querySelector(`[data-select="${set.dataset.vertebra}"]`)?.classList.contains("is-marked")) open += 1;
    });
    const told = document.getElementById("summary");
    if (told) told.textContent = `${fractures} fracture${fractures === 1 ? "" : "s"}, ${others} other answer${others === 1 ? "" : "s"}` + (open ? `, ${open} marked and not answered yet` : "");
  };
  const rename = () => {
    const by = Number(shift?.value ?? 0);
    document.querySelectorAll("[data-shown-level]").forEach((e) => {
      const at = usual.indexOf(e.dataset.shownLevel);
      e.textContent = by && at >= 0 ? usual[at + by] ?? "–" : e.dataset.shownLevel;
    });
    document.querySelectorAll(".spine:not(.is-prior) .level text, .level-button .name").forEach((e) => {
      const name = e.closest("[data-level]").dataset.level, at = usual.indexOf(name);
      e.dataset.plain ??= e.textContent;
      e.textContent = by && at >= 0 ? usual[at + by] ?? "–" : e.dataset.plain;
    });
  };
  const shiftBy = (by) => {
    if (!shift) return;
    shift.selectedIndex = Math.min(Math.max(shift.selectedIndex + by, 0), shift.options.length - 1);
    rename();
  };
  // the next of the earlier CTs; after the last one none, and then the first again
  const count = document.querySelectorAll("section[data-prior]").length;
  let prior = 0;
  const nextPrior = () => {
    if (!count) return;
    prior = (prior + 1) % (count + 1);
    document.querySelectorAll("[data-prior]").forEach((e) => { e.hidden = Number(e.dataset.prior) !== prior; });
    form.classList.toggle("with-prior", prior < count);
  };
  const press = (key) => {
    const set = fieldset();
    const radio = set?.querySelector(`input[type=radio][data-key="${key}"]`);
    if (radio) {
      if ("123WBR".includes(key) && decision(set) !== "confirmed") {
        set.querySelector('input[data-key="F"]').checked = true;
      }
      radio.checked = true;
      refresh();
      return true;
    }
    const focus = set?.querySelector(`[data-focus-key="${key}"]`);
    if (focus) {
      set.querySelector('input[data-key="N"]').checked = true;
      refresh();
      focus.focus();
      return true;
    }
    return false;
  };
  const commands = {
    ArrowUp: () => move(-1), ArrowDown: () => move(1), ArrowLeft: () => pictures.step(-1), ArrowRight: () => pictures.step(1),
    p: nextPrior, z: pictures.next, m: pictures.marks, "[": () => shiftBy(-1), "]": () => shiftBy(1),
    v: () => document.querySelector('a[href$="/viewer"]')?.click(),
    "?": () => document.getElementById("show-keys")?.click(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(); return; }
    if (event.key === "Escape") { document.activeElement?.blur(); return; }
    const typing = event.target.closest?.("select, textarea, input:not([type=radio]):not([type=checkbox])");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !keysOn.checked) return;
    const command = commands[event.key] ?? commands[event.key.toLowerCase()];
    if (command) { command(); event.preventDefault(); }
    else if (press(event.key.toUpperCase())) event.preventDefault();
  });
  // Enter in a field would lock by accident
  form.addEventListener("keydown", (event) => { if (event.key === "Enter" && event.target.matches("input") && !event.ctrlKey && !event.metaKey) event.preventDefault(); });
  form.addEventListener("change", refresh);
  shift?.addEventListener("change", rename);
  document.querySelectorAll("[data-select]").forEach((b) => b.addEventListener("click", () => select(b.dataset.select)));
  document.getElementById("next-prior")?.addEventListener("click", nextPrior);
  document.querySelectorAll(".spine:not(.is-prior) .level").forEach((g) => g.addEventListener("click", () => select(g.dataset.vertebra)));
  const show = document.getElementById("show-keys"), keys = document.getElementById("keys");
  show?.addEventListener("click", () => { keys.hidden = !keys.hidden; show.setAttribute("aria-expanded", String(!keys.hidden)); });
  keysOn.checked = localStorage.getItem("spondyl-keys") !== "off";
  keysOn.addEventListener("change", () => localStorage.setItem("spondyl-keys", keysOn.checked ? "on" : "off"));

  // time in view, in seconds; the station never believes more than really passed
  let seen = 0, since = document.hidden ? null : performance.now();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && since !== null) { seen += performance.now() - since; since = null; }
    else if (!document.hidden && since === null) since = performance.now();
  });
  form.addEventListener("submit", () => {
    const now = since === null ? 0 : performance.now() - since;
    document.getElementById("seconds").value = ((seen + now) / 1000).toFixed(1);
    document.getElementById("lock").disabled = true;
  });
  const first = document.querySelector(".level-button.is-marked");
  const begin = panel.dataset.begin ?? first?.dataset.select ?? places[Math.floor(places.length / 2)];
  if (begin !== undefined) select(begin);
  refresh();
  rename();
  document.getElementById("problems")?.focus();
})();
