// What the desk knows: technicians, visits and holds of some days, and how events change them. It draws nothing.

const SHOWN = new Set(["pending", "confirmed", "completed", "no_show"]);
const MINUTE = 60_000;

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

/** The state of a board. clock: the server's. */
export function makeModel(clock) {
  let technicians = [];
  let zone = "UTC";
  const visits = new Map();
  const holds = new Map();

  return {
    /** Takes a whole board in place of what was known. */
    load(board) {
      const byName = (a, b) => a.name.localeCompare(b.name, "en");
      technicians = [...board.technicians].sort(byName).map((each) => ({
        ...each, closed: each.closed.map(({ start, end }) => ({ from: Date.parse(start), to: Date.parse(end) })),
      }));
      zone = board.timezone;
      visits.clear();
      holds.clear();
      for (const each of board.visits) this.put(each);
      for (const each of board.holds) holds.set(each.ref, placed(each, "hold", each.ref));
    },
    /** Takes one booking, unless a newer version is known. False if nothing changed. */
    put(booking) {
      const known = visits.get(booking.booking_id);
      if (known && known.version > booking.version) return false;
      visits.set(booking.booking_id, placed(booking, "visit", booking.booking_id));
      return true;
    },
    /** The version of a booking that is known; 0 for none. */
    version: (id) => visits.get(id)?.version ?? 0,
    /** Takes an event about a hold. */
    hear(kind, event) {
      if (kind === "hold") {
        const travel = { buffer_before_minutes: 0, buffer_after_minutes: 0 };
        if (event.replaces) holds.delete(event.replaces);
        holds.set(event.ref, placed({ ...travel, ...event }, "hold", event.ref));
      } else if (kind === "release") holds.delete(event.ref);
      else if (event.replaces) holds.delete(event.replaces);
    },
    /** Forgets holds that ran out. True if there were some. */
    expire() {
      const over = [...holds.values()].filter((each) => each.deadline <= clock.now());
      for (const each of over) holds.delete(each.id);
      return over.length > 0;
    },
    get technicians() { return technicians; },
    get zone() { return zone; },
    find: (kind, id) => (kind === "hold" ? holds : visits).get(id),
    /** What is drawn, by start. */
    entries() {
      const live = [...visits.values()].filter((each) => SHOWN.has(each.status));
      return [...live, ...holds.values()].sort((a, b) => a.startMs - b.startMs);
    },
    /** What is in one technician's column. */
    column(id) {
      return this.entries().filter((each) => each.technician_ids.includes(id));
    },
    /** What stands in the way of a visit there and then: {kind: "free" | "taken" | "closed", other?}. */
    verdict(visit, technicianId, startMs) {
      const shift = startMs - visit.startMs;
      const [start, end] = [startMs, visit.endMs + shift];
      const [from, to] = [visit.from + shift, visit.to + shift];
      for (const other of this.entries()) {
        if (other.kind === visit.kind && other.id === visit.id) continue;
        const here = other.technician_ids.includes(technicianId) && other.from < to && from < other.to;
        const there = other.property_id === visit.property_id && other.startMs < end && start < other.endMs;
        if (here || there) return { kind: "taken", other };
      }
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
