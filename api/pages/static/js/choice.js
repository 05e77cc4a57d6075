// Fields in which one chooses: a list of choices, and a box to tick.

import { h } from "./dom.js";

/** A list of choices, each [value, text]. multiple: several may be chosen, and the value is a list. onchange(name, value): another is chosen. */
export function select(name, { label, hint, choices, multiple, values, faults, onchange }) {
  const fault = faults[name];
  const about = [hint && `${name}-hint`, fault && `${name}-fault`].filter(Boolean).join(" ");
  const box = h("select.input", { id: name, name, multiple, size: multiple ? 4 : null, "aria-invalid": fault ? "true" : null, "aria-describedby": about || null,
    onchange: (event) => onchange(name, multiple ? [...event.target.selectedOptions].map((each) => each.value) : event.target.value) },
  choices.map(([value, text]) => h("option", { key: value, value, selected: [values[name] ?? ""].flat().includes(value) }, text)));
  return h("div.field", { key: name }, h("label", { for: name }, label), hint && h("p.hint", { id: `${name}-hint` }, hint), box, fault && h("p.fault", { id: `${name}-fault` }, fault));
}

/** A box to tick. onchange(name, value): it is ticked, or is not any more. */
export function tick(name, { label, values, onchange }) {
  return h("label.choice", { key: name }, h("input", { type: "checkbox", name, checked: Boolean(values[name]), onchange: (event) => onchange(name, event.target.checked) }), label);
}
