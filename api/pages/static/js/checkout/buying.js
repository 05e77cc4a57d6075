// Holding and booking. The steps, and what can be chosen, are in `shop`, which extends this.

import { secret } from "../api.js";
import { reveal, say } from "../dom.js";
import { contactFaults, customerOf, faultsOf, focusFault } from "../form.js";
import { heldAs, makeHolding } from "../holding.js";
import { tellHost } from "../keep.js";
import { sentenceOf } from "../refusals.js";
import { word } from "../words.js";

const SLOT_IS_GONE = new Set(["slot_held", "slot_booked", "hold_expired", "hold_released", "hold_not_found"]);
const ENDS = new Set(["expired", "released"]);
const PATIENCE = 60_000;
const LOOK_PAUSE = 400;

export class Buying {
  constructor(api, keep) {
    Object.assign(this, { api, keep });
    this.hold = this.lost = this.refusal = this.booked = null;
    this.busy = "";
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
    if (await this.place(slot.start, this.hold)) await this.go("details");
  }

  /** Holds a time, in place of an old hold if there is one. Whether it is held now; else the refusal is said. */
  async place(start, old) {
    this.busy = "holding";
    this.draw();
    try {
      this.take(await this.holding.place({ ...this.wish, start }, old));
    } catch (error) {
      this.refuse(error);
    }
    this.busy = "";
    this.draw();
    return !this.refusal;
  }

  take(hold) {
    this.become({ hold });
    this.keep.save({ book: null });
    tellHost("held", { start: hold.start, end: hold.end, property_id: hold.property_id });
    say(word("hold.held"));
    this.weeks.shape();
  }

  /** What is held, or what was and how that ended: expired|released|changed|booked. Both outlast a reload. */
  become({ hold = null, lost = null }) {
    Object.assign(this, { hold, lost, refusal: null });
    this.keep.save({ hold, lost });
  }

  /** A sentence and the ways on. What was held before is held still. */
  refuse(error) {
    const sentence = error.code === "invalid_request" ? word("refusal.changed") : sentenceOf(error);
    const free = (error.body?.next_available ?? []).map((each) => ({ ...each, ms: Date.parse(each.start) }));
    this.refusal = { sentence, free, code: error.code, gone: SLOT_IS_GONE.has(error.code) };
    say(sentence);
    this.weeks.refresh();
    this.draw();
    reveal();
  }

  async extend() {
    if (this.busy) return;
    this.busy = "extending";
    let gone = false;
    try {
      this.become({ hold: await this.holding.extend(this.hold, this.policy.hold_seconds) });
      say(word("hold.extended"));
    } catch (error) {
      if (error.code === "hold_limit") this.limit = this.hold.hold_id;
      gone = SLOT_IS_GONE.has(error.code);
      if (!gone) this.refuse(error);
    }
    this.busy = "";
    this.draw();
    if (gone) this.lookAgain();
  }

  /** Whether more time can still be had. */
  get extendable() {
    const total = this.policy.max_hold_seconds * 1000;
    return this.hold && this.limit !== this.hold.hold_id && this.left < (this.policy.hold_seconds * 1000) / 2 && this.left < total;
  }

  /** Lets the hold go. how: why, if the visitor has to hear it. */
  forget(how) {
    const { hold } = this;
    this.become({ lost: how && { ...hold, how } });
    return this.holding.release(hold).then(() => this.weeks.refresh());
  }

  letGo() {
    if (this.busy === "booking") return null;
    this.forget();
    return this.go("time");
  }

  lose(how) {
    this.become({ lost: { ...this.hold, how } });
    say(word(`hold.${how}`));
    this.weeks.shape();
    reveal();
    this.weeks.refresh();
  }

  runOut() {
    if (this.busy !== "booking") this.lookAgain();
  }

  /** Asks what became of the hold: the office or another window of this visitor may have changed it. */
  async lookAgain() {
    const { hold } = this;
    if (!hold) return;
    this.looksMore = Boolean(this.looking);
    if (this.looking) return; // what happens meanwhile is looked at afterwards
    this.looking = true;
    try {
      const now = await this.holding.look(hold);
      if (this.hold?.hold_id === hold.hold_id && !this.busy) this.learn(now);
    } catch {
      if (this.hold === hold && this.left < 0) this.lose("expired");
    }
    setTimeout(() => {
      this.looking = false;
      if (this.looksMore) this.lookAgain();
    }, LOOK_PAUSE);
  }

  /** Goes on from what became of the hold. now: the hold by its own address, null where it is forgotten. */
  learn(now) {
    const { hold } = this;
    const { book } = this.keep.kept;
    const status = now?.status ?? "expired";
    if (status === "held") {
      this.hold = heldAs(now);
      this.keep.save({ hold: this.hold });
      this.weeks.shape();
    } else if (ENDS.has(status)) this.lose(status);
    else if (book && JSON.parse(book.says).hold_id === hold.hold_id) this.send({ hold, request: { body: JSON.parse(book.says), key: book.key } });
    else if (status === "booked") this.lose("booked");
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
      await this.finish(await this.api.post("/book", { ...request, patience: PATIENCE }), hold);
    } catch (error) {
      this.busy = "";
      await this.notBooked(error, hold);
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

  /** Shows what was booked: that of the hold, whatever the page has turned to meanwhile. */
  async finish(booking, { property_id, service_id }) {
    const property = this.property?.id === property_id ? this.property : await this.propertyNamed(property_id).catch(() => null);
    const service = this.services.find(({ id }) => id === service_id);
    this.booked = { ...booking, zone: property?.timezone ?? this.week?.zone ?? this.own, property: property?.name ?? "", service: service?.name ?? "" };
    this.become({});
    this.keep.save({ book: null, booked: this.booked });
    tellHost("booked", { booking_id: booking.booking_id, start: booking.start, end: booking.end });
    say(word("done.title"));
    this.busy = "";
    return this.go("done");
  }

  async notBooked(error, hold) {
    if (error.code === "invalid_request") {
      this.faults = faultsOf(error);
      return focusFault(this.faults);
    }
    if (!SLOT_IS_GONE.has(error.code)) return this.refuse(error);
    this.become({ lost: { ...hold, how: "" } });
    return this.again();
  }

  /** Holds once more what ran out; where that is taken, the refusal names what is free. */
  again() {
    return this.missed && this.property ? this.place(this.missed.start) : this.go("time");
  }

  startAnew() {
    this.keep.save({ booked: null, form: { ...this.form, about: "" } });
    Object.assign(this, { booked: null, form: this.keep.kept.form });
    return this.go("time", { service: this.services.length > 1 ? null : this.service?.id });
  }
}
