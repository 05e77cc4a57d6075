// Elements from descriptions. A view is a function that describes what should stand there; `render` changes what
// differs, so focus, typed text and scrolling stay. There is no innerHTML: text is always text.

const SVG = "http://www.w3.org/2000/svg";

/** An element. props: `on…` are listeners, `key` tells siblings apart, true and false set and leave out an attribute;
 * children: elements, texts, lists of both; null and false are left out. */
export function h(tag, props, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = name === "svg" || name === "path" ? document.createElementNS(SVG, name) : document.createElement(name || "div");
  if (classes.length) node.setAttribute("class", classes.join(" "));
  node.listeners = {};
  for (const [key, value] of Object.entries(props ?? {})) set(node, key, value);
  node.append(...flat(children));
  return node;
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

function set(node, name, value) {
  if (name === "key") node.key = value;
  else if (name === "value") node.value = value;
  else if (name.startsWith("on")) {
    node.listeners[name] = value;
    node[name] = (event) => node.listeners[name]?.(event);
  } else if (name === "class") node.setAttribute("class", [node.getAttribute("class"), value].filter(Boolean).join(" "));
  else if (value === true) node.setAttribute(name, "");
  else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
}

/** Makes what stands in `parent` equal to the views. An element keeps its place on the page if tag and key agree. */
export function render(parent, ...views) {
  const wanted = flat(views).map((view) => (view instanceof Node ? view : document.createTextNode(view)));
  const known = new Map();
  for (const child of parent.childNodes) {
    const id = identity(child);
    known.set(id, [...(known.get(id) ?? []), child]);
  }
  const result = wanted.map((view) => {
    const old = known.get(identity(view))?.shift();
    return old ? change(old, view) : view;
  });
  for (const left of known.values()) for (const child of left) child.remove();
  result.forEach((child, index) => {
    if (parent.childNodes[index] !== child) parent.insertBefore(child, parent.childNodes[index] ?? null);
  });
}

function identity(node) {
  return `${node.nodeName} ${node.key ?? ""}`;
}

function change(old, view) {
  if (old === view) return old;
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== view.data) old.data = view.data;
    return old;
  }
  for (const { name } of [...old.attributes]) if (!view.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  for (const { name, value } of view.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const name of Object.keys(view.listeners ?? {})) if (!(name in (old.listeners ?? {}))) old[name] = view[name];
  old.listeners = view.listeners ?? {};
  render(old, ...view.childNodes);
  return old;
}

/** The one element with this id. */
export const at = (id) => document.getElementById(id);

/** The content of a `<meta name=…>`; "" where there is none. */
export const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";

/** What stands behind the # of the address; "" where it cannot be read. */
export function fragment() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "";
  }
}

/** A tick, a cross and so on: one path in a box of 24. Screen readers skip it. */
export const icon = (path) =>
  h("svg.icon", { viewBox: "0 0 24 24", "aria-hidden": "true" }, h("path", { d: path }));

/** Brings the notice that has just been drawn into sight. */
export function reveal() {
  requestAnimationFrame(() => document.querySelector("[role=alert]")?.scrollIntoView({ block: "nearest" }));
}

/** Says a sentence to screen readers, also when it was the last one. */
export function say(sentence) {
  const region = at("said");
  region.textContent = "";
  setTimeout(() => (region.textContent = sentence), 50);
}
