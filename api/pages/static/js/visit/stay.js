// What the page of a visit knows and does.

import { NoAnswer, Problem, secret } from "../api.js";
import { local, longDate, ownZone } from "../dates.js";
import { reveal, say } from "../dom.js";
import { sentenceOf } from "../refusals.js";
import { Weeks } from "../weeks.js";
import { word } from "../words.js";

export class Stay {
  constructor({ api, clock, token, id, draw }) {
    Object.assign(this, { api, clock, token, draw, path: `/bookings/${id}` });
    this.step = "stay";
    this.booking = this.policy = this.refusal = this.fatal = null;
    this.news = "";
    this.busy = false;
    this.own = ownZone();
  }

  async open() {
    try {
      [this.policy] = await Promise.all([this.api.get("/policy/public"), this.load()]);
    } catch (error) {
      this.fatal = error instanceof Problem && [401, 404].includes(error.status) ? "ended" : "no_answer";
      return this.draw();
    }
    this.weeks = new Weeks({
      api: this.api, clock: this.clock, token: this.token, horizon: this.policy.horizon_days, draw: this.draw,
      onchange: () => this.read(), mine: () => this.span,
    });
    this.weeks.listen(this.booking.property_id);
    return this.draw();
  }

  async load() {
    const { body, etag } = await this.api.send("GET", this.path);
    const known = this.booking;
    Object.assign(this, { booking: body, etag });
    return Boolean(known) && known.version !== body.version;
  }

  /** Reads the visit again, because the office may have changed it. */
  async read() {
    if (this.busy) return;
    const changed = await this.load().catch(() => false);
    if (!changed) return;
    this.news = word("visit.changed");
    say(this.news);
    this.draw();
  }

  get startMs() {
    return Date.parse(this.booking.start);
  }

  get span() {
    return { start: this.startMs, end: Date.parse(this.booking.end), margin: 0 };
  }

  get when() {
    const { date, time } = local(this.startMs, this.booking.timezone);
    return { date: longDate(date), time };
  }

  /** Whether the visit can still be moved and cancelled here. */
  get isOpen() {
    const active = ["confirmed", "pending"].includes(this.booking.status);
    return active && this.clock.now() < this.startMs - this.policy.cancel_window_minutes * 60_000;
  }

  /** Shows the week that begins with the day of the visit. */
  async move() {
    Object.assign(this, { step: "move", news: "", refusal: null });
    const { property_id, timezone } = this.booking;
    await this.weeks.open({ property_id }, timezone, local(this.startMs, timezone).date);
  }

  leave() {
    Object.assign(this, { step: "stay", refusal: null });
    this.draw();
  }

  /** Moves the visit to a slot, with the same technician if they are free then. */
  async take(slot) {
    if (slot.state === "mine") return this.leave();
    const { technician_id, technician_ids } = this.booking;
    const others = technician_ids.length > 1 || slot.technicians.includes(technician_id) ? {} : { technician_id: slot.technicians[0] };
    return this.change(async () => {
      await this.api.send("PATCH", this.path, { body: { start: slot.start, ...others }, headers: { "If-Match": this.etag } });
      await this.load();
      this.step = "stay";
      this.news = word("visit.moved", this.when);
    });
  }

  cancel() {
    return this.change(async () => {
      await this.api.post(`${this.path}/cancel`, { body: {}, key: secret() });
      await this.load();
      this.news = word("visit.cancelled_said");
    });
  }

  /** Does one change; a refusal is said and changes nothing. A lost answer is looked up. */
  async change(act) {
    if (this.busy) return;
    Object.assign(this, { busy: true, refusal: null, news: "" });
    this.draw();
    try {
      await act();
      say(this.news);
    } catch (error) {
      await this.refuse(error);
    }
    this.busy = false;
    this.draw();
  }

  async refuse(error) {
    const before = this.booking.version;
    await this.load().catch(() => {});
    if (error.code === "version_conflict" || (error instanceof NoAnswer && this.booking.version !== before)) {
      Object.assign(this, { step: "stay", news: word("visit.changed") });
    } else {
      this.refusal = sentenceOf(error);
      this.weeks.refresh();
    }
    say(this.refusal ?? this.news);
    reveal();
  }
}
