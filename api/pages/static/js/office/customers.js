// Customers: who called, what was said, and which visits they had and will have.

import { query, secret } from "../api.js";
import { h } from "../dom.js";
import { local } from "../dates.js";
import { withLanguage } from "../language.js";
import { word } from "../words.js";
import { button, formView, orNull, section, stateView, tableView, when } from "./parts.js";
import { records } from "./records.js";

export const customers = records({
  name: "customers",
  path: "/customers",
  list: "customers",
  id: "customer_id",
  searches: true,
  makes: false,
  title: (record) => record.name,
  columns: [
    ["name", (each) => each.name],
    ["phone", (each) => each.phone],
    ["email", (each) => each.email],
    ["visits", (each) => String(each.visits)],
    ["notes", (each) => each.notes],
  ],
  more: async (office) => ({ places: await office.all("properties"), technicians: await office.all("technicians") }),
  parts: visitsView,
  after: (office, { record }) => mergeView(office, record),
  fields: () => [
    ["name", { required: true }],
    ["phone", { type: "tel" }],
    ["email", { type: "email" }],
    ["notes", { lines: 3 }],
  ],
  values: ({ name, phone, email, notes }) => ({ name, phone: phone ?? "", email: email ?? "", notes: notes ?? "" }),
  body: (values) => ({ name: values.name, phone: orNull(values.phone), email: orNull(values.email), notes: orNull(values.notes) }),
});

function visitsView(office, { record, places, technicians }) {
  const heads = ["when", "where", "who", "status"].map((name) => word(name === "status" ? "office.column_status" : `desk.${name}`));
  const row = (each) => [each.booking_id, [
    h("a", { href: withLanguage(`/desk?date=${local(Date.parse(each.start), office.zone).date}`) }, when(each.start, places.get(each.property_id)?.timezone ?? office.zone)),
    places.get(each.property_id)?.name ?? each.property_id,
    each.technician_ids.map((id) => technicians.get(id)?.name ?? id).join(", "),
    stateView(each.status),
  ]];
  return section(word("office.visits"),
    record.bookings.length ? tableView(word("office.visits"), heads, record.bookings.map(row), true) : h("p.soft", { key: "none" }, word("office.visits_none")),
    record.next_cursor && h("div.row", { key: "more" }, button(office, word("office.more"), async () => {
      const next = await office.api.get(query(`/customers/${record.customer_id}`, { cursor: record.next_cursor }));
      office.data = { ...office.data, record: { ...next, bookings: [...record.bookings, ...next.bookings] } };
    })));
}

/** The same person twice: find the one that stays. */
function mergeView(office, record) {
  const { twins } = office.data;
  const find = async ({ merge_q }) => {
    const { customers: found } = await office.api.get(query("/customers", { q: merge_q.trim(), limit: 20 }));
    office.data = { ...office.data, twins: found.filter((each) => each.customer_id !== record.customer_id) };
  };
  const merge = async (other) => {
    await office.api.post(`/customers/${record.customer_id}/merge`, { body: { into: other.customer_id }, key: secret() });
    office.did(word("office.merged", { name: other.name }));
    office.data = null;
    location.hash = other.customer_id;
  };
  return section(word("office.merge"),
    h("p.soft", { key: "about" }, word("office.merge_about", { name: record.name })),
    formView(office, "merge", { fields: [["merge_q", { required: true }]], submit: word("office.merge_find"), send: find }),
    twins && (twins.length ? h("ul.stack", { key: "twins" }, twins.map((each) => h("li.row.apart", { key: each.customer_id },
      h("span", {}, [each.name, each.phone, each.email].filter(Boolean).join(" · ")), button(office, word("office.merge_into", { name: each.name }), () => merge(each)))))
      : h("p", { key: "none" }, word("office.nothing_found"))));
}
