// Messages to customers: what was sent, what waits, and what could not be sent.

import { h } from "../dom.js";
import { word } from "../words.js";
import { button, stateView, when } from "./parts.js";
import { records } from "./records.js";

const KINDS = ["confirmation", "reminder", "moved", "cancelled", "waitlist_offer", "reservation_deadline"];

export const messages = records({
  name: "messages",
  path: "/messages",
  list: "messages",
  id: "message_id",
  filter: ["kind", KINDS],
  columns: [
    ["when", (each, office) => when(each.send_after, office.zone)],
    ["kind", (each) => word(`office.kind_${each.kind}`)],
    ["to", (each) => each.to],
    ["text", (each) => each.text],
    ["status", (each) => [stateView(each.status), each.detail && h("span.small", {}, ` ${each.detail}`)]],
    ["act", (each, office) => (each.status === "failed" ? button(office, word("office.again"), () => again(office, each)) : null)],
  ],
});

async function again(office, { message_id }) {
  await office.api.post(`/messages/${message_id}/resend`);
  office.did(word("office.sending"));
  await office.load();
}
