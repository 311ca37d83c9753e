// Light or dark: what the system says, until somebody chooses. Loaded in the head, so
// that a chosen theme is there before anything is painted.
"use strict";
(() => {
  const KEY = "varpulis-theme";
  const root = document.documentElement;
  const kept = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const apply = (theme) => { if (theme) root.dataset.theme = theme; };
  apply(kept());

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-theme-toggle]");
    if (!button) return;
    button.hidden = false;
    button.addEventListener("click", () => {
      const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
      const next = (root.dataset.theme ?? system) === "dark" ? "light" : "dark";
      apply(next);
      try { localStorage.setItem(KEY, next); } catch { /* private window: for this page only */ }
      document.dispatchEvent(new CustomEvent("themechange"));
    });
  });
})();
