// The desk of a receptionist: the board of a day, kept true by the live feed. This file holds its state and its keys.

import { makeApi, query, Problem } from "../api.js";
import { makeClock } from "../clock.js";
import { addDays, isDate, local, longDate, moment } from "../dates.js";
import { at, h, render, say } from "../dom.js";
import { follow } from "../feed.js";
import { loadWords, word } from "../words.js";
import { makeActs } from "./acts.js";
import { makeBoard, MINUTE } from "./board.js";
import { makeDrag } from "./drag.js";
import { startValues } from "./forms.js";
import { makeModel } from "./model.js";
import { panelView } from "./panel.js";
import { signInView } from "./signin.js";
import { barView, logView } from "./bar.js";
import { drawWeek } from "./load.js";

const CUSTOM = { "X-Holdfast": "1" };
const UNDO_MS = 60_000;
const PAGE = 200;
const QUARTER = 15 * MINUTE;

class Desk {
  constructor() {
    this.clock = makeClock();
    this.api = makeApi({ token: "", clock: this.clock, headers: CUSTOM, onstate: (state) => this.showConnection(state) });
    this.model = makeModel(this.clock);
    this.board = makeBoard(this);
    this.drag = makeDrag(this);
    this.acts = makeActs(this);
    this.me = null;
    this.panel = null;
    this.log = null;
    this.view = "day";
    this.named = 0;
    this.live = false;
    this.waiting = [];
    this.known = { places: new Map(), services: new Map() };
  }

  // -- signing in

  async start() {
    try {
      this.me = await this.api.get("/session");
    } catch (error) {
      if (error instanceof Problem) return this.askWho();
      throw error;
    }
    await this.enter();
  }

  askWho(problem) {
    this.me = this.panel = null;
    this.stream?.stop();
    document.body.classList.remove("inside");
    render(at("bar"), h("h1.brand", {}, word("shell.desk_title")));
    render(at("main"), signInView(this, problem));
    at("panel").hidden = true;
    render(at("log"));
  }

  async signIn(values) {
    try {
      this.me = await this.api.post("/session", { body: values });
    } catch (error) {
      return this.askWho(error instanceof Problem ? error.message : word("connection.no_answer"));
    }
    await this.enter();
  }

  async signOut() {
    await this.api.remove("/session").catch(() => {});
    location.reload();
  }

  async enter() {
    document.body.classList.add("inside");
    render(at("main"), h("div.board", { id: "board", key: "board" }, h("div.skeleton.tall", {})));
    this.date = this.asked ?? local(this.clock.now(), this.zone ?? "UTC").date;
    this.drawBar();
    this.readNames();
    this.stream = follow({
      path: "/events", token: "", clock: this.clock, headers: CUSTOM,
      onevent: (kind, data) => this.hear(kind, data), onreset: () => this.load(), onstate: (state) => {
        this.live = state === "live";
        this.drawBar();
      },
    });
    this.load();
    this.ticking ??= setInterval(() => this.me && this.tick(), 1000);
  }

  // -- reading

  get zone() { return this.model.technicians.length ? this.model.zone : null; }

  /** The date in the address, if it is one. */
  get asked() {
    const date = new URLSearchParams(location.search).get("date") ?? "";
    return isDate(date) ? date : null;
  }

  async readNames() {
    try {
      for (const [name, path] of [["places", "/properties"], ["services", "/services"]]) {
        let cursor = "";
        do {
          const key = path.slice(1);
          const page = await this.api.get(query(path, { limit: PAGE, cursor }));
          for (const each of page[key]) this.known[name].set(each.id, each);
          cursor = page.next_cursor;
        } while (cursor);
      }
    } catch (error) {
      return this.failed(error, () => this.readNames());
    }
    this.named++;
    this.board.all();
    this.draw();
  }

