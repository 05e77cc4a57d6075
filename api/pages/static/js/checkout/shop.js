// What the checkout knows and does. Each method changes the state, asks the API, and draws.

import { NoAnswer, Problem, query, secret } from "../api.js";
import { ownZone } from "../dates.js";
import { say } from "../dom.js";
import { contactFaults, customerOf, faultsOf, focusFault } from "../form.js";
import { makeHolding, spanOf } from "../holding.js";
import { tellHost } from "../keep.js";
import { Weeks } from "../weeks.js";
import { word } from "../words.js";

export class Shop {
  constructor({ api, clock, keep, key, draw }) {
    Object.assign(this, { api, clock, keep, key, draw });
    this.step = "service";
    this.services = null;
    this.properties = null;
    this.service = this.property = this.weeks = this.hold = this.refusal = this.fatal = null;
    this.busy = this.ended = "";
    this.faults = {};
    this.own = ownZone();
    this.form = keep.kept.form ?? {};
    this.holding = makeHolding(api, keep.kept.holder);
  }

  // Opening

  async open(asked) {
    if (!this.key) return this.fail("no_key");
    try {
      const [policy, { services }, properties] = await Promise.all([
        this.api.get("/policy/public"), this.api.get(query("/services", { limit: 200 })), this.findProperties(""),
      ]);
      Object.assign(this, { policy, services, properties });
    } catch (error) {
      return this.fail(error instanceof Problem && error.status === 401 ? "no_key" : "no_answer", error);
    }
    if (this.policy.public_services_only && !this.services.length) return this.fail("no_services");
    this.weeks = new Weeks({
      api: this.api,
      clock: this.clock,
      token: this.key,
      horizon: this.policy.horizon_days,
      draw: this.draw,
      mine: () => (this.hold?.property_id === this.property?.id ? spanOf(this.hold) : null),
      onchange: (kind, event) => this.heard(kind, event),
    });
    await this.resume();
    return this.follow(asked);
  }

  fail(kind, error) {
    this.fatal = { kind, sentence: error instanceof Problem ? error.message : "" };
    this.draw();
  }

  /** Takes up what this tab had before a reload. */
  async resume() {
    this.booked = this.keep.kept.booked ?? null;
    if (!this.keep.kept.hold) return;
    try {
      const mine = this.keep.kept.hold;
      this.hold = (await this.holding.live()).find(({ hold_id }) => hold_id === mine.hold_id) ?? null;
      if (!this.hold) this.ended = (await this.holding.look(mine))?.status === "booked" ? "" : "expired";
      if (this.ended) this.lost = mine;
    } catch {
      this.hold = mine; // the next answer decides
    }
  }

  /** Goes to the step that an address names, as far as what it needs is there. */
  async follow(asked) {
    this.service = this.services.find(({ id }) => id === asked.get("service")) ?? this.only(this.services);
    const wanted = asked.get("property");
    this.property = await this.propertyNamed(wanted);
    if (wanted && !this.property) return this.fail("no_property");
    const step = asked.get("step") ?? "time";
    if (!this.service && this.services.length) this.step = "service";
    else if (!this.property) this.step = "property";
    else if (step === "done" && this.booked) this.step = "done";
    else if (step === "details" && (this.hold ?? this.lost)) this.step = "details";
    else this.step = step === "wait" ? "wait" : "time";
    this.refusal = null;
    this.draw();
    if (this.property && (this.service || !this.services.length)) await this.weeks.open(this.wish, this.property.timezone);
    return undefined;
  }

  only = (list) => (list.length === 1 ? list[0] : null);

  async propertyNamed(id) {
    const listed = this.properties.list.find((each) => each.id === id);
    if (!id || listed) return listed ?? (this.properties.more ? null : this.only(this.properties.list));
    return this.api.get(`/properties/${encodeURIComponent(id)}`).catch(() => null);
  }

  async findProperties(text) {
    const { properties, next_cursor } = await this.api.get(query("/properties", { q: text, limit: 100 }));
    const parents = new Set(properties.map(({ parent_id }) => parent_id));
    return { list: properties.filter(({ id }) => !parents.has(id)), more: Boolean(next_cursor), text };
  }

  async search(text) {
    this.searching = text;
    const found = await this.findProperties(text).catch(() => null);
    if (this.searching !== text || !found) return;
    this.properties = found;
    this.draw();
  }

  // Steps

  go(step, changes = {}) {
    const address = new URLSearchParams(location.search);
    const values = { service: this.service?.id, property: this.property?.id, ...changes, step: step === "time" ? null : step };
    for (const [name, value] of Object.entries(values)) value ? address.set(name, value) : address.delete(name);
    history.pushState(null, "", `?${address}`);
    return this.follow(address);
  }

  choose(kind, id) {
    return this.go("time", { [kind]: id });
  }

  reconsider(kind) {
    this[kind] = null;
    this.step = kind;
    this.refusal = null;
    this.draw();
  }

  // The week

  get wish() {
    return { property_id: this.property.id, ...(this.service ? { service_id: this.service.id } : {}) };
  }

  get week() {
    return this.weeks?.week ?? null;
  }

  heard(kind, event) {
    if (kind === "release" && this.hold && Date.parse(event.start) === this.hold.startMs) this.lookAgain();
  }

  wake() {
    this.draw();
    if (this.hold) this.lookAgain();
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
    const sentence = error instanceof NoAnswer ? word("connection.no_answer") : error.message;
    const free = (error.body?.next_available ?? []).map((each) => ({ ...each, ms: Date.parse(each.start) }));
    this.refusal = { sentence, free, slot };
    say(sentence);
    this.weeks.refresh();
    this.draw();
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

  async letGo() {
    const hold = this.hold;
    this.lose("");
    await this.holding.release(hold);
    return this.go("time");
  }

  lose(how) {
    if (how) this.lost = this.hold;
    Object.assign(this, { hold: null, ended: how, limit: false });
    this.keep.save({ hold: null });
    if (how) say(word(`hold.${how}`));
    this.weeks.shape();
    this.draw();
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
    this.looking = false;
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
    if (!this.hold) return this.again();
    this.busy = "booking";
    this.refusal = null;
    this.draw();
    try {
      this.finish(await this.api.post("/book", { ...this.order(), patience: 60_000 }));
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
    if (["slot_held", "slot_booked", "hold_expired", "hold_released", "hold_not_found"].includes(error.code)) {
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
