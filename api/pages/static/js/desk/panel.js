// The panel beside the board: one visit with what can be done about it, one hold, or a form.

import { h } from "../dom.js";
import { city, local, longDate, shortDate } from "../dates.js";
import { word } from "../words.js";
import { deedOf, labelOf, valueOf } from "./about.js";
import { bookForm, cancelForm, editForm, moveForm } from "./forms.js";

const FORMS = { book: bookForm, move: moveForm, edit: editForm, cancel: cancelForm };

/** The panel as the desk's state says. */
export function panelView(desk) {
  const { panel } = desk;
  const form = FORMS[panel.mode];
  const view = form ? form(desk) : panel.mode === "differ" ? differView(desk) : panel.mode === "keys" ? keysView() : panel.mode === "found" ? foundView(desk) : recordView(desk);
  return h("div.stack", { key: `${panel.mode} ${panel.id ?? ""}` },
    h("div.row.apart", {},
      h("h2", { tabindex: "-1", id: "panel-title" }, titleOf(desk)),
      h("button.button.plain", { type: "button", onclick: () => desk.panels.close() }, word("desk.close"))),
    view);
}

function titleOf(desk) {
  const { panel } = desk;
  const entry = desk.panels.selected();
  if (panel.mode === "record") return entry?.kind === "hold" ? word("desk.hold") : entry?.customer?.name ?? word("desk.gone");
  return word(`desk.title_${panel.mode}`);
}

function recordView(desk) {
  const entry = desk.panels.selected();
  if (!entry) return h("p", {}, word("desk.gone_text"));
  return entry.kind === "hold" ? holdView(desk, entry) : visitView(desk, entry);
}

function facts(desk, entry) {
  const { zone } = desk.model;
  const [from, to] = [local(entry.startMs, zone), local(entry.endMs, zone)];
  const place = desk.names.property(entry.property_id);
  const clock = place && local(entry.startMs, place.timezone).time;
  const there = clock && clock !== from.time ? `${clock} ${city(place.timezone)}` : null;
  const rows = [
    ["when", `${longDate(from.date)}, `, h("time.nowrap", {}, `${from.time}–${to.time}`), there && h("span.soft", {}, ` (${there})`)],
    ["where", desk.names.place(entry.property_id), place?.address && h("span.soft", {}, ` ${place.address}`)],
    ["who", entry.technician_ids.map((id) => desk.names.technician(id)).join(", ")],
    entry.service_id && ["service", desk.names.service(entry.service_id)],
    entry.customer?.phone && ["phone", h("a", { href: `tel:${entry.customer.phone.replace(/[^\d+]/g, "")}` }, entry.customer.phone)],
    entry.customer?.email && ["email", h("a", { href: `mailto:${entry.customer.email}` }, entry.customer.email)],
    entry.description && ["description", entry.description],
    entry.internal_note && ["internal_note", entry.internal_note],
    entry.external_reference && ["reference", entry.external_reference],
    entry.reserved_until && entry.status === "pending" && ["reserved_until", h("time", {}, valueOf(desk, "reserved_until", entry.reserved_until))],
    entry.deadline && ["reserved_until", h("time", {}, local(entry.deadline, zone).time)],
    ["source", word(`desk.source_${entry.source}`)],
  ];
  return h("dl.facts", {}, rows.filter(Boolean).map(([name, ...value]) => h("div", { key: name }, h("dt", {}, word(`desk.${name}`)), h("dd", {}, ...value))));
}

const STATES = { confirmed: "booked", pending: "pending", completed: "good", no_show: "bad", cancelled: "bad", expired: "bad" };

function visitView(desk, visit) {
  const open = ["pending", "confirmed"].includes(visit.status);
  const begun = visit.startMs <= desk.clock.now();
  const button = (name, run, kind = "") => h(`button.button${kind}`, { type: "button", key: name, onclick: run }, word(`desk.do_${name}`));
  return [
    h("p", {}, h(`span.state.${STATES[visit.status]}`, {}, word(`desk.status_${visit.status}`))),
    facts(desk, visit),
    h("div.row", {},
      visit.status === "pending" && button("confirm", () => desk.acts.end(visit, "confirm"), ".main"),
      open && button("move", () => desk.panels.show("move", visit.id)),
      open && button("edit", () => desk.panels.show("edit", visit.id)),
      visit.status === "confirmed" && begun && button("complete", () => desk.acts.end(visit, "complete")),
      visit.status === "confirmed" && begun && button("no_show", () => desk.acts.end(visit, "no-show")),
      !open && visit.status !== "expired" && button("restore", () => desk.acts.end(visit, "restore")),
      open && button("cancel", () => desk.panels.show("cancel", visit.id), ".danger")),
    historyView(desk, visit),
  ];
}

