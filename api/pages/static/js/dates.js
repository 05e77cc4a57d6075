// Dates and times by the clock of a zone. Intl only computes; the names come from the words, because it lacks some
// languages ("M12 3" for Icelandic). A date is text, 2026-12-05.

import { word, words } from "./words.js";

const DAY = 86_400_000;
const MOST_KNOWN = 5000;
const formats = new Map();
const known = new Map();

function format(zone, options) {
  const id = zone + JSON.stringify(options);
  if (!formats.has(id)) formats.set(id, new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options }));
  return formats.get(id);
}

/** The browser's own zone. */
export const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** {date, time, hour} of a moment by the clock of a zone. Whole minutes are kept in memory, because a board shows each many times. */
export function local(ms, zone) {
  const id = ms % 60_000 === 0 ? `${zone} ${ms}` : null;
  const found = known.get(id);
  if (found) return found;
  const options = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const part = Object.fromEntries(format(zone, options).formatToParts(ms).map(({ type, value }) => [type, value]));
  const shown = { date: `${part.year}-${part.month}-${part.day}`, time: `${part.hour}:${part.minute}`, hour: Number(part.hour) };
  if (known.size >= MOST_KNOWN) known.clear();
  if (id) known.set(id, shown);
  return shown;
}

/** How many minutes a zone's clock is ahead of UTC at a moment. */
export function offset(ms, zone) {
  const { date, time } = local(ms, zone);
  return Math.round((Date.parse(`${date}T${time}:00Z`) - Math.floor(ms / 60_000) * 60_000) / 60_000);
}

/** The moment at which a zone's clock shows a date and a time, in milliseconds. */
export function moment(date, time, zone) {
  const wall = Date.parse(`${date}T${time}:00Z`);
  const guess = wall - offset(wall, zone) * 60_000;
  return wall - offset(guess, zone) * 60_000;
}

/** A moment as the API writes it. */
export const iso = (ms) => new Date(ms).toISOString().replace(".000Z", "Z");

/** Whether a text is a date that there is. */
export function isDate(text) {
  const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}

export const addDays = (date, days) => new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY).toISOString().slice(0, 10);
export const daysBetween = (from, to) => Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / DAY);

const numbers = (date) => {
  const at = new Date(`${date}T00:00:00Z`);
  return { weekday: (at.getUTCDay() + 6) % 7, day: at.getUTCDate(), month: at.getUTCMonth(), year: at.getUTCFullYear() };
};

const list = (name, index) => words().dates[name].split(" ")[index];

/** "Saturday 5 December", for reading. */
export function longDate(date) {
  const { weekday, day, month } = numbers(date);
  return word("dates.long", { weekday: list("weekdays", weekday), day, month: list("months", month) });
}

/** "Sat 5 Dec", where there is little room. */
export function shortDate(date) {
  const { weekday, day, month } = numbers(date);
  return word("dates.short", { weekday: list("weekdays_short", weekday), day, month: list("months_short", month) });
}

/** The parts of a day's heading: weekday, day of the month, month. */
export function dayParts(date) {
  const { weekday, day, month } = numbers(date);
  return { weekday: list("weekdays_short", weekday), day: word("dates.day", { day }), month: list("months_short", month) };
}

/** "1–7 Dec", or with both months. */
export function span(from, to) {
  const [a, b] = [numbers(from), numbers(to)];
  const name = ({ day, month }) => word("dates.day_month", { day, month: list("months_short", month) });
  return a.month === b.month ? `${word("dates.day", { day: a.day })}–${name(b)}` : `${name(a)} – ${name(b)}`;
}

/** "Copenhagen" for Europe/Copenhagen. */
export const city = (zone) => zone.split("/").pop().replaceAll("_", " ");

/** "CEST": which of two equal times it is, where clocks go back. */
export function zoneName(ms, zone) {
  const parts = format(zone, { hour: "2-digit", timeZoneName: "short" }).formatToParts(ms);
  return parts.find(({ type }) => type === "timeZoneName").value;
}

/** "1 h 30 min". */
export function duration(minutes) {
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  const texts = [hours && word("dates.hours", { n: hours }), rest && word("dates.minutes", { n: rest })];
  return texts.filter(Boolean).join(" ");
}
