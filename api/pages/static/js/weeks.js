// The week that a page shows: loaded, kept true by the live feed, and turned to the next one. The checkout and the page
// of a visit use it; `weekView` draws it.

import { query } from "./api.js";
import { addDays, daysBetween, local } from "./dates.js";
import { follow } from "./feed.js";
import { sentenceOf } from "./refusals.js";
import { shapeWeek, touches } from "./slots.js";
import { WIDE } from "./week.js";

const DAYS = 7;
const SETTLE = 60;
const DAY = 86_400_000;
const SECOND = 1050;
const LONGEST_TIMER = 2_000_000_000;

export class Weeks {
  /** mine(): the visitor's own span, see shapeWeek. onchange(kind, event): something changed; "reset": changes may have been missed. horizon: days ahead. */
  constructor({ api, clock, token, horizon, draw, mine = () => null, onchange = () => {} }) {
    Object.assign(this, { api, clock, token, horizon, draw, mine, onchange });
    this.week = null;
    WIDE.addEventListener("change", draw);
  }

  get today() {
    return local(this.clock.now(), this.week.zone).date;
  }

  get last() {
    return addDays(this.today, this.horizon);
  }

  /** Shows the week of a date for a wish: the query of /availability without its days. The same wish stays as it is. */
  async open(wish, zone, from) {
    this.listen(wish.property_id);
    const of = JSON.stringify(wish);
    if (this.week?.of === of) return this.shape();
    this.week = { of, wish, zone, from: from ?? local(this.clock.now(), zone).date, days: null, now: this.clock.now() };
    this.draw();
    await this.load();
    return this.look();
  }

  async turn(from) {
    const { of, wish, zone } = this.week;
    this.week = { of, wish, zone, from: from < this.today ? this.today : from, days: null, now: this.clock.now() };
    this.draw();
    await this.load();
    return this.look();
  }

  choose(date) {
    this.week.chosen = date;
    this.draw();
  }

  /** Reads the week. A reply that comes after that of a later request is dropped. */
  async load() {
    const week = this.week;
    const mine = (week.asked = (week.asked ?? 0) + 1);
    const isLate = () => this.week !== week || mine < week.heard;
    try {
      const reply = await this.api.get(query("/availability", { ...week.wish, from: week.from, days: DAYS }));
      if (isLate()) return;
      Object.assign(week, { heard: mine, reply, refused: "", code: "" });
      this.shape();
    } catch (error) {
      if (isLate()) return;
      Object.assign(week, { heard: mine, refused: sentenceOf(error), code: error.code });
      this.draw();
    }
  }

  /** Works the days out again, because time passed or the visitor's own span changed. */
  shape() {
    const { week } = this;
    if (week?.reply) {
      Object.assign(week, { zone: week.reply.timezone, now: this.clock.now() });
      week.days = shapeWeek(week.reply, { from: week.from, days: DAYS, now: week.now, mine: this.mine() });
      week.chosen ??= (week.days.find(({ free }) => free) ?? week.days[0]).date;
    }
    this.draw();
  }

  refresh = () => this.week && this.load();

  /** Where a week has nothing free: finds the next day that has. */
  async look() {
    const week = this.week;
    if (!week?.days || week.days.some(({ free }) => free)) return;
    const days = Math.max(1, Math.min(62, daysBetween(week.from, this.last) + 1));
    const found = await this.api.get(query("/availability/days", { ...week.wish, from: week.from, days })).catch(() => ({ days: [] }));
    week.next = found.days.find(({ free }) => free)?.date ?? null;
    this.draw();
  }

  listen(property) {
    if (this.feed?.property === property) return;
    this.feed?.stop();
    const path = query("/events", { property_id: property });
    const onevent = (kind, event) => this.hear(kind, event);
    const onreset = () => {
      this.refresh();
      this.onchange("reset", {});
    };
    this.feed = { property, ...follow({ path, token: this.token, clock: this.clock, onevent, onreset }) };
  }

  /** A change: read the week again, soon. A hold ends without a further event, within the second that it names, so the
   * week is read then, too. */
  hear(kind, event) {
    const ends = Date.parse(event.expires_at ?? "") - this.clock.now();
    if (ends > 0) setTimeout(this.refresh, Math.min(ends + SECOND, LONGEST_TIMER));
    this.onchange(kind, event);
    if (!this.week) return;
    const from = Date.parse(this.week.from) - DAY;
    if (!touches(event, from, from + (DAYS + 2) * DAY)) return;
    clearTimeout(this.settling);
    this.settling = setTimeout(this.refresh, SETTLE + Math.random() * SETTLE);
  }
}
