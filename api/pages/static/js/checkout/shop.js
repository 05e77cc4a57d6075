// What the checkout knows and does: what can be chosen, and the steps. Each method changes the state, asks the API, and
// draws.

import { query } from "../api.js";
import { isDate, local, ownZone } from "../dates.js";
import { spanOf } from "../holding.js";
import { sentenceOf } from "../refusals.js";
import { Weeks } from "../weeks.js";
import { Buying } from "./buying.js";

export class Shop extends Buying {
  constructor({ api, clock, keep, key, draw }) {
    super(api, keep);
    Object.assign(this, { clock, key, draw });
    this.step = "service";
    this.services = null;
    this.properties = null;
    this.service = this.property = this.weeks = this.fatal = null;
    this.own = ownZone();
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
      return error.status === 401 ? this.fail("no_key") : this.fail("no_answer", error);
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
    await this.follow(asked);
    return this.sent && this.send(this.sent);
  }

  fail(kind, error) {
    this.fatal = { kind, sentence: error ? sentenceOf(error) : "" };
    this.draw();
  }

  /** Takes up what this tab had before a reload. */
  async resume() {
    const { hold, booked = null } = this.keep.kept;
    this.booked = booked;
    if (!hold) return;
    try {
      this.hold = (await this.holding.live()).find(({ hold_id }) => hold_id === hold.hold_id) ?? null;
      if (!this.hold) await this.learn(hold);
    } catch {
      this.hold = hold; // the next answer decides
    }
  }

  /** A hold that is not live any more: booked, though the answer was lost, or ended. */
  async learn(hold) {
    const status = (await this.holding.look(hold))?.status;
    const { book } = this.keep.kept;
    if (["booked", "confirming"].includes(status) && book) this.sent = { hold, request: { body: JSON.parse(book.says), key: book.key } };
    else Object.assign(this, { lost: hold, ended: status === "released" ? "released" : "expired" });
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
    this.fit();
    this.draw();
    if (this.property && (this.service || !this.services.length)) await this.weeks.open(this.wish, this.property.timezone, this.dateOf(asked));
    return undefined;
  }

  /** The date that an address names, if it is not over. */
  dateOf(asked) {
    const date = asked.get("from") ?? "";
    const today = local(this.clock.now(), this.property.timezone).date;
    return isDate(date) && date > today ? date : today;
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

  /** A hold is for one service at one property: another choice lets it go. */
  fit() {
    const { hold, service, property } = this;
    if (hold && ((property && hold.property_id !== property.id) || (service && hold.service_id !== service.id))) this.forget();
  }

  choose(kind, id) {
    return this.go("time", { [kind]: id });
  }

  /** To the details of what is held, whatever the address names. */
  goOn() {
    return this.go("details", { service: this.hold.service_id, property: this.hold.property_id });
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
    if (kind === "release" && event.ref === this.hold?.ref) this.lookAgain();
  }

  wake() {
    this.draw();
    if (this.hold) this.lookAgain();
  }
}
