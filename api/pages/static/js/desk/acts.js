// What the desk does to visits. Each act says what it did, and can be undone for a minute.

import { Problem, query, secret } from "../api.js";
import { iso, local, shortDate } from "../dates.js";
import { word } from "../words.js";

const NEAR = 3;

/** The acts of a desk. desk: see main. */
export function makeActs(desk) {
  const { api } = desk;
  const when = (ms) => `${shortDate(local(ms, desk.model.zone).date)} ${local(ms, desk.model.zone).time}`;
  const name = (visit) => visit.customer?.name ?? desk.placeName(visit.property_id);

  /** Sends a change of the version that is on the screen, and takes in what came of it. */
  async function change(visit, fields) {
    const headers = { "If-Match": `"${visit.version}"` };
    const booking = await api.patch(`/bookings/${visit.booking_id}`, { body: fields, headers });
    desk.take(booking);
    return booking;
  }

  async function act(visit, action, body = {}) {
    const booking = await api.post(`/bookings/${visit.booking_id}/${action}`, { body, key: secret() });
    desk.take(booking);
    return booking;
  }

  /** Says why something was not done, with what can be done instead. */
  async function refused(error, visit, fields) {
    if (!(error instanceof Problem)) return desk.tell(word("connection.no_answer"));
    if (error.code === "version_conflict") return desk.differ(visit, fields);
    const around = error.status === 409 && visit.property_id ? await near(visit, fields).catch(() => []) : [];
    desk.tell(`${error.message} ${blame(error)}`.trim(), around);
  }

  function blame(error) {
    const names = (error.body.conflicts ?? []).map((each) => {
      const other = each.booking_id && desk.model.find("visit", each.booking_id);
      return other && word("desk.is_at", { who: name(other), time: local(other.startMs, desk.model.zone).time });
    });
    return [...new Set(names.filter(Boolean))].join(" ");
  }

  /** Three free times on that day, near the one that was asked for. */
  async function near(visit, fields) {
    const wished = Date.parse(fields.start ?? visit.start);
    const path = query("/availability", {
      property_id: fields.property_id ?? visit.property_id, from: local(wished, desk.model.zone).date, days: 1,
      except_booking_id: visit.booking_id, duration_minutes: visit.duration_minutes,
    });
    const { slots } = await api.get(path);
    const free = slots.filter((each) => each.state === "free").map((each) => ({ ms: Date.parse(each.start), ids: each.technician_ids }));
    free.sort((a, b) => Math.abs(a.ms - wished) - Math.abs(b.ms - wished));
    return free.slice(0, NEAR).map(({ ms, ids }) => {
      const id = ids.includes(visit.technician_id) ? visit.technician_id : ids[0];
      const text = `${local(ms, desk.model.zone).time} ${desk.technicianName(id)}`;
      return { text, run: () => acts.edit(visit, { start: iso(ms), ...who(visit, visit.technician_id, id) }) };
    });
  }

  /** The technicians of a visit with one in the place of another. */
  function who(visit, from, to) {
    if (from === to) return {};
    const crew = visit.technician_ids.map((each) => (each === from ? to : each));
    return crew.length > 1 ? { technician_ids: crew } : { technician_id: to };
  }

  const acts = {
    async move(visit, from, to, startMs, override) {
      const fields = { ...(startMs === visit.startMs ? {} : { start: iso(startMs) }), ...who(visit, from, to) };
      await acts.edit(visit, override.length ? { ...fields, override } : fields);
    },
    /** Changes fields of a visit. */
    async edit(visit, fields) {
      const names = Object.keys(fields).filter((each) => each !== "override");
      const before = Object.fromEntries(names.map((each) => [each, visit[each] ?? null]));
      try {
        const changed = await change(visit, fields);
        const moved = names.some((each) => ["start", "technician_id", "technician_ids", "property_id"].includes(each));
        const text = word(moved ? "desk.moved" : "desk.edited", { who: name(changed), when: when(Date.parse(changed.start)) });
        const all = [...(fields.override ?? []), "horizon", "lead_time"].filter((each, at, list) => list.indexOf(each) === at);
        desk.did(text, () => change(changed, moved ? { ...before, override: all } : before));
        return true;
      } catch (error) {
        await refused(error, visit, fields);
        return error;
      }
    },
    async end(visit, action, reason) {
      try {
        const changed = await act(visit, action, reason ? { reason } : {});
        const undo = ["cancel", "complete", "no-show"].includes(action) && visit.status === "confirmed" ? () => act(visit, "restore") : null;
        desk.did(word(`desk.did_${action.replace("-", "_")}`, { who: name(changed), when: when(Date.parse(changed.start)) }), undo);
      } catch (error) {
        await refused(error, visit, {});
      }
    },
    /** Books or reserves. The faults of the form, or the Problem; nothing if it is done. */
    async book(fields, key) {
      try {
        const path = fields.reserved_by ? "/reserve" : "/book";
        const booking = await api.post(path, { body: { ...fields, suggest: NEAR }, key });
        desk.take(booking);
        desk.did(word("desk.booked", { who: name(booking), when: when(Date.parse(booking.start)) }), () => act(booking, "cancel"));
        return null;
      } catch (error) {
        if (error instanceof Problem) return error;
        desk.tell(word("connection.no_answer"));
        return error;
      }
    },
    async release(hold) {
      try {
        await api.remove(`/hold/${hold.hold_id}`);
        desk.forget(hold);
        desk.tell(word("desk.released"));
      } catch (error) {
        desk.tell(error.message);
      }
    },
  };
  return acts;
}
