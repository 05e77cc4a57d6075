// What a page remembers through a reload: in the tab's storage, else in memory. In an iframe of another site a browser
// may refuse its storage; then the page around it keeps the text, see embed.js.

const NAME = "holdfast";

/** Where this page is embedded: the origin of the page around it, as that says itself. "" for a page of its own. A
 * message to a wrong origin is not delivered, and the browser shows the frame to allowed origins alone. */
export const host = new URLSearchParams(location.search).get("embed") ?? "";

/** Sends a message to the page around this one. */
export function tellHost(kind, data = {}) {
  if (host && parent !== window) parent.postMessage({ holdfast: kind, ...data }, host);
}

function storage() {
  try {
    sessionStorage.setItem(`${NAME}.try`, "");
    sessionStorage.removeItem(`${NAME}.try`);
    return sessionStorage;
  } catch {
    return null;
  }
}

/** The kept object, and `save` to change it. name: which page keeps it. */
export async function openKeep(name) {
  const own = storage();
  const id = `${NAME}.${name}`;
  const text = own ? own.getItem(id) : await askHost(id);
  const kept = parse(text);
  return {
    kept,
    save(changes) {
      Object.assign(kept, changes);
      const now = JSON.stringify(kept);
      if (own) own.setItem(id, now);
      else tellHost("keep", { id, text: now });
    },
  };
}

function parse(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

function askHost(id) {
  if (!host || parent === window) return null;
  return new Promise((resolve) => {
    const answer = (event) => {
      if (event.origin !== host || event.source !== parent || event.data?.holdfast !== "kept") return;
      removeEventListener("message", answer);
      resolve(event.data.text);
    };
    addEventListener("message", answer);
    setTimeout(() => resolve(null), 1000);
    tellHost("ask", { id });
  });
}
