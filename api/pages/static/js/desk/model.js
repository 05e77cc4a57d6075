// What the desk knows: technicians, visits and holds of some days, and how events change them. It draws nothing.

const SHOWN = new Set(["pending", "confirmed", "completed", "no_show"]);
const MINUTE = 60_000;
const TRAVEL = { buffer_before_minutes: 0, buffer_after_minutes: 0 };

/** A visit or a hold as the board draws it. `from`, `to`: with the travel around it. */
function placed(record, kind, id) {
  const [start, end] = [Date.parse(record.start), Date.parse(record.end)];
  return {
    ...record, kind, id, startMs: start, endMs: end,
    from: start - record.buffer_before_minutes * MINUTE,
    to: end + record.buffer_after_minutes * MINUTE,
    deadline: kind === "hold" ? Date.parse(record.expires_at) : null,
  };
}

const isShown = (entry) => entry.kind === "hold" || SHOWN.has(entry.status);
const byStart = (a, b) => a.startMs - b.startMs;

/** The state of a board. clock: the server's. language: by which names are sorted. */
export function makeModel(clock, language) {
  let technicians = [];
  let zone = "UTC";
  let frame = "";
  const visits = new Map();
  const holds = new Map();
  const lanes = new Map();
  let touched = { lanes: new Set(), ids: new Set() };

  /** Calls `change` with the lane of each technician of an entry, and notes what is to be drawn. */
  function touch(entry, change) {
    touched.ids.add(entry.id);
    for (const id of entry.technician_ids) {
      if (!lanes.has(id)) lanes.set(id, new Map());
      change(lanes.get(id));
      touched.lanes.add(id);
    }
  }

  function drop(store, id) {
    const known = store.get(id);
    if (!known) return;
    store.delete(id);
    touch(known, (lane) => lane.delete(`${known.kind} ${id}`));
  }

  function keep(store, entry) {
    drop(store, entry.id);
    store.set(entry.id, entry);
    touch(entry, (lane) => isShown(entry) && lane.set(`${entry.kind} ${entry.id}`, entry));
  }

  /** Takes one booking, unless a newer version is known. False if nothing changed. */
  function put(booking, known = visits.get(booking.booking_id)) {
    if (known && known.version > booking.version) return false;
    const history = booking.history ?? (known?.version === booking.version ? known.history : undefined);
    keep(visits, placed({ ...booking, history }, "visit", booking.booking_id));
    return true;
  }

  return {
    put,
    /** Takes a whole board in place of what was known. True if technicians or their closed times are others than before. */
    load(board) {
      const before = new Map(visits);
      for (const id of before.keys()) drop(visits, id);
      for (const id of [...holds.keys()]) drop(holds, id);
      for (const each of board.visits) {
        const known = before.get(each.booking_id);
        put(each, known?.version === each.version ? known : undefined);
      }
      for (const each of board.holds) keep(holds, placed(each, "hold", each.ref));
      const next = JSON.stringify([board.timezone, board.technicians]);
      if (next === frame) return false;
      frame = next;
      zone = board.timezone;
      const byName = (a, b) => a.name.localeCompare(b.name, language);
      technicians = [...board.technicians].sort(byName).map((each) => ({
        ...each, closed: each.closed.map(({ start, end }) => ({ from: Date.parse(start), to: Date.parse(end) })),
      }));
      return true;
    },
    /** Takes an event about a hold. */
    hearHold(kind, event) {
      if (event.replaces) drop(holds, event.replaces);
      if (kind === "release") drop(holds, event.ref);
      else keep(holds, placed({ ...TRAVEL, ...event }, "hold", event.ref));
    },
    /** Takes an event about a booking: when, where, who. The rest is as it was, or missing. */
    hearVisit(event) {
      if (event.replaces) drop(holds, event.replaces);
      const { ref, start, end, technician_ids, property_id, status, source, version } = event;
      const known = visits.get(ref) ?? { booking_id: ref, customer: null, ...TRAVEL };
      keep(visits, placed({ ...known, start, end, technician_ids, technician_id: technician_ids[0], property_id, status, source, version }, "visit", ref));
    },
    forgetHold: (id) => drop(holds, id),
    /** Forgets holds that ran out. */
    expire() {
      for (const each of [...holds.values()]) if (each.deadline <= clock.now()) drop(holds, each.id);
    },
    /** What changed since the last time: {lanes, ids}, sets of technicians and of entries. */
    takeTouched() {
      const found = touched;
      touched = { lanes: new Set(), ids: new Set() };
      return found;
    },
    /** The version of a booking that is known; 0 for none. */
    version: (id) => visits.get(id)?.version ?? 0,
    get technicians() { return technicians; },
    get zone() { return zone; },
    find: (kind, id) => (kind === "hold" ? holds : visits).get(id),
    /** What is in one technician's column, by start. */
    column: (id) => [...lanes.get(id)?.values() ?? []].sort(byStart),
    /** What stands in the way of a visit there and then: {kind: "free" | "taken" | "closed", other?}. */
    verdict(visit, technicianId, startMs) {
      const shift = startMs - visit.startMs;
      const [start, end] = [startMs, visit.endMs + shift];
      const [from, to] = [visit.from + shift, visit.to + shift];
      const isOther = (each) => each.kind !== visit.kind || each.id !== visit.id;
      const here = [...lanes.get(technicianId)?.values() ?? []].filter((each) => each.from < to && from < each.to);
      const there = [...visits.values(), ...holds.values()].filter((each) => each.property_id === visit.property_id && each.startMs < end && start < each.endMs && isShown(each));
      const others = [...here, ...there].filter(isOther).sort(byStart);
      if (others.length) return { kind: "taken", other: others[0] };
      const technician = technicians.find((each) => each.id === technicianId);
      if (technician?.closed.some((span) => span.from < to && from < span.to)) return { kind: "closed" };
      return { kind: "free" };
    },
  };
}

/** The free places of a column between two moments, each at least `least` minutes long. */
export function gaps(entries, closed, begin, end, least = 30) {
  const busy = [...entries, ...closed].map(({ from, to }) => [from, to]).sort((a, b) => a[0] - b[0]);
  const found = [];
  let free = begin;
  for (const [from, to] of [...busy, [end, end]]) {
    const until = Math.min(from, end);
    if (until - free >= least * MINUTE) found.push({ from: free, to: until });
    free = Math.max(free, to);
  }
  return found;
}
