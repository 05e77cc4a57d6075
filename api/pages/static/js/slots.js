// From the slots of a reply to the week that a person sees: days, parts of the day, and what stands in each place.

import { addDays, local, zoneName } from "./dates.js";

const HALF_HOUR = 30;
const PARTS = [
  ["morning", 6, 12],
  ["afternoon", 12, 17],
  ["evening", 17, 22],
];

/** The parts of a day, in order. Night is folded away. */
export const PART_NAMES = ["morning", "afternoon", "evening", "night"];

const partOf = (hour) => PARTS.find(([, from, to]) => hour >= from && hour < to)?.[0] ?? "night";

/** One day for each local date from `from` on: {date, parts: {morning: [slot…], …}, free, reason}.
 * mine: the visitor's own hold, which is in the way of nothing that the visitor chooses instead.
 * A slot has {start, ms, time, state: free|held|mine, technicians}; `reason` says why a day has none: full|closed. */
export function shapeWeek(reply, { from, days, now, mine }) {
  const byDate = new Map();
  for (let index = 0; index < days; index += 1) byDate.set(addDays(from, index), []);
  for (const slot of reply.slots) {
    const ms = Date.parse(slot.start);
    const { date, time, hour } = local(ms, reply.timezone);
    byDate.get(date)?.push({ ...slot, ms, time, part: partOf(hour), technicians: slot.technician_ids, state: stateOf(slot, ms, mine, now) });
  }
  return [...byDate].map(([date, slots]) => shapeDay(date, slots, reply));
}

function stateOf(slot, ms, mine, now) {
  if (ms < now) return "closed";
  if (!mine) return slot.state;
  if (ms === mine.start) return "mine";
  const near = ms < mine.end + mine.margin && Date.parse(slot.end) > mine.start - mine.margin;
  return slot.state === "held" && near ? "free" : slot.state;
}

const isOffered = (slot) => slot && slot.state !== "closed" && slot.state !== "booked";

function shapeDay(date, slots, { timezone, grid_minutes }) {
  const offered = slots.filter((slot, index) => {
    if (!isOffered(slot)) return false;
    const begins = slots[index - 1]?.state !== slot.state && !isOffered(slots[index - 1]);
    return begins || slot.state === "mine" || (slot.ms / 60_000) % Math.max(HALF_HOUR, grid_minutes) === 0;
  });
  const parts = Object.fromEntries(PART_NAMES.map((name) => [name, []]));
  for (const slot of offered) {
    const twice = offered.some((other) => other !== slot && other.time === slot.time);
    parts[slot.part].push(twice ? { ...slot, zone: zoneName(slot.ms, timezone) } : slot);
  }
  const free = offered.filter(({ state }) => state !== "held").length;
  const taken = slots.some(({ state }) => state === "booked" || state === "held");
  return { date, parts, free, reason: offered.length ? "" : taken ? "full" : "closed" };
}

/** Whether a change of the feed may concern what is shown. */
export function touches(event, from, to) {
  const spans = [event, event.from].filter((span) => span?.start && span?.end);
  return !spans.length || spans.some(({ start, end }) => Date.parse(start) < to && Date.parse(end) > from);
}
