// What is chosen so far, with ways back, and how long it is kept: beside the steps, and on a phone below them.

import { city, local, longDate, offset, shortDate } from "../dates.js";
import { h } from "../dom.js";
import { clockText } from "../holding.js";
import { word } from "../words.js";

const URGENT = 60_000;

export function summaryView(shop) {
  const { service, property, hold, step } = shop;
  const rows = [
    service && row("service", service.name, shop.choosesService && (() => shop.reconsider("service"))),
    property && row("property", property.name, shop.choosesProperty && (() => shop.reconsider("property"))),
    hold && whenRow(shop, step === "details"),
  ].filter(Boolean);
  return h("div.card.summary", {}, h("h2", {}, word("summary.title")),
    rows.length ? h("dl", {}, rows) : h("p.soft", {}, word("summary.empty")), hold && countdown(shop));
}

function row(name, text, onchange, second) {
  return h("div", { key: name }, h("dt", {}, word(`summary.${name}`)), h("dd", {}, text), second && h("dd.second", {}, second),
    onchange && h("dd.change", {}, h("button.link", { type: "button", onclick: onchange },
      word("summary.change"), h("span.unseen", {}, ` ${word(`summary.${name}`)}`))));
}

function whenRow(shop, changeable) {
  const { hold, own } = shop;
  const zone = shop.week?.zone ?? shop.property?.timezone ?? "UTC";
  const { date, time } = local(hold.startMs, zone);
  const text = [longDate(date), h("br"), h("span.figures", {}, `${time}–${local(hold.endMs, zone).time}`)];
  return row("time", text, changeable && (() => shop.go("time")), ownTime(hold.startMs, zone, own));
}

/** The visitor's own time, where their clock differs from the property's. */
export function ownTime(ms, zone, own) {
  if (offset(ms, zone) === offset(ms, own)) return "";
  const { date, time } = local(ms, own);
  return word("summary.own_time", { date: shortDate(date), time, city: city(own) });
}

function countdown(shop) {
  return h(`div.countdown${shop.left > URGENT ? ".calm" : ""}`, {},
    h("span", {}, `${word("hold.kept")} `, h("time.left", { role: "timer" }, clockText(shop.left))),
    shop.extendable && h("button.link", { type: "button", onclick: () => shop.extend() }, word("hold.extend")));
}

/** On a phone, below: the time that is held, its countdown, and the way to the details. */
export function barView(shop) {
  const { hold, step } = shop;
  if (!hold || step === "done") return [];
  const { date, time } = local(hold.startMs, shop.week?.zone ?? shop.property?.timezone ?? "UTC");
  return [
    h("div.row.apart", {}, h("b", {}, `${shortDate(date)} ${time}`), countdown(shop)),
    step !== "details" && h("button.button.main.full", { type: "button", onclick: () => shop.goOn() }, word("summary.go_on")),
  ];
}
