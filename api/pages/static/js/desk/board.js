// The day board: a section a technician, visits at their time of day. It changes only what differs, so that one event
// costs one element.

import { at, h } from "../dom.js";
import { local, shortDate } from "../dates.js";
import { clockText } from "../holding.js";
import { word } from "../words.js";
import { gaps } from "./model.js";

export const MINUTE = 60_000;
const STEP = 15;
/** Pixels a minute. */
export const SCALE = 1.1;
const NARROW = 40;

/** What a visit says, as far as there is room: time, customer, property, service. */
export function wordsOf(entry, desk) {
  const time = `${local(entry.startMs, desk.model.zone).time}–${local(entry.endMs, desk.model.zone).time}`;
  const who = entry.kind === "hold" ? word("desk.held_by", { source: word(`desk.source_${entry.source}`) }) : entry.customer?.name ?? "";
  return { time, who, where: desk.placeName(entry.property_id), what: desk.serviceName(entry.service_id) };
}

/** The board of one day. desk: see main. */
export function makeBoard(desk) {
  const nodes = new Map();
  let day = null;
  let columns = new Map();

  const y = (ms) => ((ms - day.begin) / MINUTE) * SCALE;

  function spanOf(node, from, to) {
    node.style.top = `${y(from)}px`;
    node.style.height = `${Math.max(1, y(to) - y(from))}px`;
  }

  function hours() {
    const marks = [];
    for (let ms = day.begin; ms < day.end; ms += 60 * MINUTE) {
      const mark = h("li.hour", {}, local(ms, desk.model.zone).time);
      mark.style.top = `${y(ms)}px`;
      marks.push(mark);
    }
    return h("ol.hours", { "aria-hidden": "true" }, marks);
  }

  function column(technician) {
    const body = h("div.lane");
    body.dataset.technician = technician.id;
    body.style.height = `${y(day.end)}px`;
    for (const span of technician.closed) {
      const [from, to] = [Math.max(span.from, day.begin), Math.min(span.to, day.end)];
      if (to <= from) continue;
      const closed = h("div.closed", { "aria-hidden": "true" });
      spanOf(closed, from, to);
      body.append(closed);
    }
    const head = h("h2.who", { id: `who-${technician.id}` }, technician.name);
    columns.set(technician.id, { body, technician, parts: new Map() });
    return h("section.column", { "aria-labelledby": `who-${technician.id}` }, head, body);
  }

  /** Draws a whole day anew. */
  function draw(next) {
    day = next;
    columns = new Map();
    nodes.clear();
    const now = h("div.now", { id: "now", "aria-hidden": "true" });
    const sections = desk.model.technicians.map(column);
    const empty = sections.length === 0 && h("p.empty", {}, word("desk.no_technicians"));
    const grid = h("div.grid", { id: "grid", role: "group", "aria-label": word("desk.board_of", { date: shortDate(day.date) }) }, hours(), sections, now, empty);
    grid.style.setProperty("--hour", `${60 * SCALE}px`);
    at("board").replaceChildren(grid);
    for (const id of columns.keys()) refresh(id);
    tick();
  }

  function label(entry) {
    const { time, who, where, what } = wordsOf(entry, desk);
    const crew = entry.technician_ids.length > 1 && h("span.crew", {}, word("desk.crew", { n: entry.technician_ids.length }));
    const state = entry.kind === "hold" ? h("span.left.figures", {}, clockText(entry.deadline - desk.clock.now())) : entry.status !== "confirmed" && word(`desk.status_${entry.status}`);
    return [h("time", {}, time), " ", h("b", {}, who), " ", h("span.where", {}, where), " ", what && h("span.what", {}, what), " ", crew, " ", state && h("span.mark", {}, state)];
  }

  function entryNode(entry, technicianId) {
    const node = h("button.entry", {
      type: "button", tabindex: "-1",
      class: entry.kind === "hold" ? "held" : entry.status,
      onclick: () => desk.open(entry.kind, entry.id),
      onkeydown: (event) => desk.key(event),
      onpointerdown: (event) => desk.drag?.begin(event, entry.id, technicianId),
    });
    node.dataset.kind = entry.kind;
    node.dataset.id = entry.id;
    return node;
  }

  /** Draws one column anew, as far as it differs. */
  function refresh(technicianId) {
    const place = columns.get(technicianId);
    if (!place) return;
    const entries = desk.model.column(technicianId).filter((each) => each.to > day.begin && each.from < day.end);
    const left = new Map(place.parts);
    for (const entry of entries) {
      const key = `${entry.kind} ${entry.id}`;
      const print = `${entry.startMs} ${entry.endMs} ${entry.from} ${entry.to} ${entry.version} ${entry.status} ${desk.named}`;
      const known = left.get(key);
      left.delete(key);
      if (known?.print === print) continue;
      const node = known?.node ?? entryNode(entry, technicianId);
      const travel = known?.travel ?? h("div.travel", { "aria-hidden": "true" });
      node.className = `entry ${entry.kind === "hold" ? "held" : entry.status}${entry.endMs - entry.startMs < NARROW * MINUTE ? " narrow" : ""}`;
      node.replaceChildren(...label(entry).flat().filter(Boolean));
      spanOf(node, Math.max(entry.startMs, day.begin), Math.min(entry.endMs, day.end));
      spanOf(travel, Math.max(entry.from, day.begin), Math.min(entry.to, day.end));
      if (!known) place.body.append(travel, node);
      place.parts.set(key, { node, travel, print });
    }
    for (const [key, { node, travel }] of left) {
      if (key.startsWith("gap")) continue;
      node.remove();
      travel.remove();
      place.parts.delete(key);
    }
    drawGaps(place, entries);
  }

  function drawGaps(place, entries) {
    const wanted = gaps(entries, place.technician.closed, Math.max(day.begin, desk.nextStart()), day.end);
    const name = ({ from, to }) => `gap ${from} ${to}`;
    const names = new Set(wanted.map(name));
    for (const [key, { node }] of [...place.parts]) {
      if (!key.startsWith("gap") || names.has(key)) continue;
      node.remove();
      place.parts.delete(key);
    }
    for (const { from, to } of wanted) {
      if (place.parts.has(name({ from, to }))) continue;
      const times = { from: local(from, desk.model.zone).time, to: local(to, desk.model.zone).time };
      const node = h("button.gap", {
        type: "button", tabindex: "-1", onkeydown: (event) => desk.key(event),
        onclick: (event) => desk.bookAt(place.technician.id, under(event, node, from, to)),
      }, h("span", {}, word("desk.free", times)));
      node.dataset.from = from;
      spanOf(node, from, to);
      place.body.prepend(node);
      place.parts.set(name({ from, to }), { node, travel: node, print: "" });
    }
  }

  /** The quarter of an hour under the pointer; with the keyboard the first of the gap. */
  function under(event, node, from, to) {
    if (!event.detail) return from;
    const minutes = (event.clientY - node.getBoundingClientRect().top) / SCALE;
    return Math.min(from + Math.floor(minutes / STEP) * STEP * MINUTE, to - STEP * MINUTE);
  }

  /** Moves the line of the present, and counts down what is held. */
  function tick() {
    const now = desk.clock.now();
    const line = at("now");
    if (!line || !day) return;
    line.hidden = now < day.begin || now >= day.end;
    line.style.top = `${y(Math.min(Math.max(now, day.begin), day.end))}px`;
    for (const node of document.querySelectorAll(".entry.held")) {
      const hold = desk.model.find("hold", node.dataset.id);
      const text = hold && node.querySelector(".left");
      const left = hold && clockText(hold.deadline - now);
      if (text && text.textContent !== left) text.textContent = left;
    }
  }

  return {
    draw, refresh, tick,
    get day() { return day; },
    get columns() { return [...columns.values()]; },
    all() { for (const id of columns.keys()) refresh(id); },
    node: (kind, id) => at("grid")?.querySelector(`.entry[data-kind="${kind}"][data-id="${CSS.escape(id)}"]`),
    y,
    /** The moment of a height in a lane, on the grid of quarters. */
    moment: (pixels) => day.begin + Math.round(pixels / SCALE / STEP) * STEP * MINUTE,
    scrollTo(ms) {
      at("board").scrollTop = Math.max(0, y(ms) - 60);
    },
  };
}