  span() {
    const zone = this.model.zone;
    const days = this.view === "week" ? 7 : 1;
    return { date: this.date, begin: this.instant(this.date, "00:00", zone), end: this.instant(addDays(this.date, days), "00:00", zone) };
  }

  /** Loads what the board shows. Events that come meanwhile are applied afterwards. */
  async load() {
    const mine = (this.loading = {});
    const days = this.view === "week" ? 7 : 1;
    try {
      const board = await this.api.get(query("/board", { from: this.date, to: addDays(this.date, days) }));
      if (this.loading !== mine) return;
      const first = !this.zone;
      this.model.load(board);
      this.loading = null;
      for (const [kind, data] of this.waiting.splice(0)) this.hear(kind, data);
      const today = local(this.clock.now(), this.model.zone).date;
      if (first && !this.asked && this.date !== today) return this.goToDay(today);
      this.drawDay(first);
    } catch (error) {
      if (this.loading === mine) this.loading = null;
      this.failed(error, () => this.load());
    }
  }

  /** Says why something could not be read. again: tries once more. */
  failed(error, again) {
    if (error instanceof Problem && error.status === 401) return this.askWho(word("desk.signed_out"));
    this.tell(error instanceof Problem ? error.message : word("connection.no_answer"), [{ text: word("desk.again"), run: again }]);
  }

  drawDay(first) {
    if (this.view === "week") drawWeek(this);
    else {
      const focus = document.activeElement?.dataset?.id;
      const sameDay = this.board.day?.date === this.date;
      this.board.draw(this.span());
      this.drag.redrawn(sameDay);
      if (focus) this.focus(this.board.node("visit", focus) ?? this.board.node("hold", focus));
      this.rove();
      if (first || this.scrolled !== this.date) this.board.scrollTo(this.firstHour());
      this.scrolled = this.date;
    }
    this.draw();
  }

  firstHour() {
    const now = this.clock.now();
    const { begin, end } = this.board.day;
    return now >= begin && now < end ? now - 60 * MINUTE : begin + 8 * 60 * MINUTE;
  }

  /** One event of the feed. */
  async hear(kind, data) {
    if (this.loading) return this.waiting.push([kind, data]);
    if (kind === "hold" || kind === "release") {
      const before = this.model.find("hold", data.ref);
      this.model.hear(kind, data);
      if (before && this.panel?.id === data.ref) this.draw();
      return this.refresh([...(before?.technician_ids ?? []), ...(data.technician_ids ?? [])]);
    }
    if (data.replaces) this.model.hear(kind, data);
    if (data.version && data.version <= this.model.version(data.ref)) return this.refresh(data.technician_ids ?? []);
    try {
      this.take(await this.api.get(`/bookings/${data.ref}`));
    } catch {
      this.load();
    }
  }

  /** Takes in a booking as it is now. */
  take(booking) {
    const before = this.model.find("visit", booking.booking_id);
    if (!this.model.put(booking)) return;
    if (before && before.version < booking.version) this.drag.interrupted(booking.booking_id);
    this.refresh([...(before?.technician_ids ?? []), ...booking.technician_ids]);
    if (this.panel?.id === booking.booking_id && this.panel.mode === "record") this.draw();
  }

  forget(hold) {
    this.model.hear("release", { ref: hold.id });
    this.refresh(hold.technician_ids);
    this.close();
  }

  refresh(ids) {
    if (this.view === "week") return drawWeek(this);
    for (const id of new Set(ids)) this.board.refresh(id);
    this.rove();
  }

  tick() {
    if (this.model.expire()) this.refresh(this.model.technicians.map((each) => each.id));
    if (this.view === "day") this.board.tick();
    if (this.log?.until && this.log.until <= Date.now()) this.log = null;
    render(at("log"), logView(this));
  }

  // -- names and times

  place(id) { return this.known.places.get(id); }
  places() { return [...this.known.places.values()]; }
  services() { return [...this.known.services.values()]; }
  serviceName(id) { return id ? this.known.services.get(id)?.name ?? id : ""; }
  technicianName(id) { return this.model.technicians.find((each) => each.id === id)?.name ?? id; }
  personName(by) { return by.replace(/^desk:|^admin:/, ""); }

