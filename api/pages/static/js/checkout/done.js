// The visit is booked: when, where, and how to change it later.

import { city, local, longDate } from "../dates.js";
import { h, icon, say } from "../dom.js";
import { saveCalendar } from "../ics.js";
import { word } from "../words.js";
import { ownTime } from "./summary.js";
import { call } from "./views.js";

const TICK = "M5 13l5 5 9-11";

export function doneView(shop) {
  const { booked } = shop;
  const [start, end] = [Date.parse(booked.start), Date.parse(booked.end)];
  const { date, time } = local(start, booked.zone);
  const own = ownTime(start, booked.zone, shop.own);
  const manage = booked.manage_token && new URL(`/visit#${booked.manage_token}`, location.href).href;
  return [
    h("div.tick", {}, icon(TICK)),
    h("div.stack.tight", {}, h("h1", { tabindex: "-1" }, word("done.title")), h("p.lead", {}, word("done.lead"))),
    h("div.card.stack", {},
      h("div", {}, h("p.when", {}, `${longDate(date)}, ${time}–${local(end, booked.zone).time}`),
        h("p.soft", {}, word("week.zone_name", { city: city(booked.zone) })), own && h("p.soft", {}, own)),
      h("p", {}, [booked.service, booked.property].filter(Boolean).join(" · ")),
      h("p.soft.small", {}, word("done.number", { id: booked.booking_id })),
      h("div.row", {}, h("button.button", { type: "button", onclick: () => saveCalendar(calendarOf(booked, manage)) }, word("done.calendar")))),
    manage && h("div.stack.tight", {}, h("h2", {}, word("done.change_title")), h("p", {}, word("done.change")),
      h("div.row", {}, h("a.button.main", { href: manage, target: "_top" }, word("done.manage")),
        h("button.button", { type: "button", onclick: () => copy(manage) }, word("done.copy")))),
    call(shop, "notice.call"),
    h("p", {}, h("button.link", { type: "button", onclick: () => shop.startAnew() }, word("done.another"))),
  ];
}

async function copy(text) {
  await navigator.clipboard?.writeText(text).then(() => say(word("done.copied")), () => {});
}

const calendarOf = ({ booking_id, start, end, created_at, service, property }, manage) => ({
  id: booking_id, start, end, made: created_at, title: [service || word("done.visit"), property].join(" · "), place: property, about: manage ?? "",
});
