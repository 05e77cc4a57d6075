// What the pages of the office are made of: a form, a table, a state, a moment.

import { NoAnswer, Problem } from "../api.js";
import { select, tick } from "../choice.js";
import { addDays, local, shortDate } from "../dates.js";
import { h } from "../dom.js";
import { field, focusFault } from "../form.js";
import { word } from "../words.js";

/** A form that sends itself. name: of the form on its page. fields: [name, how], see `fieldView`. values: what it begins
 * with. send(values): what it does; it may throw a Problem, which is shown at the fields that it names. main: this is
 * the thing to do here. */
export function formView(office, name, { fields, values = {}, send, submit, main }) {
  const state = office.formState(name, values);
  return h("form.stack", { key: `${name} ${state.round}`, novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    if (!state.busy) await submitted(office, name, state, fields, send);
  } },
  state.problem && h("div.notice.bad", { key: "problem", role: "alert" }, h("p", {}, state.problem)),
  h("div.fields", { key: "fields" }, fields.map(([each, how]) => fieldView(office, state, each, how))),
  h("div.row", { key: "send" }, h(`button.button${main ? ".main" : ""}`, { type: "submit" }, submit)));
}

async function submitted(office, name, state, fields, send) {
  const missing = fields.filter(([each, { required }]) => required && !String(state.values[each] ?? "").trim());
  state.faults = Object.fromEntries(missing.map(([each]) => [each, word("desk.missing")]));
  state.problem = null;
  if (!missing.length) {
    state.busy = true;
    try {
      await send(state.values);
      office.forget(name);
    } catch (error) {
      tellFault(office, state, fields.map(([each]) => each), error);
    }
    state.busy = false;
  }
  office.draw();
  focusFault(state.faults);
}

/** Shows what the API refused: a fault at its field, and what belongs to no field on top. */
function tellFault(office, state, names, error) {
  if (error instanceof NoAnswer) state.problem = word("connection.no_answer");
  else if (!(error instanceof Problem)) throw error;
  else if (error.status === 401) office.askWho(word("desk.signed_out"));
  else {
    const faults = Object.entries(error.faults);
    state.faults = Object.fromEntries(faults.filter(([each]) => names.includes(each)));
    const others = faults.filter(([each]) => !names.includes(each)).map(([, sentence]) => sentence);
    state.problem = faults.length ? others.join(" ") || null : error.message;
  }
}

/** One field. how: what `field`, `select` or `tick` takes; choices make a list of choices, `ticked` a box. */
function fieldView(office, state, name, how) {
  const change = (each, value) => (state.values[each] = value);
  const given = { label: how.label ?? word(`office.field_${name}`), ...how, values: state.values, faults: state.faults };
  if (how.ticked) return tick(name, { ...given, onchange: change });
  if (how.choices) return select(name, { ...given, onchange: change });
  return field(name, { autocomplete: "off", ...given, oninput: change });
}

/** A table; on a phone each row is a card. heads: the columns. rows: [key, cells]; the first cell names the row. quiet: the
 * caption is for screen readers, because the heading of the page says the same. */
export function tableView(caption, heads, rows, quiet) {
  return h("table.records", { key: caption },
    h(quiet ? "caption.unseen" : "caption", {}, caption),
    h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col", key: head }, head)))),
    h("tbody", {}, rows.map(([key, cells]) => h("tr", { key }, cells.map((cell, index) =>
      index === 0 ? h("th", { scope: "row", key: heads[0], "data-label": heads[0] }, cell) : h(isNone(cell) ? "td.none" : "td", { key: heads[index], "data-label": heads[index] }, isNone(cell) ? "–" : cell))))));
}

const isNone = (cell) => cell === "" || cell === null || cell === undefined || cell === false;

/** A card with a heading. */
export const section = (title, ...parts) => h("section.card.stack", { key: title }, h("h3", {}, title), ...parts);

/** A button that does one thing; what the API refuses is said at the bottom. */
export const button = (office, text, run, kind = "") =>
  h(`button.button${kind}`, { type: "button", key: text, onclick: () => office.attempt(run) }, text);

const GOOD = new Set(["available", "active", "delivered", "sent", "booked", "confirmed", "completed"]);
const WAITS = new Set(["waiting", "queued", "held", "offered", "pending"]);

/** A word that says a state. */
export const stateView = (status) =>
  h(`span.state.${GOOD.has(status) ? "good" : WAITS.has(status) ? "pending" : "off"}`, {}, word(`office.status_${status}`));

/** "Sat 5 Dec 10:00", by the clock of a zone. */
export function when(instant, zone) {
  const at = local(Date.parse(instant), zone);
  return `${shortDate(at.date)} ${at.time}`;
}

/** From when to when: whole days without their times. */
export function between(start, end, zone) {
  const [from, to] = [local(Date.parse(start), zone), local(Date.parse(end), zone)];
  if (from.date === to.date) return `${shortDate(from.date)} ${from.time}–${to.time}`;
  if (from.time !== "00:00" || to.time !== "00:00") return `${shortDate(from.date)} ${from.time} – ${shortDate(to.date)} ${to.time}`;
  const last = addDays(to.date, -1);
  return last === from.date ? shortDate(from.date) : `${shortDate(from.date)} – ${shortDate(last)}`;
}

/** What a text field means to the API: null where it is empty. */
export const orNull = (text) => String(text ?? "").trim() || null;

/** The fields of a body that differ from the record as it was read, so that what others change meanwhile stays. */
export function changesOf(body, record) {
  return Object.fromEntries(Object.entries(body).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(record[name])));
}

/** "a, b" as a list. */
export const listed = (text) => String(text ?? "").split(",").map((each) => each.trim()).filter(Boolean);
