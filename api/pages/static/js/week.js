// The week of slots: days above their times on a phone, seven columns on a wide screen. It asks and keeps nothing.

import { addDays, city, dayParts, local, longDate, offset, span } from "./dates.js";
import { h, icon } from "./dom.js";
import { PART_NAMES } from "./slots.js";
import { word } from "./words.js";

/** Whether all seven days are shown: see checkout.css. On a phone only the chosen one is drawn, because that takes a seventh of the time. */
export const WIDE = matchMedia("(min-width: 60rem)");
const LEFT = "M15 5l-7 7 7 7";
const RIGHT = "M9 5l7 7-7 7";

/** week: {from, zone, days, chosen} of the state; days is null while it loads.
 * on: {week(date), day(date), pick(slot)}. own: the visitor's zone. */
export function weekView(week, { first, last, own, busy, on }) {
  const to = addDays(week.from, 6);
  const heading = h("h2", { id: "week-span", "aria-live": "polite" }, span(week.from, to));
  return [
    h("div.week-bar", {}, turn(LEFT, "week.before", week.from > first, () => on.week(addDays(week.from, -7))), heading,
      turn(RIGHT, "week.after", to < last, () => on.week(addDays(week.from, 7)))),
    zoneLine(week, own),
    h("div.week.day-tabs", { role: "group", "aria-labelledby": "week-span" }, dates(week).map((day) => tab(day, week, on))),
    h("div.days", { "aria-busy": busy ? "true" : null }, week.days ? shown(week).map((day) => column(day, week, own, on)) : loading(week)),
  ];
}

const shown = ({ days, chosen }) => days.filter(({ date }) => WIDE.matches || date === chosen);

function dates(week) {
  return week.days ?? Array.from({ length: 7 }, (_, index) => ({ date: addDays(week.from, index), free: null }));
}

function turn(path, name, possible, onclick) {
  return h("button.button.square", { type: "button", "aria-disabled": possible ? null : "true", onclick: () => possible && onclick() },
    icon(path), h("span.unseen", {}, word(name)));
}

function zoneLine(week, own) {
  if (!week.zone) return h("p.zone", {}, "\u00a0");
  const shown = word("week.zone", { city: city(week.zone) });
  const differs = offset(week.now, week.zone) !== offset(week.now, own);
  return h("p.zone", {}, differs ? `${shown} ${word("week.own_zone", { city: city(own) })}` : shown);
}

function tab(day, week, on) {
  const { weekday, day: number, month } = dayParts(day.date);
  const chosen = day.date === week.chosen;
  const said = day.free === null ? "" : day.free ? word("week.free", { n: day.free }) : word(`week.${day.reason || "full"}`);
  return h(`button.day-tab${day.free === 0 ? ".none" : ""}`,
    { key: day.date, type: "button", "aria-current": chosen ? "date" : null, onclick: () => on.day(day.date) },
    h("span.unseen", {}, `${longDate(day.date)}. ${said}`),
    h("small", { "aria-hidden": "true" }, weekday), h("b", { "aria-hidden": "true" }, number),
    h("small", { "aria-hidden": "true" }, month), h("span.dot", { "aria-hidden": "true" }));
}

function column(day, week, own, on) {
  const { weekday, day: number, month } = dayParts(day.date);
  const onlyNight = day.parts.night.length && PART_NAMES.slice(0, 3).every((name) => !day.parts[name].length);
  return h("section.day", { key: day.date, "data-chosen": day.date === week.chosen, "aria-label": longDate(day.date) },
    h("div.day-heading", { "aria-hidden": "true" }, h("small", {}, weekday), h("b", {}, number), h("small", {}, month)),
    h("div.slots", {},
      day.reason ? h("p.empty", {}, word(`week.${day.reason}`)) : PART_NAMES.slice(0, 3).map((name) => part(name, day, week, own, on)),
      day.parts.night.length > 0 && night(day, week, own, on, onlyNight)));
}

function part(name, day, week, own, on) {
  const slots = day.parts[name];
  return h(`div.part${slots.length ? "" : ".bare"}`, { key: name }, slots.length > 0 && h("h3", {}, word(`week.${name}`)), list(slots, day, week, own, on));
}

function night(day, week, own, on, open) {
  return h("details.night.part", { key: "night", open: Boolean(open) },
    h("summary", {}, word("week.night")), list(day.parts.night, day, week, own, on));
}

function list(slots, day, week, own, on) {
  return slots.length > 0 && h("ul", {}, slots.map((slot) => h("li", { key: slot.start }, chip(slot, day, week, own, on))));
}

function chip(slot, day, week, own, on) {
  const yours = local(slot.ms, own).time;
  const lines = [
    slot.zone && h("small", {}, slot.zone),
    slot.state === "mine" && h("small", {}, word("week.mine")),
    slot.state === "held" && h("small", {}, word("week.held")),
    slot.state === "free" && yours !== slot.time && h("small", {}, h("span.unseen", {}, `${word("week.for_you")} `), yours),
  ];
  const held = slot.state === "held";
  return h(`button.chip.${slot.state}`, { type: "button", "aria-disabled": held ? "true" : null, onclick: () => !held && on.pick(slot) },
    h("span", {}, h("span.unseen", {}, `${longDate(day.date)} `), slot.time), lines);
}

function loading(week) {
  return dates(week).map(({ date }) =>
    h("div.day", { key: `wait ${date}`, "data-chosen": date === (week.chosen ?? week.from), "aria-hidden": "true" },
      h("div.day-heading", {}, h("small", {}, dayParts(date).weekday), h("b", {}, dayParts(date).day), h("small", {}, dayParts(date).month)),
      h("div.slots", {}, [0, 1, 2].map((row) => h("div.part", { key: row }, h("div.skeleton", {}))))));
}
