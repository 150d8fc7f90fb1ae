// Keeps the parts of a page that are marked `data-live` as the hub has them. Everything works without this file.
"use strict";

(() => {
  const facts = document.body.dataset;
  const pill = document.getElementById("live");
  const pillText = document.getElementById("live-text");
  const said = document.getElementById("live-said");
  const silentAfterMs = Number(facts.silentS) * 1000;
  const lookEveryMs = 30000;
  const lookAtMostEveryMs = 2000;

  // The hub's clock, as far ahead of this one as it was when the page was made.
  const ahead = Number(facts.now) - Date.now();
  const now = () => Date.now() + ahead;

  const length = (ms) => {
    const seconds = Math.trunc(ms / 1000);
    if (seconds < 120) return `${seconds} s`;
    if (seconds < 7200) return `${Math.trunc(seconds / 60)} min`;
    if (seconds < 172800) return `${Math.trunc(seconds / 3600)} h`;
    return `${Math.trunc(seconds / 86400).toLocaleString("en")} days`;
  };
  const ago = (at) => {
    const ms = now() - at;
    if (ms <= -60000) return "ahead of the hub's clock";
    return ms < 5000 ? "just now" : `${length(ms)} ago`;
  };
  const set = (element, text) => {
    if (element && element.textContent !== text) element.textContent = text;
  };
  const tellAges = () => {
    for (const time of document.querySelectorAll("time[data-ms]")) set(time, ago(Number(time.dataset.ms)));
  };

  // What the hub sent, by element, without ages: they change by themselves.
  const sent = new WeakMap();
  const ageless = (element) => {
    const copy = element.cloneNode(true);
    for (const time of copy.querySelectorAll("time[data-ms]")) time.textContent = "";
    return copy.outerHTML;
  };
  for (const live of document.querySelectorAll("[data-live]")) sent.set(live, ageless(live));

  // What is being marked or opened is not taken away.
  const isBusy = (element) => {
    const mark = document.getSelection();
    const isMarked = mark && !mark.isCollapsed && mark.containsNode(element, true);
    const held = document.activeElement;
    const isTyped = element.contains(held) && held.matches("input, select, textarea");
    return isMarked || isTyped || element.querySelector("details[open]") !== null;
  };

  // The focus stays on the way that it was on, and a table where it was moved to.
  const replace = (live, fresh) => {
    const copy = document.importNode(fresh, true);
    const held = live.contains(document.activeElement) ? document.activeElement : null;
    const way = held && held.getAttribute("href");
    const kept = [...live.querySelectorAll(".scroll")].map((scroll) => scroll.scrollLeft);
    live.replaceWith(copy);
    copy.querySelectorAll(".scroll").forEach((scroll, at) => (scroll.scrollLeft = kept[at] ?? 0));
    if (way) [...copy.querySelectorAll("a")].find((link) => link.getAttribute("href") === way)?.focus();
    else if (held) copy.querySelector(".scroll")?.focus();
    return copy;
  };

  const refresh = (live, fresh) => {
    const html = ageless(fresh);
    if (sent.get(live) !== html && !isBusy(live)) sent.set(replace(live, fresh), html);
  };

  let pulse = facts.pulse;
  let looking = false;
  let again = false;
  let due = null;
  let lookedAt = 0;
  const look = async () => {
    if (document.hidden) return;
    if (looking) {
      again = true;
      return;
    }
    looking = true;
    lookedAt = Date.now();
    try {
      const answer = await fetch(location.href, { redirect: "manual", cache: "no-store", headers: { accept: "text/html" } });
      if (answer.type === "opaqueredirect") {
        // Signed in no more: the hub leads to the page that asks who it is.
        location.reload();
        return;
      }
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const live of document.querySelectorAll("[data-live]")) {
          const fresh = live.id && page.getElementById(live.id);
          if (fresh) refresh(live, fresh);
        }
        pulse = page.body.dataset.pulse ?? pulse;
        tellAges();
      }
    } catch {
      // The line says that it is gone; the next look is due in a while.
    }
    looking = false;
    if (again) {
      again = false;
      lookSoon();
    }
  };
  const lookSoon = () => {
    clearTimeout(due);
    due = setTimeout(look, Math.max(0, lookedAt + lookAtMostEveryMs - Date.now()));
  };

  let heardAt = Date.now();
  let isLive = null;
  const tell = (live) => {
    if (live === isLive) return;
    pill.classList.toggle("on", live);
    pill.classList.toggle("off", !live);
    const since = new Date(heardAt + ahead).toISOString().slice(11, 19);
    set(pillText, live ? "Live" : `Not live since ${since} UTC`);
    // The first "live" is what everybody expects.
    if (isLive !== null) set(said, live ? "This page is live again" : "This page is not live any more");
    isLive = live;
  };
  const heard = () => {
    heardAt = Date.now();
    tell(true);
  };

  let line;
  const connect = () => {
    if (line) line.close();
    line = new EventSource(`/events?after=${encodeURIComponent(pulse)}`);
    line.addEventListener("change", (event) => {
      heard();
      if (event.lastEventId !== pulse) lookSoon();
    });
    line.addEventListener("beat", heard);
    line.addEventListener("error", () => tell(false));
  };
  connect();

  setInterval(() => {
    tellAges();
    // A line can be gone without a word.
    if (Date.now() - heardAt > silentAfterMs) tell(false);
  }, 5000);
  setInterval(() => {
    if (isLive) return;
    look();
    // A browser gives up for good after a refusal.
    if (line.readyState === EventSource.CLOSED) connect();
  }, lookEveryMs);
  addEventListener("online", connect);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) lookSoon();
  });
  // A browser that keeps a page to come back to keeps its line as well, and has six of them for a hub: the seventh page would wait for a minute.
  addEventListener("pagehide", () => line?.close());
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
})();
