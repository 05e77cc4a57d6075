// What the forms of the panel are made of. What is typed stays in the panel's values.

import { select as chooseOne, tick as tickBox } from "../choice.js";
import { h } from "../dom.js";
import { field, focusFault } from "../form.js";
import { word } from "../words.js";

const OVERRIDES = ["working_hours", "lead_time", "horizon", "blackout", "duration", "eligibility", "past"];
const MANY = 8;

export function input(desk, name, options = {}) {
  const { values, faults } = desk.panel;
  return field(name, { label: word(`desk.${name}`), values, faults, oninput: (each, text) => (values[each] = text), ...options });
}

export function select(desk, name, choices) {
  const { values, faults } = desk.panel;
  return chooseOne(name, { label: word(`desk.${name}`), choices, values, faults, onchange: (each, value) => (values[each] = value) });
}

export function tick(desk, name, label) {
  const { values } = desk.panel;
  return tickBox(name, { label, values, onchange: (each, value) => {
    values[each] = value;
    desk.draw();
  } });
}

export const overrides = (desk) => h("details", { key: "overrides" }, h("summary", {}, word("desk.override")), h("p.hint", {}, word("desk.override_hint")),
  OVERRIDES.map((name) => tick(desk, `override_${name}`, word(`desk.override_${name}`))));

export const lifted = (values) => OVERRIDES.filter((name) => values[`override_${name}`]);

/** Who comes: a box for each technician, those that are chosen first. hint: what none means. */
export function crewField(desk, hint) {
  const { panel } = desk;
  const { values } = panel;
  const chosen = new Set(values.technician_ids);
  const wanted = (panel.find ?? "").toLowerCase();
  const all = desk.model.technicians;
  const first = panel.crewFirst ??= new Set(chosen);
  const shown = [...all.filter((each) => first.has(each.id)), ...all.filter((each) => !first.has(each.id))].filter((each) => chosen.has(each.id) || each.name.toLowerCase().includes(wanted));
  const fault = panel.faults.technician_ids;
  return h("fieldset.field", { key: "technician_ids", id: "technician_ids", tabindex: "-1" },
    h("legend", {}, word("desk.technician_ids")),
    h("p.hint", {}, hint),
    all.length > MANY && h("input.input.find", { key: "find", type: "search", "aria-label": word("desk.find_technician"), placeholder: word("desk.find_technician"), autocomplete: "off",
      oninput: (event) => {
        panel.find = event.target.value;
        desk.draw();
      } }),
    h("div.ticks", { key: `ticks ${panel.round ?? 0}` }, shown.map((each) => tickBox(`who ${each.id}`, { label: each.name, values: { [`who ${each.id}`]: chosen.has(each.id) }, onchange: (_, isOn) => {
      values.technician_ids = isOn ? [...values.technician_ids, each.id] : values.technician_ids.filter((id) => id !== each.id);
    } }))),
    fault && h("p.fault", {}, fault));
}

/** A form whose button sends it. */
export function form(desk, name, send, ...parts) {
  const { panel } = desk;
  const isStale = panel.base && desk.model.version(panel.id) > panel.base.version;
  return h("form.stack", { novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    if (panel.busy) return;
    Object.assign(panel, { busy: true, faults: {}, problem: null, instead: [] });
    await send().finally(() => (panel.busy = false));
    desk.draw();
    focusFault(panel.faults);
  } },
  isStale && h("div.notice.warn", { key: "stale" }, h("p", {}, word("desk.changed_while_typing"))),
  panel.problem && h("div.notice.bad", { key: "problem", role: "alert" }, h("p", {}, panel.problem), panel.instead?.length > 0 && h("div.row", {}, panel.instead.map((each) => h("button.button", { type: "button", key: each.text, onclick: each.run }, each.text)))),
  ...parts,
  h(`button.button.big${name === "cancel" ? ".danger" : ".main"}`, { type: "submit", key: "send" }, word(`desk.send_${name}`)));
}

/** Marks the fields of the panel that have to be filled and are not. True if there are some. */
export function lacks(panel, ...names) {
  const missing = names.filter((name) => !String(panel.values[name] ?? "").trim());
  panel.faults = Object.fromEntries(missing.map((name) => [name, word("desk.missing")]));
  return missing.length > 0;
}