  placeName(id) {
    const place = this.place(id);
    const isBuilding = this.places().some((each) => each.parent_id === id);
    return place ? (isBuilding ? word("desk.building", { name: place.name }) : place.name) : id;
  }

  /** The moment of a wall time in a zone. */
  instant(date, time, zone = this.model.zone) { return moment(date, time, zone); }

  nextStart() { return Math.ceil(this.clock.now() / QUARTER) * QUARTER; }

  sayVerdict({ kind, other }) {
    if (kind !== "taken") return word(`desk.verdict_${kind}`);
    const who = other.kind === "hold" ? word("desk.hold") : other.customer.name;
    return word("desk.verdict_taken", { who, time: local(other.startMs, this.model.zone).time });
  }

  // -- the panel

  selected() { return this.panel?.kind ? this.model.find(this.panel.kind, this.panel.id) : undefined; }

  async open(kind, id) {
    if (this.swallow) return;
    this.show("record", id, { kind });
    const hold = kind === "hold" && this.model.find("hold", id);
    if (hold && !hold.hold_id) this.load();
    else if (kind === "visit") this.api.get(`/bookings/${id}`).then((booking) => this.take(booking) ?? this.draw()).catch(() => {});
  }

  show(mode, id = null, more = {}) {
    const entry = id && this.model.find(more.kind ?? "visit", id);
    this.panel = { mode, id, kind: id ? more.kind ?? "visit" : null, faults: {}, values: startValues(this, mode, entry, more.values), ...more };
    this.draw();
    at("panel-title")?.focus();
  }

  close() {
    const back = this.panel && this.board.node(this.panel.kind ?? "visit", this.panel.id ?? "");
    this.panel = null;
    this.draw();
    this.focus(back ?? this.items()[0]);
  }

  bookAt(technicianId, ms, reserve = false) {
    this.show("book", null, { values: { ...local(ms, this.model.zone), technician_ids: [technicianId], reserve } });
  }

  differ(visit, mine) {
    this.api.get(`/bookings/${visit.booking_id}`).then((booking) => {
      this.take(booking);
      this.show("differ", visit.id, { mine, visit });
    });
  }

  moveVisit(visit, from, to, startMs, override) { this.acts.move(visit, from, to, startMs, override); }

  swallowClick() {
    this.swallow = true;
    setTimeout(() => (this.swallow = false), 50);
  }

  async search(text) {
    if (!text.trim()) return;
    try {
      const { bookings } = await this.api.get(query("/bookings", { q: text, limit: 20 }));
      this.show("found", null, { found: bookings });
    } catch (error) {
      this.failed(error, () => this.search(text));
    }
  }

  async goTo(booking) {
    this.view = "day";
    await this.goToDay(local(Date.parse(booking.start), this.model.zone).date);
    this.take(booking);
    this.open("visit", booking.booking_id);
    this.board.node("visit", booking.booking_id)?.scrollIntoView({ block: "center", inline: "center" });
  }

  // -- what happened

  /** Says what was done. undo: takes it back, for a minute. */
  did(text, undo) {
    this.log = { text, undo, until: Date.now() + UNDO_MS, choices: [] };
    say(text);
    render(at("log"), logView(this));
  }

  tell(text, choices = []) {
    this.log = { text, undo: null, until: choices.length ? null : Date.now() + UNDO_MS, choices };
    say(text);
    render(at("log"), logView(this));
  }

  async undo() {
    const undo = this.log?.undo;
    if (!undo) return;
    this.log = null;
    try {
      await undo();
      this.tell(word("desk.undone"));
    } catch (error) {
      this.tell(error.message);
    }
  }

  // -- drawing

