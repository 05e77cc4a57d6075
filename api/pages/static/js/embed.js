// <script src="https://…/embed.js" data-key="hf_checkout_…" data-property="prop-101"></script>
// Puts the checkout where the script stands. The page hears `holdfast:held` and `holdfast:booked` on the document.
(() => {
  const script = document.currentScript;
  const server = new URL(script.src).origin;
  const { key = "", property = "", service = "", lang = "" } = script.dataset;
  const wish = new URLSearchParams({ embed: location.origin });
  for (const [name, value] of Object.entries({ key, property, service, lang })) if (value) wish.set(name, value);
  const frame = document.createElement("iframe");
  frame.src = `${server}/?${wish}`;
  frame.title = script.dataset.title || "Booking";
  Object.assign(frame.style, { width: "100%", height: "640px", border: "0", display: "block", colorScheme: "normal" });
  script.after(frame);

  /** Keeps a text of the checkout, or reads it. It can read nothing else that this page keeps. */
  function store(id, text) {
    if (!id.startsWith("holdfast.")) return null;
    try {
      if (text === undefined) return sessionStorage.getItem(id);
      sessionStorage.setItem(id, text);
    } catch {
      // This page may not store either: the checkout then forgets at a reload.
    }
    return null;
  }

  addEventListener("message", (event) => {
    if (event.origin !== server || event.source !== frame.contentWindow) return;
    const { holdfast, height, id, text, ...detail } = event.data ?? {};
    if (holdfast === "height") frame.style.height = `${Math.min(Math.max(Number(height) || 0, 200), 20_000)}px`;
    else if (holdfast === "ask") event.source.postMessage({ holdfast: "kept", text: store(String(id)) }, server);
    else if (holdfast === "keep") store(String(id), String(text));
    else if (holdfast === "held" || holdfast === "booked")
      document.dispatchEvent(new CustomEvent(`holdfast:${holdfast}`, { detail }));
  });
})();
