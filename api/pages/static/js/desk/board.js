// The day board: a section a technician, visits at their time of day. It changes only what differs, so that one event
// costs one element.

import { at, h } from "../dom.js";
import { local, shortDate } from "../dates.js";
import { word } from "../words.js";
import { empty, nobody } from "./empty.js";
import { entryNode, fillEntry, left, printOf } from "./entry.js";
import { timed } from "./measure.js";
import { gaps } from "./model.js";

export const MINUTE = 60_000;
const STEP = 15;
/** Pixels a minute. */
export const SCALE = 1.2;

/** The board of one day. desk: see main. */
export function makeBoard(desk) {
  let day = null;
  let quarter = 0;
  let chosen = "";
  let scrolled = 0;
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
    const head = h("h2.who", { id: `who-${technician.id}`, title: technician.name }, h("span", {}, technician.name));
    const section = h("section.column", { "aria-labelledby": `who-${technician.id}` }, head, body);
    columns.set(technician.id, { section, body, technician, parts: new Map() });
    return section;
  }

  /** Draws a whole day anew. */
  function draw(next) {
    day = next;
    columns = new Map();
    const now = h("div.now", { id: "now", "aria-hidden": "true" });
    const sections = desk.model.technicians.map(column);
    const grid = h("div.grid", { id: "grid", role: "group", "aria-label": word("desk.board_of", { date: shortDate(day.from) }), ...listeners }, h("div.corner", { "aria-hidden": "true" }), hours(), sections, now);
    grid.addEventListener("touchmove", (event) => desk.drag.active && event.preventDefault(), { passive: false });
    grid.style.setProperty("--hour", `${60 * SCALE}px`);
    for (const id of columns.keys()) refresh(id);
    at("board").replaceChildren(...(sections.length ? [grid, nobody(desk)] : [empty()]));
    narrow();
    tick();
  }

  /** Shows the columns of the technicians who are chosen. */
  function narrow() {
    const shown = new Set(desk.narrow.technicians.map((each) => each.id));
    for (const [id, { section }] of columns) section.hidden = !shown.has(id);
    if (!at("nobody")) return;
    if (!at("grid").hidden) scrolled = at("board").scrollTop;
    at("nobody").hidden = shown.size > 0;
    at("grid").hidden = shown.size === 0;
    at("board").scrollTop = scrolled;
  }

  const listeners = {
    onclick(event) {
      const node = event.target.closest(".entry, .gap");
      if (!node) return;
      if (node.dataset.id) desk.panels.open(node.dataset.kind, node.dataset.id);
      else desk.panels.bookAt(node.closest(".lane").dataset.technician, under(event, node));
    },
    onkeydown(event) {
      const node = event.target.closest(".entry, .gap");
      if (node) desk.keys.press(event, node);
    },
    onpointerdown(event) {
      const node = event.target.closest(".entry");
      if (node) desk.drag.begin(event, node);
    },
    oncontextmenu: (event) => desk.drag.active && event.preventDefault(),
  };

  /** Draws one column anew, as far as it differs. */
  function refresh(technicianId) {
    const place = columns.get(technicianId);
    if (!place) return;
    const entries = desk.model.column(technicianId).filter((each) => each.to > day.begin && each.from < day.end);
    const old = new Map(place.parts);
    for (const entry of entries) {
      const key = `${entry.kind} ${entry.id}`;
      const print = printOf(entry, desk);
      const known = old.get(key);
      old.delete(key);
      if (known?.print === print) continue;
      const node = known?.node ?? entryNode(entry);
      const travel = known?.travel ?? h("div.travel", { "aria-hidden": "true" });
      fillEntry(node, entry, desk);
      spanOf(node, Math.max(entry.startMs, day.begin), Math.min(entry.endMs, day.end));
      spanOf(travel, Math.max(entry.from, day.begin), Math.min(entry.to, day.end));
      if (!known) place.body.append(travel, node);
      place.parts.set(key, { node, travel, print });
    }
    for (const [key, { node, travel }] of old) {
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
      const node = h("button.gap", { type: "button", tabindex: "-1" }, h("span", {}, word("desk.free", times)));
      Object.assign(node.dataset, { from, to });
      spanOf(node, from, to);
      place.body.prepend(node);
      place.parts.set(name({ from, to }), { node, travel: node, print: "" });
    }
  }

  /** The quarter of an hour under the pointer; with the keyboard the first of the gap. */
  function under(event, node) {
    const [from, to] = [Number(node.dataset.from), Number(node.dataset.to)];
    if (!event.detail) return from;
    const minutes = (event.clientY - node.getBoundingClientRect().top) / SCALE;
    return Math.min(from + Math.floor(minutes / STEP) * STEP * MINUTE, to - STEP * MINUTE);
  }

  /** Moves the line of the present, counts down what is held, and ends what was free in the last quarter. */
  function tick() {
    const now = desk.clock.now();
    const line = at("now");
    if (!line || !day) return;
    line.hidden = now < day.begin || now >= day.end;
    line.style.top = `${y(Math.min(Math.max(now, day.begin), day.end))}px`;
    for (const node of at("grid").querySelectorAll(".entry.held")) {
      const hold = desk.model.find("hold", node.dataset.id);
      const text = hold && node.querySelector(".left");
      if (text && text.textContent !== left(hold, desk)) text.textContent = left(hold, desk);
    }
    if (quarter && quarter !== desk.nextStart() && !line.hidden) for (const id of columns.keys()) refresh(id);
    quarter = desk.nextStart();
  }

  return {
    refresh, tick, narrow,
    draw: (next) => timed("desk:render", () => draw(next)),
    get day() { return day; },
    get columns() { return [...columns.values()]; },
    /** Marks what the panel is about, and brings it into sight. */
    choose(panel) {
      const key = panel?.id ? `${panel.kind} ${panel.id}` : "";
      for (const node of document.querySelectorAll("#grid [data-chosen]")) node.removeAttribute("data-chosen");
      const nodes = [...columns.values()].map(({ parts }) => parts.get(key)?.node).filter(Boolean);
      for (const node of nodes) node.setAttribute("data-chosen", "");
      if (key !== chosen) nodes[0]?.scrollIntoView({ block: "nearest", inline: "nearest" });
      chosen = key;
    },
    lane: (id) => columns.get(id)?.body,
    node: (kind, id) => at("grid")?.querySelector(`.entry[data-kind="${kind}"][data-id="${CSS.escape(id)}"]`),
    y,
    /** The moment of a height in a lane, on the grid of quarters. */
    moment: (pixels) => day.begin + Math.round(pixels / SCALE / STEP) * STEP * MINUTE,
    scrollTo(ms) {
      at("board").scrollTop = Math.max(0, y(ms) - 60);
    },
  };
}
