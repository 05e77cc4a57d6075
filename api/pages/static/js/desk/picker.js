// A field in which a property is found by its first letters, because an office may have thousands.

import { query } from "../api.js";
import { h } from "../dom.js";
import { word } from "../words.js";

const PAUSE_MS = 150;
const SHOWN = 8;

/** The field of the panel's property. */
export function propertyField(desk) {
  const { panel } = desk;
  const state = panel.picker ??= { text: desk.names.property(panel.values.property_id)?.name ?? "", options: [], isOpen: false, at: 0, asked: 0, timer: 0 };
  const fault = panel.faults.property_id;
  const { options, isOpen } = state;
  const about = [isOpen && "property-count", fault && "property_id-fault"].filter(Boolean).join(" ");
  return h("div.field.picker", { key: "property_id" },
    h("label", { for: "property_id" }, word("desk.property_id")),
    box(desk, state, { "aria-invalid": fault ? "true" : null, "aria-describedby": about || null }),
    isOpen && h("ul.options", { key: "options", id: "property-options", role: "listbox", "aria-label": word("desk.property_id") }, options.map((each, index) =>
      h("li", { key: each.id, id: `property-${index}`, role: "option", "aria-selected": index === state.at ? "true" : "false", onpointerdown: (event) => {
        event.preventDefault();
        choose(desk, state, each);
      } }, h("b", {}, each.name), each.address && h("span.soft.small", {}, each.address)))),
    isOpen && h(options.length ? "p.unseen" : "p.hint", { key: "count", id: "property-count", "aria-live": "polite" }, word(options.length ? "desk.properties_found" : "desk.properties_none", { n: options.length })),
    fault && h("p.fault", { id: "property_id-fault" }, fault));
}

function box(desk, state, attributes) {
  const { values } = desk.panel;
  const isOpen = state.isOpen && state.options.length > 0;
  const input = h("input.input", {
    id: "property_id", role: "combobox", autocomplete: "off", required: true, "aria-expanded": isOpen ? "true" : "false", "aria-controls": isOpen ? "property-options" : null,
    "aria-autocomplete": "list", "aria-activedescendant": isOpen ? `property-${state.at}` : null, placeholder: word("desk.property_hint"), ...attributes,
    onfocus: (event) => event.target.select(),
    onclick: () => !state.isOpen && find(desk, state, 0),
    oninput: (event) => {
      state.text = event.target.value;
      values.property_id = "";
      find(desk, state, PAUSE_MS);
    },
    onblur: () => close(desk, state),
    onkeydown: (event) => key(desk, state, event),
  });
  input.value = state.text;
  return input;
}

function key(desk, state, event) {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (!state.isOpen) return find(desk, state, 0);
    const count = state.options.length;
    if (count) state.at = (state.at + (event.key === "ArrowDown" ? 1 : count - 1)) % count;
  } else if (event.key === "Enter" && state.isOpen && state.options.length) {
    event.preventDefault();
    return choose(desk, state, state.options[state.at]);
  } else if (event.key === "Escape" && state.isOpen) {
    event.stopPropagation();
    state.isOpen = false;
  } else return;
  desk.draw();
}

/** Asks for what begins with the text, after a pause. An older answer that comes later is left out. */
function find(desk, state, pause) {
  clearTimeout(state.timer);
  const mine = ++state.asked;
  state.timer = setTimeout(async () => {
    const q = desk.panel?.values.property_id ? "" : state.text.trim();
    const page = await desk.api.get(query("/properties", { q, status: "available", limit: SHOWN })).catch(() => null);
    if (mine !== state.asked || !page || desk.panel?.picker !== state) return;
    desk.names.learn(page.properties);
    Object.assign(state, { options: page.properties, isOpen: true, at: 0 });
    desk.draw();
  }, pause);
}

function choose(desk, state, property) {
  desk.panel.values.property_id = property.id;
  delete desk.panel.faults.property_id;
  Object.assign(state, { text: property.name, isOpen: false, asked: state.asked + 1 });
  document.getElementById("property_id").value = property.name;
  desk.draw();
}

function close(desk, state) {
  clearTimeout(state.timer);
  state.asked++;
  if (!state.isOpen || desk.panel?.picker !== state) return;
  const typed = state.text.trim().toLowerCase();
  const named = state.options.find((each) => typed && each.name.toLowerCase() === typed) ?? (typed && state.options.length === 1 ? state.options[0] : null);
  if (named && !desk.panel.values.property_id) return choose(desk, state, named);
  state.isOpen = false;
  desk.draw();
}
