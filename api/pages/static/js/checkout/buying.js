// Holding and booking. The steps, and what can be chosen, are in `shop`, which extends this.

import { secret } from "../api.js";
import { reveal, say } from "../dom.js";
import { contactFaults, customerOf, faultsOf, focusFault } from "../form.js";
import { makeHolding } from "../holding.js";
import { tellHost } from "../keep.js";
import { sentenceOf } from "../refusals.js";
import { word } from "../words.js";

const SLOT_IS_GONE = new Set(["slot_held", "slot_booked", "hold_expired", "hold_released", "hold_not_found"]);
const PATIENCE = 60_000;
const LOOK_PAUSE = 400;

export class Buying {
  constructor(api, keep) {
    Object.assign(this, { api, keep });
    this.hold = this.lost = this.refusal = this.booked = null;
    this.busy = this.ended = "";
    this.faults = {};
    this.form = keep.kept.form ?? {};
    this.holding = makeHolding(api, keep.kept.holder);
  }

  // Holding

  get left() {
    return this.hold && this.hold.deadline - this.clock.now();
  }

  async pick(slot) {
    if (this.busy) return;
    if (this.hold && slot.start === this.hold.start && this.hold.property_id === this.property.id) return this.go("details");
    this.busy = "holding";
    this.draw();
    try {
      this.take(await this.holding.place({ ...this.wish, start: slot.start }, this.hold));
      await this.go("details");
    } catch (error) {
      this.refuse(error, slot);
    }
    this.busy = "";
    this.draw();
  }

  take(hold) {
    Object.assign(this, { hold, lost: null, ended: "", refusal: null });
    this.keep.save({ hold, book: null });
    tellHost("held", { start: hold.start, end: hold.end, property_id: hold.property_id });
    say(word("hold.held"));
    this.weeks.shape();
  }

  /** A sentence and the ways on. What was held before is held still. */
  refuse(error, slot) {
    const sentence = sentenceOf(error);
    const free = (error.body?.next_available ?? []).map((each) => ({ ...each, ms: Date.parse(each.start) }));
    this.refusal = { sentence, free, slot, gone: SLOT_IS_GONE.has(error.code) };
    say(sentence);
    this.weeks.refresh();
    this.draw();
    reveal();
  }

  async extend() {
    if (this.busy) return;
    this.busy = "extending";
    try {
      const hold = await this.holding.extend(this.hold, this.policy.hold_seconds);
      this.hold = hold;
      this.keep.save({ hold });
      say(word("hold.extended"));
    } catch (error) {
      this.limit = error.code === "hold_limit";
      if (!this.limit) this.lookAgain();
    }
    this.busy = "";
    this.draw();
  }

  /** Whether more time can still be had. */
  get extendable() {
    const total = this.policy.max_hold_seconds * 1000;
    return this.hold && !this.limit && this.left < (this.policy.hold_seconds * 1000) / 2 && this.left < total;
  }

  /** Lets the hold go, because the visitor does not want it any more. */
  forget() {
    const { hold } = this;
    this.lose("");
    return this.holding.release(hold).then(() => this.weeks.refresh());
  }

  letGo() {
    this.forget();
    return this.go("time");
  }

  lose(how) {
    if (how) this.lost = this.hold;
    Object.assign(this, { hold: null, ended: how, limit: false });
    this.keep.save({ hold: null });
    if (how) say(word(`hold.${how}`));
    this.weeks.shape();
    this.draw();
    if (how) reveal();
    this.weeks.refresh();
  }

  runOut() {
    if (this.busy !== "booking") this.lookAgain();
  }

  async lookAgain() {
    const hold = this.hold;
    if (!hold || this.looking) return;
    this.looking = true;
    try {
      const now = await this.holding.look(hold);
      if (this.hold?.hold_id === hold.hold_id && this.busy !== "booking") {
        if (!now || now.status === "expired") this.lose("expired");
        else if (now.status === "released") this.lose("released");
      }
    } catch {
      if (this.left < 0) this.lose("expired");
    }
    setTimeout(() => (this.looking = false), LOOK_PAUSE);
  }

  // Booking

  type(name, text) {
    this.form[name] = text;
    this.keep.save({ form: this.form });
    if (this.faults[name]) {
      delete this.faults[name];
      this.draw();
    }
  }

  async book() {
    if (this.busy) return;
    this.faults = contactFaults(this.form);
    if (Object.keys(this.faults).length) {
      this.draw();
      return focusFault(this.faults);
    }
    return this.hold ? this.send({ hold: this.hold, request: this.order() }) : this.again();
  }

  /** Sends a request that books, until there is an answer. A repeat of one that was sent before is the same request. */
  async send({ hold, request }) {
    Object.assign(this, { busy: "booking", refusal: null, hold });
    this.draw();
    try {
      await this.finish(await this.api.post("/book", { ...request, patience: PATIENCE }));
    } catch (error) {
      await this.notBooked(error);
    }
    this.busy = "";
    return this.draw();
  }

  /** The request that books, the same one for as long as it says the same. */
  order() {
    const { hold_id, property_id, technician_id, start, duration_minutes, service_id } = this.hold;
    const slot = { hold_id, property_id, technician_id, start, duration_minutes, ...(service_id ? { service_id } : {}) };
    const about = this.form.about?.trim();
    const body = { ...slot, customer: customerOf(this.form), ...(about ? { description: about } : {}), if_expired: "book_if_free" };
    const says = JSON.stringify(body);
    if (this.keep.kept.book?.says !== says) this.keep.save({ book: { says, key: secret() } });
    return { body, key: this.keep.kept.book.key };
  }

  finish(booking) {
    this.booked = { ...booking, zone: this.week?.zone ?? this.property.timezone, property: this.property.name, service: this.service?.name ?? "" };
    Object.assign(this, { hold: null, lost: null, ended: "", refusal: null });
    this.keep.save({ hold: null, book: null, booked: this.booked });
    tellHost("booked", { booking_id: booking.booking_id, start: booking.start, end: booking.end });
    say(word("done.title"));
    this.busy = "";
    return this.go("done");
  }

  async notBooked(error) {
    if (error.code === "invalid_request") {
      this.faults = faultsOf(error);
      return focusFault(this.faults);
    }
    if (SLOT_IS_GONE.has(error.code)) {
      this.lost = this.hold;
      this.hold = null;
      this.busy = "";
      return this.again();
    }
    return this.refuse(error);
  }

  /** Holds once more what ran out; where that is taken, the refusal names what is free. */
  async again() {
    const slot = { start: this.lost.start, ms: this.lost.startMs };
    this.busy = "holding";
    this.draw();
    try {
      this.take(await this.holding.place({ ...this.wish, start: slot.start }));
    } catch (error) {
      this.refuse(error, slot);
    }
    this.busy = "";
    this.draw();
  }

  startAnew() {
    this.keep.save({ booked: null, form: { ...this.form, about: "" } });
    Object.assign(this, { booked: null, form: this.keep.kept.form });
    return this.go("time", { service: this.services.length > 1 ? null : this.service?.id });
  }
}
