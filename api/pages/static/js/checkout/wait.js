// "Tell me when something becomes free": the visitor joins the waitlist for the shown weeks and a part of the day.

import { secret } from "../api.js";
import { addDays, local, longDate, shortDate } from "../dates.js";
import { h, say } from "../dom.js";
import { contactFaults, customerOf, faultsOf, field, focusFault } from "../form.js";
import { sentenceOf } from "../refusals.js";
import { word } from "../words.js";
import { call, kicker, refusalNotice } from "./views.js";

const HOURS = { any: null, morning: [["06:00", "12:00"]], afternoon: [["12:00", "17:00"]], evening: [["17:00", "22:00"]] };
const WEEKS = [1, 2, 4];

/** What this form says and what became of it: of the service and property that are chosen now. */
function waitOf(shop) {
  const of = JSON.stringify(shop.wish);
  if (shop.waiting?.of !== of) shop.waiting = { hours: "any", weeks: 2, ...shop.waiting, of, joined: null, refusal: null, faults: {} };
  return shop.waiting;
}

export function waitView(shop) {
  const wait = waitOf(shop);
  if (wait.joined) return joinedView(shop, wait);
  const common = { values: shop.form, faults: wait.faults, oninput: (name, text) => shop.type(name, text) };
  return [
    h("div.stack.tight", {}, kicker(shop), h("h1", { tabindex: "-1" }, word("wait.title")), h("p.lead", {}, word("wait.lead"))),
    wait.refusal && refused(shop, wait),
    shop.refusal && refusalNotice(shop),
    h("form.form", { key: "wait", novalidate: true, onsubmit: (event) => {
      event.preventDefault();
      join(shop, wait);
    } },
      radios("hours", Object.keys(HOURS), wait, (name) => word(`wait.${name}`)),
      radios("weeks", WEEKS, wait, (n) => word("wait.weeks", { n })),
      field("name", { ...common, label: word("form.name"), autocomplete: "name", required: true, maxlength: 200 }),
      field("phone", { ...common, label: word("form.phone"), type: "tel", enough: true, hint: word("form.phone_hint"), autocomplete: "tel", maxlength: 60 }),
      field("email", { ...common, label: word("form.email"), type: "email", enough: true, autocomplete: "email", maxlength: 254 }),
      h("button.button.main.big", { type: "submit" }, word("wait.join")),
      h("div", {}, h("button.button.plain", { type: "button", onclick: () => shop.go("time") }, word("refusal.all_times")))),
    call(shop, "notice.call"),
  ];
}

function radios(name, values, wait, text) {
  return h("fieldset.field", { key: name }, h("legend", {}, word(`wait.${name}_title`)),
    h("div.row", {}, values.map((value) => {
      const input = h("input", { type: "radio", name, value, onchange: () => (wait[name] = value) });
      input.checked = wait[name] === value;
      return h("label.choice", { key: value }, input, text(value));
    })));
}

function refused(shop, { refusal }) {
  return h("div.notice.warn", { key: "refused", role: "alert" }, h("p", {}, refusal.sentence),
    refusal.free.length > 0 && h("div.alternatives", {}, refusal.free.map((slot) => {
      const { date, time } = local(Date.parse(slot.start), shop.week.zone);
      return h("button.button", { key: slot.start, type: "button", onclick: () => shop.pick(slot) }, `${shortDate(date)} ${time}`);
    })));
}

async function join(shop, wait) {
  wait.faults = contactFaults(shop.form);
  wait.refusal = null;
  if (!Object.keys(wait.faults).length) {
    try {
      const { weeks } = shop;
      const grid = shop.policy.grid_minutes * 60_000;
      const from = Math.ceil((shop.clock.now() + shop.policy.min_lead_minutes * 60_000) / grid) * grid;
      const to = Date.parse(`${addDays(weeks.week.from, wait.weeks * 7)}T00:00:00Z`);
      const hours = HOURS[wait.hours];
      const body = { ...shop.wish, from: new Date(from).toISOString(), to: new Date(to).toISOString(), customer: customerOf(shop.form), ...(hours ? { hours } : {}) };
      const says = JSON.stringify(body);
      if (wait.says !== says) Object.assign(wait, { says, key: secret() }); // a lost answer is asked for again
      await shop.api.post("/waitlist", { body, key: wait.key });
      wait.joined = addDays(weeks.week.from, wait.weeks * 7 - 1);
      say(word("wait.joined_title"));
    } catch (error) {
      if (error.code === "invalid_request") wait.faults = faultsOf(error);
      else wait.refusal = { sentence: sentenceOf(error), free: error.body?.next_available ?? [] };
    }
  }
  shop.draw();
  if (Object.keys(wait.faults).length) focusFault(wait.faults);
}

function joinedView(shop, wait) {
  return [
    h("div.stack.tight", {}, h("h1", { tabindex: "-1" }, word("wait.joined_title")),
      h("p.lead", {}, word("wait.joined", { date: longDate(wait.joined) }))),
    h("div", {}, h("button.button.main", { type: "button", onclick: () => shop.go("time") }, word("refusal.all_times"))),
    call(shop, "notice.call"),
  ];
}
