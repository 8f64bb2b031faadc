// Grey window, side to side, lines on and off: other files of the same picture are shown, nothing is computed.
"use strict";
const pictures = (() => {
  const sagittal = document.getElementById("sagittal");
  let windowName = document.querySelector("[data-window]")?.dataset.window;
  const offsets = (sagittal?.dataset.offsets ?? "0").split(" ").map(Number);
  let number = sagittal ? Number(sagittal.dataset.number) : 0;
  const source = (image, place) => `${image.dataset.stem}_${place}_${windowName}.png`;
  const told = document.getElementById("offset");
  const show = () => {
    if (!sagittal) return;
    sagittal.setAttribute("href", source(sagittal, number));
    // an earlier CT goes with it: as many steps from its own middle
    document.querySelectorAll(".prior-sagittal").forEach((image) => {
      const most = image.dataset.offsets.split(" ").length - 1;
      const place = Number(image.dataset.number) + number - Number(sagittal.dataset.number);
      image.setAttribute("href", source(image, Math.min(Math.max(place, 0), most)));
    });
    const mm = offsets[number];
    told.textContent = mm === 0 ? "middle" : `${Math.abs(mm)} mm ${mm > 0 ? "L" : "R"}`;
  };
  const showTile = (tile) => {
    tile.querySelectorAll("image").forEach((image) => image.setAttribute("href", source(image, 0)));
  };
  const step = (by) => { number = Math.min(Math.max(number + by, 0), offsets.length - 1); show(); };
  const choose = (name) => {
    windowName = name;
    document.querySelectorAll("[data-window]").forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.window === name)));
    show();
    document.querySelectorAll(".tile.is-selected").forEach(showTile);
  };
  const next = () => {
    const names = [...document.querySelectorAll("[data-window]")].map((b) => b.dataset.window);
    choose(names[(names.indexOf(windowName) + 1) % names.length]);
  };
  const marks = () => {
    const button = document.querySelector("[data-marks]");
    if (!button) return;
    const off = document.body.classList.toggle("no-marks");
    button.setAttribute("aria-pressed", String(!off));
  };
  document.querySelectorAll("[data-window]").forEach((b) => b.addEventListener("click", () => choose(b.dataset.window)));
  document.querySelectorAll("[data-step]").forEach((b) => b.addEventListener("click", () => step(Number(b.dataset.step))));
  document.querySelector("[data-marks]")?.addEventListener("click", marks);
  return { step, next, marks, showTile };
})();
