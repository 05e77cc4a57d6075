// A sick day: what would become of the visits is shown first; then the time off is entered and the visits move.

import { query, secret } from "../api.js";
import { addDays, iso, local, moment } from "../dates.js";
import { h } from "../dom.js";
import { withLanguage } from "../language.js";
import { word } from "../words.js";
import { button, formView, section, tableView, when } from "./parts.js";

const PAGE = 200;

/** [from, to) of whole days by a zone's clock, as the API takes them. */
export function days(first, last, zone) {
  return { from: iso(moment(first, "00:00", zone)), to: iso(moment(addDays(last || first, 1), "00:00", zone)) };
}

/** The card of a technician's sick day. */
export function sickView(office, { record, plan }) {
  const today = local(Date.now(), record.timezone).date;
  const fields = [["sick_from", { type: "date", required: true }], ["sick_to", { type: "date" }]];
  return section(word("office.sick"),
    h("p.soft", { key: "about" }, word("office.sick_about")),
    formView(office, "sick", {
      fields, values: plan?.values ?? { sick_from: today, sick_to: today }, main: !plan, submit: word("office.sick_show"),
      send: async (values) => {
        const span = days(values.sick_from, values.sick_to, record.timezone);
        const [visits, made] = await Promise.all([visitsOf(office, record.id, span), reassign(office, record.id, span, true)]);
        office.data = { ...office.data, plan: { ...made, span, visits, values: { ...values }, done: false } };
        office.did(word("office.sick_planned", counts(made)));
      },
    }),
    plan && planView(office, record, plan));
}

const counts = ({ moves, left }) => ({ moves: String(moves.length), left: String(left.length) });

async function reassign(office, id, span, dry) {
  return office.api.post(`/technicians/${encodeURIComponent(id)}/reassign`, { body: { ...span, dry_run: dry }, key: secret(), patience: 60_000 });
}

/** The technician's visits in a span, by id. They are read before the plan, so that each has its name. */
async function visitsOf(office, id, { from, to }) {
  const found = new Map();
  let cursor = "";
  do {
    const page = await office.api.get(query("/bookings", { technician_id: id, from, to, overlapping: true, limit: PAGE, cursor }));
    for (const each of page.bookings) found.set(each.booking_id, each);
    cursor = page.next_cursor;
  } while (cursor);
  return found;
}

function planView(office, record, plan) {
  const { places, technicians } = office.data;
  const about = (each) => plan.visits.get(each.booking_id);
  const at = (each) => {
    const visit = about(each) ?? each;
    const day = visit.start && local(Date.parse(visit.start), office.zone).date;
    return day ? h("a", { href: withLanguage(`/desk?date=${day}`) }, when(visit.start, record.timezone)) : each.booking_id;
  };
  const row = (each, last) => [each.booking_id, [at(each), about(each)?.customer?.name, places.get(each.property_id ?? about(each)?.property_id)?.name, last]];
  const heads = ["when", "who", "where"].map((name) => word(`desk.${name === "who" ? "name" : name}`));
  const goes = (each) => technicians.get(each.to_technician_id)?.name ?? each.to_technician_id;
  return h("div.stack", { key: "plan" },
    h(`div.notice.${plan.left.length ? "warn" : "good"}`, {}, h("p", {}, word(plan.done ? "office.sick_done" : "office.sick_planned", counts(plan)))),
    plan.moves.length > 0 && tableView(word(plan.done ? "office.sick_moved" : "office.sick_moves"), [...heads, word("office.goes_to")], plan.moves.map((each) => row(each, goes(each)))),
    plan.left.length > 0 && tableView(word(plan.done ? "office.sick_call" : "office.sick_left"), [...heads, word("office.why")], plan.left.map((each) => row(each, each.detail))),
    !plan.done && h("div.row", {}, button(office, word("office.sick_do"), () => carryOut(office, record, plan), ".main")));
}

/** Enters the time off first, so that nothing new comes, then gives the visits to others. */
async function carryOut(office, record, plan) {
  if (plan.busy) return;
  plan.busy = true;
  try {
    const off = { start: plan.span.from, end: plan.span.to };
    await office.api.patch(`/technicians/${encodeURIComponent(record.id)}`, { body: { time_off_add: [off] }, key: secret() });
    const made = await reassign(office, record.id, plan.span, false);
    office.did(word("office.sick_done", counts(made)));
    const changed = await office.api.get(`/technicians/${encodeURIComponent(record.id)}`);
    office.data = { ...office.data, record: changed, plan: { ...plan, ...made, done: true } };
  } finally {
    plan.busy = false;
  }
}
