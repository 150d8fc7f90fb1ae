// Keeps what is marked `data-live` as it is on the floor, and sends forms without leaving the page. Everything works without this file.
"use strict";
const EVERY_MS = 1000;

function show(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  for (const live of document.querySelectorAll("[data-live]")) {
    const now = page.getElementById(live.id);
    // What was said last stays until something else is said.
    const keeps = live.id === "said" && now && now.textContent === "";
    if (now && !keeps && now.innerHTML !== live.innerHTML) live.innerHTML = now.innerHTML;
  }
}

async function ask(to, options) {
  try {
    const answer = await fetch(to, options);
    if (answer.ok) show(await answer.text());
  } catch {
    // The demo has ended; the page stays as it was.
  }
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  ask(event.target.action, { method: "POST" });
});

setInterval(() => {
  if (!document.hidden) ask("/");
}, EVERY_MS);
