// Webhooks: the addresses that hear of changes, what was sent to them, and their secrets, which are shown once.

import { query } from "../api.js";
import { h } from "../dom.js";
import { word } from "../words.js";
import { button, section, stateView, tableView, when } from "./parts.js";
import { records } from "./records.js";

const KINDS = ["booking.created", "booking.confirmed", "booking.changed", "booking.moved", "booking.cancelled", "booking.completed", "booking.no_show", "booking.expired", "waitlist.offered"];
const path = (record) => `/webhooks/${record.webhook_id}`;

export const webhooks = records({
  name: "webhooks",
  admin: true,
  path: "/webhooks",
  list: "webhooks",
  id: "webhook_id",
  keyed: false,
  removes: true,
  title: (record) => record.url,
  columns: [
    ["url", (each) => each.url],
    ["kinds", (each) => each.kinds.join(", ")],
    ["status", (each) => [stateView(each.status), each.disabled_reason && h("span.small", {}, ` ${word(`office.disabled_${each.disabled_reason}`)}`)]],
  ],
  more: async (office, record) => ({ deliveries: (await office.api.get(query(`${path(record)}/deliveries`, { limit: 50 }))).deliveries }),
  made: (office, { webhook_id, secret }) => (office.secret = { webhook_id, secret }),
  parts: (office, data) => data.record && [secretView(office, data.record), deliveriesView(office, data)],
  fields: (office, record) => [
    ["url", { type: "url", required: true, hint: word("office.url_hint") }],
    ["kinds", { choices: KINDS.map((each) => [each, each]), multiple: true, hint: word("office.kinds_hint") }],
    ...(record ? [["status", { choices: ["active", "disabled"].map((each) => [each, word(`office.status_${each}`)]) }]] : []),
  ],
  begin: { kinds: KINDS },
  values: ({ url, kinds, status }) => ({ url, kinds, status }),
  body: ({ url, kinds, status }, record) => ({ url, kinds, ...(record && { status }) }),
});

function secretView(office, record) {
  const shown = office.secret?.webhook_id === record.webhook_id ? office.secret.secret : null;
  const rotate = async () => {
    const made = await office.api.post(`${path(record)}/rotate`);
    office.secret = made;
    office.did(word("office.secret_made"));
  };
  return section(word("office.secret"),
    shown ? h("div.notice.warn", { key: "shown" }, h("p", {}, word("office.secret_once")), h("p", {}, h("code.secret", {}, shown))) : h("p.soft", { key: "about" }, word("office.secret_about")),
    h("div.row", { key: "rotate" }, button(office, word("office.rotate"), rotate)));
}

function deliveriesView(office, { record, deliveries }) {
  const reload = async () => {
    office.data = { ...office.data, ...(await webhooks.more(office, record)) };
  };
  const send = async (where) => {
    await office.api.post(`${path(record)}/${where}`);
    office.did(word("office.sending"));
    await reload();
  };
  const heads = ["when", "kind", "status", "answer", "act"].map((name) => word(name === "when" ? "desk.when" : `office.column_${name}`));
  const answer = (each) => [each.response_status, each.error ?? each.response_text].filter(Boolean).join(" ");
  const row = (each) => [each.delivery_id, [when(each.created_at, office.zone), each.kind, stateView(each.status), answer(each), button(office, word("office.again"), () => send(`deliveries/${each.delivery_id}/redeliver`))]];
  return section(word("office.deliveries"),
    deliveries.length ? tableView(word("office.deliveries"), heads, deliveries.map(row), true) : h("p.soft", { key: "none" }, word("office.deliveries_none")),
    h("div.row", { key: "do" }, button(office, word("office.test"), () => send("test")), button(office, word("office.reload"), reload)));
}