function historyView(desk, visit) {
  const entries = [...(visit.history ?? [])].reverse();
  if (!entries.length) return null;
  return h("details.history", { key: "history", open: true }, h("summary", {}, word("desk.history")),
    h("ol", {}, entries.map((each, index) => {
      const at = local(Date.parse(each.at), desk.model.zone);
      const changes = Object.entries(each.changes).filter(([field]) => labelOf(field) && !(field === "status" && each.action !== "edit"));
      return h("li", { key: String(entries.length - index) }, h("b", {}, deedOf(each.action)), h("span.soft", {}, ` ${desk.names.person(each.by)}, ${shortDate(at.date)} ${at.time}`),
        changes.map(([field, { from, to }]) => h("span.changed", { key: field }, `${labelOf(field)}: ${from === null || field === "override" ? "" : `${valueOf(desk, field, from)} → `}${valueOf(desk, field, to)}`)));
    })));
}

function holdView(desk, hold) {
  return [
    h("p", {}, h("span.state.held", {}, word("desk.held"))),
    facts(desk, hold),
    hold.hold_id
      ? h("div.row", {}, h("button.button.danger", { type: "button", onclick: () => desk.acts.release(hold) }, word("desk.release")))
      : h("p.soft", {}, word("desk.loading")),
  ];
}

const COMPARED = ["start", "technician_ids", "property_id", "service_id", "status", "customer", "description", "internal_note", "external_reference"];

/** Somebody else changed the visit meanwhile: both versions side by side. */
function differView(desk) {
  const { base, id, mine } = desk.panel;
  const theirs = desk.model.find("visit", id) ?? base;
  const wish = { ...base, ...mine, ...(mine.technician_id && { technician_ids: [mine.technician_id] }) };
  const text = (version, field) => valueOf(desk, field, version[field]);
  const rows = COMPARED.filter((field) => new Set([base, theirs, wish].map((each) => text(each, field))).size > 1);
  const cell = (version, field) => h("td", { class: text(version, field) === text(base, field) ? "soft" : "other" }, text(version, field));
  return [
    h("div.notice.warn", {}, h("p", {}, word("desk.differ"))),
    h("table.differ", {},
      h("thead", {}, h("tr", {}, h("th", {}, h("span.unseen", {}, word("desk.field"))), h("th", { scope: "col" }, word("desk.theirs")), h("th", { scope: "col" }, word("desk.mine")))),
      h("tbody", {}, rows.map((field) => h("tr", { key: field }, h("th", { scope: "row" }, labelOf(field)), cell(theirs, field), cell(wish, field))))),
    h("div.row", {},
      h("button.button.main", { type: "button", onclick: () => desk.panels.show("record", id) }, word("desk.keep_theirs")),
      h("button.button", { type: "button", onclick: () => desk.acts.edit(theirs, mine).then((done) => done === true && desk.panels.show("record", id)) }, word("desk.take_mine"))),
  ];
}

function foundView(desk) {
  const { found } = desk.panel;
  if (!found.length) return h("p", {}, word("desk.found_none"));
  return h("ul.found", {}, found.map((each) => {
    const at = local(Date.parse(each.start), desk.model.zone);
    return h("li", { key: each.booking_id }, h("button.option", { type: "button", onclick: () => desk.panels.goTo(each) },
      h("b", {}, each.customer.name), h("span", {}, `${longDate(at.date)}, ${at.time} · ${desk.names.place(each.property_id)} · ${word(`desk.status_${each.status}`)}`)));
  }));
}

const KEYS = [["← ↑ ↓ →", "arrows"], ["Enter", "enter"], ["m", "m"], ["n", "n"], ["r", "r"], ["e", "e"], ["x", "x"], ["u", "u"], ["[ ]", "days"], ["t", "t"], ["w", "w"], ["/", "slash"], ["f", "f"], ["?", "help"]];

function keysView() {
  return h("dl.keys", {}, KEYS.map(([key, name]) => h("div", { key: name }, h("dt", {}, h("kbd", {}, key)), h("dd", {}, word(`keys.${name}`)))));
}
