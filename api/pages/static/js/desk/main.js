// The desk of a receptionist: the board of a day, kept true by the live feed. This file starts it, and knows which day
// is shown; its parts know the rest.

import { makeApi } from "../api.js";
import { makeClock } from "../clock.js";
import { addDays, isDate, local, longDate, moment } from "../dates.js";
import { at, h, render } from "../dom.js";
import { keepLanguage } from "../language.js";
import { loadWords, word } from "../words.js";
import { makeActs } from "./acts.js";
import { barView } from "./bar.js";
import { makeBoard, MINUTE } from "./board.js";
import { makeDrag } from "./drag.js";
import { makeKeys } from "./keys.js";
import { makeModel } from "./model.js";
import { makeNames } from "./names.js";
import { makeNarrow } from "./narrow.js";
import { panelView } from "./panel.js";
import { makePanels } from "./panels.js";
import { makeReading } from "./reading.js";
import { makeSaid } from "./said.js";
import { makeSession } from "./session.js";
import { drawWeek } from "./week.js";

const CUSTOM = { "X-Holdfast": "1" };
const QUARTER = 15 * MINUTE;

class Desk {
  constructor() {
    this.clock = makeClock();
    this.api = makeApi({ token: "", clock: this.clock, headers: CUSTOM, onstate: (state) => this.showConnection(state) });
    this.model = makeModel(this.clock, document.documentElement.lang);
    this.names = makeNames(this);
    this.narrow = makeNarrow(this);
    this.board = makeBoard(this);
    this.drag = makeDrag(this);
    this.keys = makeKeys(this);
    this.said = makeSaid(this);
    this.acts = makeActs(this);
    this.panels = makePanels(this);
    this.reading = makeReading(this, CUSTOM);
    this.session = makeSession(this);
    this.me = this.panel = this.drawn = null;
    this.zone = null;
    this.view = "day";
    this.live = false;
  }

  /** Somebody has signed in. */
  async enter() {
    render(at("main"), h("div.board", { id: "board", key: "board" }, h("div.skeleton.tall", {})));
    this.date = this.asked ?? local(this.clock.now(), this.zone ?? "UTC").date;
    this.drawn = null;
    this.draw();
    this.ticking ??= setInterval(() => this.me && this.tick(), 1000);
    this.readServices();
    await this.reading.start();
  }

  /** Nobody is signed in any more. */
  leave() {
    this.reading.stop();
    this.me = this.panel = null;
    at("panel").hidden = true;
  }

  // -- which day

  /** The date in the address, if it is one. */
  get asked() {
    const date = new URLSearchParams(location.search).get("date") ?? "";
    return isDate(date) ? date : null;
  }

  /** What is shown: its first date, how many days, and the moments between which it lies. */
  span() {
    const days = this.view === "week" ? 7 : 1;
    return { from: this.date, days, begin: this.instant(this.date, "00:00"), end: this.instant(addDays(this.date, days), "00:00") };
  }

  goToDay(date) {
    this.date = date;
    const address = new URL(location.href);
    if (date === local(this.clock.now(), this.model.zone).date) address.searchParams.delete("date");
    else address.searchParams.set("date", date);
    history.replaceState(null, "", address);
    this.drawBar();
    return this.reading.load();
  }

  turn(days) { return this.goToDay(addDays(this.date, days * this.span().days)); }
  today() { return this.goToDay(local(this.clock.now(), this.model.zone).date); }

  toggleWeek() {
    this.view = this.view === "week" ? "day" : "week";
    return this.reading.load();
  }

  /** The moment of a wall time in the org's zone. */
  instant(date, time) { return moment(date, time, this.model.zone); }

  nextStart() { return Math.ceil(this.clock.now() / QUARTER) * QUARTER; }

  readServices() {
    this.names.readServices().then(() => this.drawn && this.refresh(this.model.technicians.map((each) => each.id)),
      (error) => this.said.failed(error, () => this.readServices()));
  }

  /** A snapshot has been loaded. changed: technicians or their closed times are others than before. */
  async loaded(changed) {
    if (!this.me) return;
    const today = local(this.clock.now(), this.model.zone).date;
    const isFirst = !this.zone;
    this.zone = this.model.zone;
    if (isFirst && !this.asked && this.date !== today) return this.goToDay(today);
    const drawn = `${this.view} ${this.date}`;
    if (changed || this.drawn !== drawn) this.drawDay(drawn);
    else this.reading.flush();
    this.draw();
  }

  setLive(live) {
    this.live = live;
    this.said.draw();
  }

  tick() {
    this.model.expire();
    this.reading.flush();
    if (this.view === "day") this.board.tick();
    this.said.tick();
  }

  showConnection(state) {
    at("connection").hidden = state === "ok";
    if (state !== "ok") at("connection").textContent = word(`connection.${state}`);
  }

  // -- drawing

  draw() {
    if (!this.me) return; // what comes late does not stand above the form for signing in
    this.drawBar();
    at("panel").hidden = !this.panel;
    document.body.classList.toggle("beside", Boolean(this.panel));
    render(at("panel"), this.panel ? panelView(this) : []);
    this.board.choose(this.panel);
    this.said.draw();
  }

  drawBar() {
    if (!this.me) return;
    render(at("bar"), barView(this));
    document.title = `${this.zone ? longDate(this.date) : word("shell.desk_title")} · ${word("shell.desk_title")}`;
  }

  /** Draws the day or the week anew. */
  drawDay(drawn) {
    const sameDay = this.drawn === drawn;
    this.drawn = drawn;
    this.model.takeTouched();
    if (this.view === "week") return drawWeek(this);
    const { kind, id } = document.activeElement?.dataset ?? {};
    this.board.draw(this.span());
    this.drag.redrawn(sameDay);
    if (id) this.keys.focus(this.board.node(kind, id));
    this.keys.rove();
    if (!sameDay) this.board.scrollTo(this.firstMoment());
  }

  /** Draws the columns of these technicians, as far as they differ. Focus goes with a visit to another column. */
  refresh(ids) {
    if (!this.me) return;
    if (this.view === "week") return drawWeek(this);
    const focused = document.activeElement;
    for (const id of ids) this.board.refresh(id);
    if (focused?.dataset.id && !focused.isConnected) this.keys.focus(this.board.node(focused.dataset.kind, focused.dataset.id));
    this.keys.rove();
  }

  /** Other technicians are to be shown. */
  narrowed() {
    if (this.view === "week") drawWeek(this);
    else {
      this.board.narrow();
      this.keys.rove();
    }
    this.drawBar();
  }

  firstMoment() {
    const now = this.clock.now();
    const { begin, end } = this.board.day;
    return now >= begin && now < end ? now - 60 * MINUTE : begin + 8 * 60 * MINUTE;
  }
}

async function start() {
  await loadWords();
  keepLanguage();
  const desk = new Desk();
  at("panel").addEventListener("keydown", (event) => event.key === "Escape" && desk.panels.close());
  await desk.session.start();
}

start();
