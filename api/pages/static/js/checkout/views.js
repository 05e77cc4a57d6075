// The steps before the details: what needs doing, where, and when. And the notice where there is no way on here.

import { duration, local, longDate, shortDate } from "../dates.js";
import { h, icon } from "../dom.js";
import { weekView } from "../week.js";
import { word } from "../words.js";

const NEXT = "M9 5l7 7-7 7";
const BACK = "M15 5l-7 7 7 7";
const MANY = 8;

const title = (step) => h("h1", { tabindex: "-1" }, word(`${step}.title`));

/** "Step 2 of 4", of those that this visitor goes through. */
export function kicker(shop) {
  const steps = ["service", "property", "time", "details"].filter(
    (step) => !(step === "service" && !shop.choosesService) && !(step === "property" && !shop.choosesProperty),
  );
  const at = steps.indexOf(shop.step === "wait" ? "time" : shop.step) + 1;
  const before = { property: "service", time: "property", wait: "time", details: "time" }[shop.step];
  const back = before === "time" || steps[at - 2];
  return h("div.kicker", {},
    back && h("button.link.back", { type: "button", onclick: () => (before === "time" ? shop.go("time") : shop.reconsider(steps[at - 2])) },
      icon(BACK), word("step.back")),
    at > 0 && h("span", {}, word("step.of", { at, all: steps.length })));
}

export function serviceView(shop) {
  const about = ({ duration_minutes, price_text }) => [duration(duration_minutes), price_text].filter(Boolean).join(" · ");
  return [
    h("div.stack.tight", {}, kicker(shop), title("service"), h("p.lead", {}, word("service.lead"))),
    h("div.options", {}, shop.services.map((service) => option(service, about(service), () => shop.choose("service", service.id)))),
    call(shop, "service.other"),
  ];
}

export function propertyView(shop) {
  const { list, more, text, problem } = shop.properties;
  const many = more || text || list.length > MANY;
  return [
    h("div.stack.tight", {}, kicker(shop), title("property"), h("p.lead", {}, word("property.lead"))),
    many && h("div.field", {}, h("label", { for: "search" }, word("property.search")),
      h("input.input", { id: "search", type: "search", autocomplete: "off", oninput: (event) => shop.search(event.target.value) })),
    h("div.options", {}, list.map((property) => {
      const closed = property.status !== "available";
      return option(property, closed ? word("property.closed") : "", () => !closed && shop.choose("property", property.id), closed);
    })),
    problem && h("p.notice.warn", { role: "alert" }, problem),
    list.length === 0 && h("p.notice", { role: "status" }, word("property.none", { text })),
    more && h("p.soft.small", {}, word("property.more")),
    call(shop, "property.other"),
  ];
}

function option({ id, name }, about, onclick, closed = false) {
  return h("button.option", { key: id, type: "button", onclick, "aria-disabled": closed ? "true" : null },
    h("b", {}, name), about && h("span", {}, about), icon(NEXT));
}

export function timeView(shop) {
  const { week, weeks } = shop;
  return [
    h("div.stack.tight", {}, kicker(shop), title("time"), h("p.lead", {}, chosenLine(shop))),
    endedNotice(shop),
    shop.refusal && refusalNotice(shop),
    week?.refused ? refusedNotice(shop) : week && h("div.stack", { key: "week" }, weekView(week, {
      first: weeks.today, last: weeks.last, own: shop.own, busy: shop.busy,
      on: { week: (date) => weeks.turn(date), day: (date) => weeks.choose(date), pick: (slot) => shop.pick(slot) },
    })),
    week?.days && nothingFree(shop),
    week?.days && !week.refused && h("p", { key: "wait" }, `${word("time.none_suits")} `,
      h("button.link", { type: "button", onclick: () => shop.go("wait") }, word("time.tell_me"))),
  ];
}

const chosenLine = ({ service, property }) => [service?.name, service && duration(service.duration_minutes), property.name].filter(Boolean).join(" · ");

