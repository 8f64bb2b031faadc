// Lists by keyboard: J and K move, Enter opens, / searches. Nothing here is needed to use a page.
"use strict";
document.documentElement.classList.add("js");
(() => {
  let current = -1;
  const rows = () => [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null);
  const go = (step) => {
    const all = rows();
    if (!all.length) return;
    all[current]?.classList.remove("is-current");
    current = Math.min(Math.max(current + step, 0), all.length - 1);
    all[current].classList.add("is-current");
    all[current].querySelector("a")?.focus({ preventScroll: true });
    all[current].scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    const inField = event.target.closest?.("input, select, textarea, [contenteditable]");
    if (inField || event.ctrlKey || event.metaKey || event.altKey || document.getElementById("answer")) return;
    const key = event.key.toLowerCase();
    if (key === "j") go(1);
    else if (key === "k") go(-1);
    else if (key === "/") { document.querySelector('[data-key="/"]')?.focus(); event.preventDefault(); }
    else if (key === "enter" && event.target === document.body) document.querySelector('[data-key="Enter"]')?.click();
  });
  document.addEventListener("htmx:after:swap", () => { current = -1; });
})();