  draw() {
    this.drawBar();
    at("panel").hidden = !this.panel;
    document.body.classList.toggle("beside", Boolean(this.panel));
    render(at("panel"), this.panel ? panelView(this) : []);
    render(at("log"), logView(this));
  }

  drawBar() {
    render(at("bar"), barView(this));
    document.title = `${this.zone ? longDate(this.date) : word("shell.desk_title")} · ${word("shell.desk_title")}`;
  }

  goToDay(date) {
    this.date = date;
    const address = new URL(location.href);
    if (date === local(this.clock.now(), this.model.zone).date) address.searchParams.delete("date");
    else address.searchParams.set("date", date);
    history.replaceState(null, "", address);
    this.drawBar();
    return this.load();
  }

  turn(days) { return this.goToDay(addDays(this.date, days * (this.view === "week" ? 7 : 1))); }
  today() { return this.goToDay(local(this.clock.now(), this.model.zone).date); }

  toggleWeek() {
    this.view = this.view === "week" ? "day" : "week";
    return this.load();
  }

  showConnection(state) {
    at("connection").hidden = state === "ok";
    if (state !== "ok") at("connection").textContent = word(`connection.${state}`);
  }

  // -- the keyboard

  items() { return [...document.querySelectorAll("#grid .entry, #grid .gap")]; }

  /** One item of the board can be reached with Tab; the arrows move among them. */
  rove() {
    const items = this.items();
    const current = items.find((each) => each.tabIndex === 0);
    if (!current && items.length) items[0].tabIndex = 0;
  }

  focus(node) {
    if (!node) return;
    for (const each of this.items()) each.tabIndex = -1;
    node.tabIndex = 0;
    node.focus();
  }

  step(key, from) {
    const lane = from.closest(".lane");
    const order = (box) => [...box.querySelectorAll(".entry, .gap")].sort((a, b) => parseFloat(a.style.top) - parseFloat(b.style.top));
    const mine = order(lane);
    if (key === "ArrowUp" || key === "ArrowDown") return this.focus(mine[mine.indexOf(from) + (key === "ArrowDown" ? 1 : -1)]);
    const lanes = [...document.querySelectorAll("#grid .lane")];
    for (let at = lanes.indexOf(lane) + (key === "ArrowRight" ? 1 : -1); lanes[at]; at += key === "ArrowRight" ? 1 : -1) {
      const near = order(lanes[at]).sort((a, b) => Math.abs(parseFloat(a.style.top) - parseFloat(from.style.top)) - Math.abs(parseFloat(b.style.top) - parseFloat(from.style.top)))[0];
      if (near) return this.focus(near);
    }
  }

  /** A key while focus is in the board. */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const node = event.currentTarget;
    if (this.drag.key(event)) return event.preventDefault();
    const { kind, id } = node.dataset;
    const technicianId = node.closest(".lane").dataset.technician;
    const visit = kind === "visit" ? this.model.find("visit", id) : null;
    const start = node.dataset.from ? Number(node.dataset.from) : this.model.find(kind, id)?.endMs ?? this.nextStart();
    const keys = {
      m: () => visit && this.drag.lift(visit, technicianId, node),
      n: () => this.bookAt(technicianId, start), r: () => this.bookAt(technicianId, start, true),
      e: () => visit && this.show("edit", id), x: () => visit && this.show("cancel", id),
      u: () => this.undo(), "[": () => this.turn(-1), "]": () => this.turn(1), t: () => this.today(), w: () => this.toggleWeek(),
      "/": () => at("search").focus(), "?": () => this.show("keys"), Escape: () => this.drag.cancel(),
    };
    const run = event.key.startsWith("Arrow") ? () => this.step(event.key, node) : keys[event.key];
    if (!run) return;
    event.preventDefault();
    run();
  }
}

async function start() {
  await loadWords();
  const desk = new Desk();
  at("panel").addEventListener("keydown", (event) => event.key === "Escape" && desk.close());
  await desk.start();
}

start();
