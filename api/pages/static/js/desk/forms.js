// The forms of the panel: book or reserve, move, edit, cancel. They send what differs from the visit as it was when the
// form opened, so that what others change meanwhile stays.

import { NoAnswer, secret } from "../api.js";
import { isDate, iso, local, longDate } from "../dates.js";
import { h } from "../dom.js";
import { customerOf, faultsOf } from "../form.js";
import { word } from "../words.js";
import { crewField, form, input, lacks, lifted, overrides, select, tick } from "./fields.js";
import { propertyField } from "./picker.js";

const TEXTS = ["description", "internal_note", "external_reference"];
const TIME = /^([01]?\d|2[0-3])[:. ]?([0-5]\d)?$/;
const CONTACT = ["name", "phone", "email"];

const instant = (desk, { date, time }) => iso(desk.instant(date, time));
/** The browser writes a date as it likes, so the words below say which day it is; a time is always of 24 hours. */
const whenFields = (desk) => h("div.stack.tight", { key: "when" },
  h("div.pair", {}, input(desk, "date", { type: "date", required: true, oninput: (_, date) => {
    desk.panel.values.date = date;
    desk.draw();
  } }), input(desk, "time", { required: true, autocomplete: "off", maxlength: 5 })),
  isDate(desk.panel.values.date) && h("p.hint", { key: "day" }, longDate(desk.panel.values.date)));
const contactFields = (desk) => h("div.pair", { key: "contact" }, input(desk, "phone", { type: "tel", autocomplete: "off" }), input(desk, "email", { type: "email", autocomplete: "off" }));

/** Makes the typed time of the panel a whole one: 9, 930 and 9.30 are times too. False, and a fault, if it is none. */
function readTime({ values, faults }) {
  const found = TIME.exec(values.time.trim());
  if (!found) faults.time = word("desk.time_wrong");
  else values.time = `${found[1].padStart(2, "0")}:${found[2] ?? "00"}`;
  return Boolean(found);
}

/** A new visit, or a reservation. */
export function bookForm(desk) {
  const { values } = desk.panel;
  const services = [["", word("desk.no_service")], ...desk.names.services().map((each) => [each.id, each.name])];
  return form(desk, values.reserve ? "reserve" : "book", () => sendBooking(desk),
    propertyField(desk),
    select(desk, "service_id", services),
    whenFields(desk),
    input(desk, "name", { required: true, autocomplete: "off" }),
    contactFields(desk),
    crewField(desk, word("desk.crew_none")),
    input(desk, "description", { lines: 2 }),
    input(desk, "internal_note", { lines: 2 }),
    tick(desk, "reserve", word("desk.reserve_only")),
    values.reserve && input(desk, "hours", { type: "number", required: true }),
    overrides(desk));
}

async function sendBooking(desk) {
  const { panel } = desk;
  const { values } = panel;
  if (lacks(panel, "property_id", "date", "time", "name") || !readTime(panel)) return;
  const crew = values.technician_ids;
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
  if (!problem) return desk.panels.close();
  if (problem instanceof NoAnswer) return; // it may be booked: the same key then brings that booking
  panel.key = null;
  panel.faults = faultsOf(problem);
  panel.problem = `${problem.message} ${await desk.acts.blame(problem)}`.trim();
  panel.instead = (problem.body.next_available ?? []).map((each) => {
    const at = local(Date.parse(each.start), desk.model.zone);
    const crew = each.technician_ids ?? [each.technician_id];
    return { text: `${at.time} ${desk.names.technicians(crew)}`, run: () => {
      Object.assign(values, at, { technician_ids: crew });
      Object.assign(panel, { problem: null, instead: [], crewFirst: null, round: (panel.round ?? 0) + 1 });
      desk.draw();
      for (const name of ["date", "time"]) document.getElementById(name).value = at[name];
    } };
  });
}

/** Another time, place or technician. */
export function moveForm(desk) {
  const { panel } = desk;
  const { base, values } = panel;
  return form(desk, "move", async () => {
    if (lacks(panel, "property_id", "date", "time") || !readTime(panel)) return;
    const crew = values.technician_ids;
    if (!crew.length) return void (panel.faults = { technician_ids: word("desk.missing") });
    const start = instant(desk, values);
    await sendChange(desk, {
      ...(Date.parse(start) !== base.startMs && { start }),
      ...(crew.join() !== base.technician_ids.join() && (crew.length > 1 || base.technician_ids.length > 1 ? { technician_ids: crew } : { technician_id: crew[0] })),
      ...(values.property_id !== base.property_id && { property_id: values.property_id }),
    });
  },
  whenFields(desk), crewField(desk, word("desk.crew_hint")), propertyField(desk), overrides(desk));
}

/** The customer and the texts. */
export function editForm(desk) {
  const { panel } = desk;
  const { base, values } = panel;
  return form(desk, "edit", async () => {
    if (lacks(panel, "name")) return;
    const others = TEXTS.filter((name) => (values[name] ?? "") !== (base[name] ?? ""));
    const isOther = CONTACT.some((name) => (values[name] ?? "").trim() !== (base.customer?.[name] ?? ""));
    await sendChange(desk, { ...(isOther && { customer: customerOf(values) }), ...Object.fromEntries(others.map((name) => [name, values[name] || null])) });
  },
  input(desk, "name", { required: true, autocomplete: "off" }),
  contactFields(desk),
  input(desk, "description", { lines: 3 }),
  input(desk, "internal_note", { lines: 3 }),
  input(desk, "external_reference", { autocomplete: "off" }));
}

/** Sends the fields of a form that differ, and shows the visit; where none does, only the latter. */
async function sendChange(desk, fields) {
  const { panel } = desk;
  const done = Object.keys(fields).length === 0 || await desk.acts.edit(panel.base, lifted(panel.values).length ? { ...fields, override: lifted(panel.values) } : fields);
  if (done === true) desk.panels.show("record", panel.id);
  else panel.faults = done.faults ? faultsOf(done) : {};
}

export function cancelForm(desk) {
  const { panel } = desk;
  return form(desk, "cancel", async () => {
    await desk.acts.end(panel.base, "cancel", panel.values.reason);
    desk.panels.close();
  },
  h("p", { key: "ask" }, word("desk.cancel_ask", { who: desk.names.customer(panel.base) })),
  input(desk, "reason", { autocomplete: "off" }));
}

/** What a form begins with. */
export function startValues(desk, mode, entry, given) {
  if (mode === "book") return { hours: "24", technician_ids: [], ...given };
  if (!entry) return {};
  const at = local(entry.startMs, desk.model.zone);
  return {
    date: at.date, time: at.time, technician_ids: [...entry.technician_ids], property_id: entry.property_id,
    ...entry.customer, description: entry.description, internal_note: entry.internal_note ?? "", external_reference: entry.external_reference ?? "",
  };
}
