// What moves on the pages: the way back to the start when nobody is there. Everything else works without this file.
"use strict";

(() => {
  const seconds = (name) => Number(document.body.dataset[name] || 0);
  const reset = seconds("resetS");
  const warning = seconds("warningS");

  // A page that the browser kept in memory may belong to the last shopper.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  if (!reset) return;

  const dialog = document.getElementById("still-there");
  const counter = document.getElementById("still-there-seconds");
  let deadline = Date.now() + reset * 1000;
  let leaving = false;

  const stay = () => {
    if (leaving) return;
    // A page with a receipt closes at its time, touched or not.
    if (warning) deadline = Date.now() + reset * 1000;
    if (dialog && dialog.open) dialog.close();
  };

  const leave = async () => {
    leaving = true;
    try {
      await fetch("/leave", { method: "POST", body: new URLSearchParams({ reason: "idle" }), redirect: "manual" });
      location.replace("/");
    } catch {
      // The node may be restarting; the next try is due in a while.
      leaving = false;
      deadline = Date.now() + 5000;
    }
  };

  const tick = () => {
    const left = Math.ceil((deadline - Date.now()) / 1000);
    if (leaving) return;
    if (left <= 0) {
      leave();
    } else if (dialog && warning && left <= warning) {
      counter.textContent = String(left);
      if (!dialog.open) dialog.showModal();
    }
  };

  for (const touch of ["pointerdown", "keydown", "wheel", "touchstart"]) {
    addEventListener(touch, stay, { passive: true });
  }
  if (dialog) {
    dialog.addEventListener("close", stay);
    document.getElementById("still-there-yes").addEventListener("click", stay);
  }
  setInterval(tick, 250);
})();