function nothingFree({ week, weeks }) {
  if (week.days.some(({ free }) => free)) return null;
  const next = week.next;
  return h("div.notice", { key: "nothing", role: "status" },
    h("p", {}, word(next === null ? "time.nothing_ahead" : "time.nothing_this_week")),
    next && h("div", {}, h("button.button.main", { type: "button", onclick: () => weeks.turn(next) }, word("time.next_free", { date: longDate(next) }))));
}

/** What was refused, why, and three moments that can be held instead. */
export function refusalNotice(shop) {
  const { sentence, free, gone, code } = shop.refusal;
  const zone = shop.week?.zone ?? shop.property.timezone;
  return h("div.notice.warn", { key: "refusal", role: "alert" },
    h("h2", {}, word(gone ? "refusal.title" : "refusal.other_title")), h("p", {}, sentence),
    free.length > 0 && [h("p", {}, word("refusal.instead")), h("div.alternatives", {}, free.map((slot) => {
      const { date, time } = local(slot.ms, zone);
      return h("button.button", { key: slot.start, type: "button", onclick: () => shop.pick(slot) }, `${shortDate(date)} ${time}`);
    }))],
    free.length === 0 && (gone ? h("p", {}, word("refusal.no_other")) : call(shop, "notice.call")),
    waysOn(shop, code),
    shop.step === "details" && h("div", {}, h("button.link", { type: "button", onclick: () => shop.go("time") }, word("refusal.all_times"))));
}

/** What became of the time that was held, and how it can be had again. */
export function endedNotice(shop) {
  const { lost, missed } = shop;
  if (!lost?.how) return null;
  if (!missed) return lost.how === "changed" && h("p.notice", { key: "ended", role: "status" }, word("hold.changed"));
  const zone = shop.week?.zone ?? shop.property.timezone;
  const { date, time } = local(lost.startMs, zone);
  const taken = lost.how === "booked";
  return h("div.notice.warn", { key: "ended", role: "alert" },
    h("h2", {}, word(`hold.${lost.how}`)), h("p", {}, word(taken ? "hold.booked_already" : "hold.perhaps_free", { time, date: longDate(date) })),
    h("div.row", {},
      !taken && h("button.button.main", { type: "button", onclick: () => shop.again() }, word("hold.again", { time })),
      shop.step === "details" && h("button.button", { type: "button", onclick: () => shop.go("time") }, word("refusal.all_times"))),
    taken && call(shop, "notice.call"));
}

function refusedNotice(shop) {
  return h("div.notice.bad", { key: "refused", role: "alert" }, h("p", {}, shop.week.refused),
    h("div.row", {}, h("button.button", { type: "button", onclick: () => shop.weeks.refresh() }, word("notice.again"))),
    waysOn(shop, shop.week.code),
    call(shop, "notice.call"));
}

/** Another service or property, where what was chosen is not to be had any more. A link, because the page has to read
 * anew what there is. */
function waysOn(shop, code = "") {
  const way = (kind, name) => h("div", {}, h("a.button", { href: shop.address("time", { [kind]: null }) }, word(name)));
  if (code.startsWith("property_") && shop.choosesProperty) return way("property", "notice.other_property");
  if (code.startsWith("service_") && shop.choosesService) return way("service", "notice.other_service");
  return code === "invalid_request" ? h("div", {}, h("a.button", { href: shop.address("time") }, word("notice.again"))) : null;
}

/** A page without a way on: what is wrong, and whom to call. */
export function noticeView(shop, { kind, sentence }) {
  return [
    h("h1", { tabindex: "-1" }, word(`notice.${kind}_title`)),
    h("p.lead", {}, sentence || word(`notice.${kind}`)),
    kind === "no_answer" && h("div", {}, h("button.button.main", { type: "button", onclick: () => location.reload() }, word("notice.again"))),
    kind === "no_property" && h("div", {}, h("a.button.main", { href: shop.address("time", { property: null }) }, word("notice.other_property"))),
  ];
}

/** A sentence with the phone of the company; nothing where it names none. */
export function call({ policy }, path) {
  if (!policy?.phone) return null;
  return h("p.soft.small", {}, `${word(path)} `, h("a", { href: `tel:${policy.phone.replace(/[^\d+]/g, "")}` }, policy.phone));
}
