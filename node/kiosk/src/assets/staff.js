// Keeps the parts of a page that are marked `data-live` as they are on the floor. Everything works without this file.
"use strict";

(() => {
  const texts = document.body.dataset;
  const pill = document.getElementById("live");
  const pillText = document.getElementById("live-text");
  const silentAfterMs = Number(texts.silentS) * 1000;
  const lookEveryMs = 30000;

  // The node's clock, as far ahead of this one as it was when the page was made.
  const ahead = Number(texts.now) - Date.now();
  const now = () => Date.now() + ahead;

  const ago = (at) => {
    const minutes = Math.trunc((now() - at) / 60000);
    if (minutes <= -1) return texts.ahead;
    if (minutes < 1) return texts.agoNow;
    if (minutes < 60) return texts.agoMin.replace("{}", minutes);
    if (minutes < 2880) return texts.agoH.replace("{}", Math.trunc(minutes / 60));
    return texts.agoD.replace("{}", Math.trunc(minutes / 1440));
  };

  const set = (element, text) => {
    if (element && element.textContent !== text) element.textContent = text;
  };

  const tellAges = () => {
    for (const time of document.querySelectorAll("time[data-ms]")) set(time, ago(Number(time.dataset.ms)));
  };

  // What was just said is not said again when the page is looked at later.
  if (location.search.includes("did=")) {
    const place = new URL(location.href);
    place.searchParams.delete("did");
    history.replaceState(null, "", place);
  }

  // Somebody is at work in it: writing, choosing, or about to touch.
  const busy = (element) =>
    element.contains(document.activeElement) && document.activeElement !== document.body ||
    [...element.querySelectorAll("input:not([type=hidden])")].some((input) => input.value !== input.defaultValue) ||
    element.querySelector("details[open]") !== null;

  // What the node sent, by element: ages in the page change by themselves.
  const sent = new WeakMap();
  const html = (element) => sent.get(element) ?? element.outerHTML;
  const keyed = (root) => [...root.querySelectorAll("[data-key]")];
  for (const element of document.querySelectorAll("[data-live], [data-key]")) sent.set(element, element.outerHTML);

  const adopt = (fresh) => {
    const copy = document.importNode(fresh, true);
    for (const element of [copy, ...keyed(copy)]) sent.set(element, element.outerHTML);
    return copy;
  };

  const refresh = (live, fresh) => {
    if (html(live) === fresh.outerHTML) return;
    if (!busy(live)) {
      live.replaceWith(adopt(fresh));
      return;
    }
    // Rows that nobody is at work in follow; the one in hand stays as it is until it is put down.
    const wanted = new Map(keyed(fresh).map((row) => [row.dataset.key, row]));
    for (const row of keyed(live)) {
      const newer = wanted.get(row.dataset.key);
      if (!busy(row) && newer && html(row) !== newer.outerHTML) row.replaceWith(adopt(newer));
      else if (!busy(row) && !newer) row.remove();
    }
  };

  let looking = false;
  let again = false;
  const look = async () => {
    if (document.hidden) return;
    if (looking) {
      again = true;
      return;
    }
    looking = true;
    try {
      const answer = await fetch(location.href, { redirect: "manual", cache: "no-store" });
      if (answer.type === "opaqueredirect") {
        // Signed in no more: the node leads to the page that asks for the PIN.
        location.reload();
        return;
      }
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const live of document.querySelectorAll("[data-live]")) {
          const fresh = page.getElementById(live.id);
          if (fresh) refresh(live, fresh);
        }
        // Changes are said once, and only when they are any.
        const news = page.getElementById("news");
        if (news) set(document.getElementById("news"), news.textContent);
        const seq = page.getElementById("live");
        if (seq) pill.dataset.seq = seq.dataset.seq;
        tellAges();
      }
    } catch {
      // The line says that it is gone; the next look is due in a while.
    }
    looking = false;
    if (again) {
      again = false;
      look();
    }
  };

  let heardAt = Date.now();
  let isLive = false;
  const clock = (ms) => new Date(ms).toTimeString().slice(0, 5);
  const tell = (live) => {
    isLive = live;
    pill.classList.toggle("on", live);
    pill.classList.toggle("off", !live);
    set(pillText, live ? texts.live : texts.notLive.replace("{}", clock(heardAt)));
  };
  const heard = () => {
    heardAt = Date.now();
    if (!isLive) tell(true);
  };

  let line;
  const connect = () => {
    if (line) line.close();
    line = new EventSource("/staff/events");
    // The first one of a line may be what the page shows already; each further one is another board, also when time alone made it so.
    let told = false;
    line.addEventListener("board", (event) => {
      heard();
      if (told || String(JSON.parse(event.data).seq) !== pill.dataset.seq) look();
      told = true;
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
    if (!document.hidden) look();
  });
  // A browser that keeps a page to come back to keeps its line as well, and has six of them for a node: the seventh page would wait.
  addEventListener("pagehide", () => line.close());
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
})();
