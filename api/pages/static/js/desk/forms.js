// The forms of the panel: book or reserve, move, edit, cancel. What is typed stays in the panel's values.

import { NoAnswer, secret } from "../api.js";
import { select as chooseOne, tick as tickBox } from "../choice.js";
import { customerOf, faultsOf, field, focusFault } from "../form.js";
import { h } from "../dom.js";
import { iso, local } from "../dates.js";
import { word } from "../words.js";

const OVERRIDES = ["working_hours", "lead_time", "horizon", "blackout", "duration", "eligibility", "past"];

function input(desk, name, options = {}) {
  const { values, faults } = desk.panel;
  return field(name, { label: word(`desk.${name}`), values, faults, oninput: (each, text) => (values[each] = text), ...options });
}

function select(desk, name, choices, options = {}) {
  const { values, faults } = desk.panel;
  return chooseOne(name, { label: word(`desk.${name}`), choices, values, faults, onchange: (each, value) => (values[each] = value), ...options });
}

function tick(desk, name, label) {
  const { values } = desk.panel;
  return tickBox(name, { label, values, onchange: (each, value) => {
    values[each] = value;
    desk.draw();
  } });
}

function overrides(desk) {
  return h("details", { key: "overrides" }, h("summary", {}, word("desk.override")), h("p.hint", {}, word("desk.override_hint")),
    OVERRIDES.map((name) => tick(desk, `override_${name}`, word(`desk.override_${name}`))));
}

const lifted = (values) => OVERRIDES.filter((name) => values[`override_${name}`]);
const places = (desk) => [["", word("desk.choose")], ...desk.places().map((each) => [each.id, each.name])];
const technicians = (desk, first) => [...(first ? [["", first]] : []), ...desk.model.technicians.map((each) => [each.id, each.name])];
const instant = (desk, { date, time }) => iso(desk.instant(date, time));

/** A form whose button sends it. */
function form(desk, name, send, ...parts) {
  const { panel } = desk;
  return h("form.stack", { novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    if (panel.busy) return;
    panel.busy = true;
    panel.faults = {};
    await send().finally(() => (panel.busy = false));
    desk.draw();
    focusFault(panel.faults);
  } },
  panel.problem && h("div.notice.bad", { key: "problem" }, h("p", {}, panel.problem), panel.instead?.length > 0 && h("div.row", {}, panel.instead.map((each) => h("button.button", { type: "button", key: each.text, onclick: each.run }, each.text)))),
  ...parts,
  h("button.button.main.big", { type: "submit", key: "send" }, word(`desk.send_${name}`)));
}

/** A new visit, or a reservation. */
export function bookForm(desk) {
  const { values } = desk.panel;
  const services = [["", word("desk.no_service")], ...desk.services().map((each) => [each.id, each.name])];
  return form(desk, values.reserve ? "reserve" : "book", () => sendBooking(desk),
    select(desk, "property_id", places(desk)),
    select(desk, "service_id", services),
    h("div.pair", { key: "when" }, input(desk, "date", { type: "date", required: true }), input(desk, "time", { type: "time", required: true })),
    select(desk, "technician_ids", technicians(desk, word("desk.anybody")), { multiple: true, hint: word("desk.crew_hint") }),
    input(desk, "name", { required: true, autocomplete: "off" }),
    h("div.pair", { key: "contact" }, input(desk, "phone", { type: "tel", autocomplete: "off" }), input(desk, "email", { type: "email", autocomplete: "off" })),
    input(desk, "description", { lines: 2 }),
    input(desk, "internal_note", { lines: 2 }),
    tick(desk, "reserve", word("desk.reserve_only")),
    values.reserve && input(desk, "hours", { type: "number", required: true }),
    overrides(desk));
}

/** Marks the fields of the panel that have to be filled and are not. True if there are some. */
function lacks(panel, ...names) {
  const missing = names.filter((name) => !String(panel.values[name] ?? "").trim());
  panel.faults = Object.fromEntries(missing.map((name) => [name, word("desk.missing")]));
  return missing.length > 0;
}

