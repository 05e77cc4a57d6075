// One visit or hold on the board: what it says, as far as there is room.

import { local } from "../dates.js";
import { h } from "../dom.js";
import { clockText } from "../holding.js";
import { word } from "../words.js";

const NARROW_MS = 30 * 60_000;

/** How long a hold still lasts, as text. */
export const left = (hold, desk) => word("desk.left", { time: clockText(hold.deadline - desk.clock.now()) });

/** All that the node of an entry depends on, as one text. */
export const printOf = (entry, desk) => [entry.startMs, entry.endMs, entry.from, entry.to, entry.status, entry.technician_ids.length, ...texts(entry, desk)].join(" ");

/** Who, where, what. */
function texts(entry, desk) {
  const who = entry.kind === "hold" ? word("desk.held_by", { source: word(`desk.source_${entry.source}`) }) : entry.customer ? entry.customer.name : "…";
  return [who, desk.names.place(entry.property_id), desk.names.service(entry.service_id)];
}

/** The node of an entry, still empty. */
export function entryNode(entry) {
  const node = h("button.entry", { type: "button", tabindex: "-1" });
  Object.assign(node.dataset, { kind: entry.kind, id: entry.id });
  return node;
}

/** Makes a node say what its entry is: time, customer, property, service. */
export function fillEntry(node, entry, desk) {
  const { zone } = desk.model;
  const isHold = entry.kind === "hold";
  const [who, where, what] = texts(entry, desk);
  const countdown = isHold && h("span.left.figures", {}, left(entry, desk));
  const state = !isHold && entry.status !== "confirmed" && word(`desk.status_${entry.status}`);
  const crew = entry.technician_ids.length > 1 && h("span.mark", {}, word("desk.crew", { n: entry.technician_ids.length }));
  const isNarrow = entry.endMs - entry.startMs < NARROW_MS;
  node.className = `entry ${isHold ? "held" : entry.status}${isNarrow ? " narrow" : ""}${node.classList.contains("lifted") ? " lifted" : ""}`;
  const when = `${local(entry.startMs, zone).time}–${local(entry.endMs, zone).time}`;
  node.title = [when, who, where, what].filter(Boolean).join(" · ");
  node.replaceChildren(...[
    h("time", {}, when), " ", h("b", {}, countdown, countdown && " · ", who), " ", h("span.where", {}, where), " ",
    what && h("span.what", {}, what), " ", (crew || state) && h("span.marks", {}, crew, " ", state && h("span.mark", {}, state)),
  ].filter(Boolean));
}
