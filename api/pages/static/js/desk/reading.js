// Keeps the board true: its snapshot, then the live feed. An event says when, where and who, which is drawn at once; the
// rest is read afterwards, at most once in half a second, and where much is missing by one snapshot.

import { query } from "../api.js";
import { addDays } from "../dates.js";
import { follow } from "../feed.js";
import { timed } from "./measure.js";

const ROUND_MS = 500;
const FEW = 4;

/** What keeps one desk true. desk: see main. headers: of each request. */
export function makeReading(desk, headers) {
  const { api, clock, model } = desk;
  // Bookings of which only an event is known, and properties without a name.
  const lacking = new Set();
  const nameless = new Set();
  let waiting = [];
  let loading = null;
  let round = null;
  let lastRound = -Infinity;
  let frame = 0;
  let stream = null;

  /** Loads what the board shows. Events that come meanwhile are applied afterwards. */
  async function load() {
    const mine = (loading = {});
    const span = desk.span();
    lacking.clear();
    nameless.clear();
    try {
      const board = await api.get(query("/board", { from: span.from, to: addDays(span.from, span.days) }));
      if (loading !== mine) return;
      loading = null;
      desk.names.learn(board.properties);
      const changed = model.load(board);
      for (const [kind, data] of waiting.splice(0)) hear(kind, data);
      desk.loaded(changed);
      desk.drag.check();
      await reopen();
    } catch (error) {
      if (loading !== mine) return;
      loading = null;
      desk.said.failed(error, load);
    }
  }

  /** Reads the visit of the panel, if the board does not show it. */
  async function reopen() {
    const { kind, id } = desk.panel ?? {};
    if (kind === "visit" && id && !model.find(kind, id)) await read(id).catch(() => {});
  }

  /** Reads one booking, and the name of its property. */
  async function read(id) {
    const booking = await api.get(`/bookings/${id}`);
    await desk.names.need([booking.property_id]);
    take(booking);
  }

  /** Takes in a booking as it is now. */
  function take(booking) {
    model.put(booking);
    desk.drag.check();
    flush();
  }

  /** One event of the feed. */
  function hear(kind, data) {
    if (loading) return void waiting.push([kind, data]);
    if (kind === "hold" || kind === "release") hearHold(kind, data);
    else hearVisit(data);
    frame ||= requestAnimationFrame(flush);
  }

  function hearHold(kind, data) {
    model.hearHold(kind, data);
    if (kind === "hold" && !desk.names.property(data.property_id)) fillSoon(nameless, data.property_id);
  }

  function hearVisit(data) {
    const version = model.version(data.ref);
    if (data.version <= version) return;
    const { begin, end } = desk.span();
    if (!version && (Date.parse(data.end) <= begin || Date.parse(data.start) >= end)) return;
    model.hearVisit(data);
    desk.drag.check();
    fillSoon(lacking, data.ref);
  }

  function fillSoon(missing, id) {
    missing.add(id);
    round ??= setTimeout(fill, Math.max(0, lastRound + ROUND_MS - performance.now()));
  }

  /** Reads the names of properties, and draws them. */
  async function readNames(ids) {
    await desk.names.need(ids);
    desk.refresh(model.technicians.map((each) => each.id));
  }

  /** Reads what the events of the last round left out. */
  async function fill() {
    try {
      const [ids, places] = [[...lacking], [...nameless]];
      lacking.clear();
      nameless.clear();
      if (ids.length + places.length > FEW) await load();
      else await Promise.all([...ids.map(read), places.length > 0 && readNames(places)]);
    } catch {
      await load();
    }
    lastRound = performance.now();
    round = lacking.size + nameless.size ? setTimeout(fill, ROUND_MS) : null;
  }

  /** Draws what changed since it was drawn last. */
  function flush() {
    cancelAnimationFrame(frame);
    frame = 0;
    const { lanes, ids } = model.takeTouched();
    if (lanes.size) timed("desk:update", () => desk.refresh(lanes));
    if (desk.panel && ids.has(desk.panel.id)) desk.draw();
  }

  return {
    load, read, take, flush,
    start() {
      stream = follow({
        path: "/events", token: "", clock, headers,
        onevent: hear, onreset: load, onstate: (state) => desk.setLive(state === "live"),
      });
      return load();
    },
    stop() {
      stream?.stop();
      stream = null;
    },
  };
}