async function sendBooking(desk) {
  const { panel } = desk;
  const { values } = panel;
  if (lacks(panel, "property_id", "date", "time", "name")) return;
  const crew = (values.technician_ids ?? []).filter(Boolean);
  const fields = {
    property_id: values.property_id, start: instant(desk, values), customer: customerOf(values),
    ...(values.service_id && { service_id: values.service_id }),
    ...(crew.length === 1 && { technician_id: crew[0] }), ...(crew.length > 1 && { technician_ids: crew }),
    ...(values.description && { description: values.description }), ...(values.internal_note && { internal_note: values.internal_note }),
    ...(values.reserve && { reserved_by: values.name.trim(), hours: Number(values.hours) }),
    ...(lifted(values).length && { override: lifted(values) }),
  };
  panel.key ??= secret();
  const problem = await desk.acts.book(fields, panel.key);
  if (!problem) return desk.close();
  if (!(problem instanceof NoAnswer)) panel.key = null; // it may be booked: the same key then brings that booking
  panel.faults = problem.faults ? faultsOf(problem) : {};
  panel.problem = problem.message;
  panel.instead = (problem.body?.next_available ?? []).map((each) => {
    const at = local(Date.parse(each.start), desk.model.zone);
    return { text: `${at.time} ${desk.technicianName(each.technician_id)}`, run: () => {
      Object.assign(values, at, { technician_ids: each.technician_ids ?? [each.technician_id] });
      Object.assign(panel, { problem: null, instead: [] });
      desk.draw();
    } };
  });
}

/** Another time, place or technician. */
export function moveForm(desk) {
  const visit = desk.selected();
  const { panel } = desk;
  const { values } = panel;
  if (!visit) return h("p", {}, word("desk.gone_text"));
  return form(desk, "move", async () => {
    if (lacks(panel, "date", "time")) return;
    const crew = [values.technician_ids ?? []].flat().filter(Boolean);
    const start = instant(desk, values);
    const fields = {
      ...(Date.parse(start) !== visit.startMs && { start }),
      ...(crew.join() !== visit.technician_ids.join() && (crew.length > 1 || visit.technician_ids.length > 1 ? { technician_ids: crew } : { technician_id: crew[0] })),
      ...(values.property_id !== visit.property_id && { property_id: values.property_id }),
      ...(lifted(values).length && { override: lifted(values) }),
    };
    if (await desk.acts.edit(visit, fields) === true) desk.show("record", visit.id);
  },
  h("div.pair", { key: "when" }, input(desk, "date", { type: "date", required: true }), input(desk, "time", { type: "time", required: true })),
  select(desk, "technician_ids", technicians(desk), { multiple: true, hint: word("desk.crew_hint") }),
  select(desk, "property_id", places(desk)),
  overrides(desk));
}

/** The customer and the texts. */
export function editForm(desk) {
  const visit = desk.selected();
  const { panel } = desk;
  if (!visit) return h("p", {}, word("desk.gone_text"));
  return form(desk, "edit", async () => {
    const { description, internal_note, external_reference } = panel.values;
    const texts = { description: description ?? "", internal_note: internal_note || null, external_reference: external_reference || null };
    const done = await desk.acts.edit(visit, { customer: customerOf(panel.values), ...texts });
    if (done === true) return desk.show("record", visit.id);
    panel.faults = done?.faults ? faultsOf(done) : {};
  },
  input(desk, "name", { required: true, autocomplete: "off" }),
  h("div.pair", { key: "contact" }, input(desk, "phone", { type: "tel", autocomplete: "off" }), input(desk, "email", { type: "email", autocomplete: "off" })),
  input(desk, "description", { lines: 3 }),
  input(desk, "internal_note", { lines: 3 }),
  input(desk, "external_reference", { autocomplete: "off" }));
}

export function cancelForm(desk) {
  const visit = desk.selected();
  if (!visit) return h("p", {}, word("desk.gone_text"));
  return form(desk, "cancel", async () => {
    await desk.acts.end(visit, "cancel", desk.panel.values.reason);
    desk.close();
  },
  h("p", { key: "ask" }, word("desk.cancel_ask", { who: visit.customer.name })),
  input(desk, "reason", { autocomplete: "off" }));
}

/** What a form begins with. */
export function startValues(desk, mode, entry, given) {
  if (mode === "book") return { hours: "24", technician_ids: [""], ...given };
  if (!entry) return {};
  const at = local(entry.startMs, desk.model.zone);
  return {
    date: at.date, time: at.time, technician_ids: [...entry.technician_ids], property_id: entry.property_id,
    ...entry.customer, description: entry.description, internal_note: entry.internal_note ?? "", external_reference: entry.external_reference ?? "",
  };
}
