// The steps move without a reload. Whoever types is left alone; whoever has no scripts gets the page anew from the browser.
(() => {
  const EVERY_MS = 1500;
  const main = () => document.getElementById("content");
  const look = async () => {
    const typing = main()?.contains(document.activeElement) && document.activeElement.tagName === "INPUT";
    if (!typing && main()?.dataset.moving !== undefined) {
      try {
        const answer = await fetch("/first-boot", { cache: "no-store" });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById("content");
        if (fresh && fresh.innerHTML !== main().innerHTML) main().replaceWith(document.adoptNode(fresh));
      } catch {
        // The box starts anew once it is claimed; the next look finds it.
      }
    }
    setTimeout(look, EVERY_MS);
  };
  setTimeout(look, EVERY_MS);
})();
