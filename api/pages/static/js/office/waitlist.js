// The waitlist: who waits for which home, in the order in which they are served.

import { h } from "../dom.js";
import { word } from "../words.js";
import { between, button, stateView, when } from "./parts.js";
import { records } from "./records.js";

const STATUSES = ["waiting", "offered", "booked", "lapsed", "cancelled"];

export const waitlist = records({
  name: "waitlist",
  path: "/waitlist",
  list: "waitlist",
  id: "waitlist_id",
  filter: ["status", STATUSES],
  before: async (office) => {
    office.places ??= await office.all("properties");
  },
  columns: [
    ["name", (each) => each.customer?.name],
    ["phone", (each) => each.customer?.phone ?? each.customer?.email],
    ["place", (each, office) => office.places.get(each.property_id)?.name ?? each.property_id],
    ["window", (each, office) => between(each.from, each.to, zoneOf(each, office))],
    ["status", (each, office) => [stateView(each.status), each.status === "offered" && h("span.small", {}, ` ${when(each.start, zoneOf(each, office))}`)]],
    ["act", (each, office) => ["waiting", "offered"].includes(each.status) && button(office, word("office.remove"), () => remove(office, each))],
  ],
});

const zoneOf = (each, office) => office.places.get(each.property_id)?.timezone ?? office.zone;

async function remove(office, { waitlist_id, customer }) {
  await office.api.remove(`/waitlist/${waitlist_id}`);
  office.did(word("office.waitlist_left", { name: customer?.name ?? "" }));
  const rows = office.data.rows.map((each) => (each.waitlist_id === waitlist_id ? { ...each, status: "cancelled" } : each));
  office.data = { ...office.data, rows };
}
