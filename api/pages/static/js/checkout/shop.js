// What the checkout knows and does: what can be chosen, and the steps. Each method changes the state, asks the API, and
// draws.

import { query } from "../api.js";
import { isDate, local, ownZone } from "../dates.js";
import { say } from "../dom.js";
import { spanOf } from "../holding.js";
import { sentenceOf } from "../refusals.js";
import { Weeks } from "../weeks.js";
import { word } from "../words.js";
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

  async open() {
    if (!this.key) return this.fail("no_key");
    try {
      const [policy, { services }, properties] = await Promise.all([
        this.api.get("/policy/public"), this.api.get(query("/services", { limit: 200 })), this.findProperties(""),
      ]);
      Object.assign(this, { policy, services, properties, first: properties });
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
    const { hold = null, lost = null, booked = null } = this.keep.kept; // of this tab before a reload
    Object.assign(this, { hold, lost, booked });
    await this.follow(new URLSearchParams(location.search)); // the visitor may have gone back meanwhile
    return this.lookAgain();
  }

  fail(kind, error) {
    this.fatal = { kind, sentence: error ? sentenceOf(error) : "" };
    this.draw();
  }

  /** Goes to the step that an address names, as far as what it needs is there. */
  async follow(asked) {
    if (!this.weeks) return;
    const mine = (this.following = {});
    let property = null;
    try {
      property = await this.propertyNamed(asked.get("property"));
    } catch (error) {
      if (this.following === mine) this.fail("no_answer", error);
      return;
    }
    if (this.following !== mine) return;
    Object.assign(this, { property, service: this.services.find(({ id }) => id === asked.get("service")) ?? this.only(this.services) });
    Object.assign(this, { fatal: null, refusal: null });
    this.fit();
    this.step = this.stepOf(asked);
    if (asked.get("property") && !property && this.step !== "done") return this.fail("no_property");
    this.draw();
    if (property && (this.service || !this.services.length)) await this.weeks.open(this.wish, property.timezone, this.dateOf(asked));
  }

  stepOf(asked) {
    const step = asked.get("step");
    if (step === "done" && this.booked) return "done";
    if (!this.service && this.services.length) return "service";
    if (!this.property) return "property";
    if (step === "details" && (this.hold ?? this.missed)) return "details";
    return step === "wait" ? "wait" : "time";
  }

  /** The date that an address names, if it is not over. */
  dateOf(asked) {
    const date = asked.get("from") ?? "";
    const today = local(this.clock.now(), this.property.timezone).date;
    return isDate(date) && date > today ? date : today;
  }

  only = (list) => (list.length === 1 ? list[0] : null);

  /** Whether the visitor chooses among several: what a search has found does not count. */
  get choosesService() {
    return this.services?.length > 1;
  }

  get choosesProperty() {
    return Boolean(this.first) && (this.first.list.length > 1 || this.first.more);
  }

  async propertyNamed(id) {
    if (!id) return this.choosesProperty ? null : this.only(this.first.list);
    const listed = [...this.first.list, ...this.properties.list].find((each) => each.id === id);
    if (listed) return listed;
    return this.api.get(`/properties/${encodeURIComponent(id)}`).catch((error) => {
      if (error.status === 404 || error.status === 400) return null;
      throw error;
    });
  }

  async findProperties(text) {
    const { properties, next_cursor } = await this.api.get(query("/properties", { q: text, limit: 100 }));
    const parents = new Set(properties.map(({ parent_id }) => parent_id));
    return { list: properties.filter(({ id }) => !parents.has(id)), more: Boolean(next_cursor), text };
  }

  async search(text) {
    this.searching = text;
    const found = await this.findProperties(text).catch((error) => ({ ...this.properties, problem: sentenceOf(error) }));
    if (this.searching !== text) return;
    this.properties = found;
    this.draw();
  }

  // Steps

  /** To another step, or to other choices. Not while a booking is on its way: it leads on by itself. */
  go(step, changes = {}) {
    if (this.busy === "booking") return null;
    const address = this.address(step, changes);
    history.pushState(null, "", address);
    return this.follow(new URLSearchParams(address));
  }

  /** The address of a step: what is chosen, with these changes. */
  address(step, changes = {}) {
    const address = new URLSearchParams(location.search);
    const values = { service: this.service?.id, property: this.property?.id, ...changes, step: step === "time" ? null : step };
    for (const [name, value] of Object.entries(values)) value ? address.set(name, value) : address.delete(name);
    return `?${address}`;
  }

  /** Whether a hold is for what is chosen now. */
  fits({ property_id, service_id }) {
    const { property, service } = this;
    return (!property || property_id === property.id) && (!service || service_id === service.id);
  }

  /** A hold is for one service at one property: another choice lets it go. */
  fit() {
    if (!this.hold || this.busy === "booking" || this.fits(this.hold)) return;
    this.forget("changed");
    say(word("hold.changed"));
  }

  /** What was held for the present choice, and is not any more. */
  get missed() {
    return this.lost && this.fits(this.lost) ? this.lost : null;
  }

  choose(kind, id) {
    return this.go("time", { [kind]: id });
  }

  /** To the details of what is held, whatever the address names. */
  goOn() {
    return this.go("details", { service: this.hold.service_id, property: this.hold.property_id });
  }

  /** Back to the choice of a service or a property; what is held stays until something else is chosen. */
  reconsider(kind) {
    return this.go("time", { [kind]: null });
  }

  // The week

  get wish() {
    return { property_id: this.property.id, ...(this.service ? { service_id: this.service.id } : {}) };
  }

  get week() {
    return this.weeks?.week ?? null;
  }

  heard(kind, event) {
    const ref = this.hold?.ref;
    if (ref && (kind === "reset" || event.replaces === ref || (event.ref === ref && kind !== "hold"))) this.lookAgain();
  }

  wake() {
    this.draw();
    if (this.hold) this.lookAgain();
  }
}
