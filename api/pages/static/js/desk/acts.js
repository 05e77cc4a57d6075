// What the desk does to visits. Each act says what it did, and can be undone for a minute; what was refused says what is in
// the way, with free times near by.

import { NoAnswer, Problem, query, secret } from "../api.js";
import { iso, local, shortDate } from "../dates.js";
import { customerOf } from "../form.js";
import { word } from "../words.js";

const NEAR = 3;
const AWAY = ["horizon", "lead_time"];
/** Refusals where another time or another technician helps. */
const ELSEWHERE = new Set(["slot_booked", "slot_held", "technician_unavailable", "technician_not_eligible", "outside_working_hours", "too_soon", "too_far_ahead"]);

/** The acts of a desk. desk: see main. */
export function makeActs(desk) {
  const { api, names } = desk;
  const clock = (ms) => local(ms, desk.model.zone).time;
  const when = (ms) => `${shortDate(local(ms, desk.model.zone).date)} ${clock(ms)}`;
  const about = (booking) => ({ who: names.customer(booking), when: when(Date.parse(booking.start)) });

  /** Whether a visit still has its place. */
  const isOpen = (visit) => ["pending", "confirmed"].includes(desk.model.find("visit", visit.id)?.status);

  /** Sends a change of the version that is on the screen, and takes in what came of it. */
  async function change(visit, fields) {
    const booking = await api.patch(`/bookings/${visit.booking_id}`, { body: fields, headers: { "If-Match": `"${visit.version}"` } });
    desk.reading.take(booking);
    return booking;
  }

  async function act(visit, action, body = {}) {
    const booking = await api.post(`/bookings/${visit.booking_id}/${action}`, { body, key: secret() });
    desk.reading.take(booking);
    return booking;
  }

  /** Does a thing; what is refused is said. True if it was done. */
  async function attempt(run, visit, fields, go) {
    try {
      await run();
      return true;
    } catch (error) {
      await refused(error, visit, fields, go);
      return error;
    }
  }

  /** Says why something was not done. go(fields): takes one of the free times. */
  async function refused(error, visit, fields, go) {
    if (!(error instanceof Problem || error instanceof NoAnswer)) throw error;
    if (desk.session.endedBy(error)) return;
    const choices = ELSEWHERE.has(error.code) ? await acts.near(visit, fields, go) : [];
    desk.said.tell(`${desk.session.sentence(error)} ${await acts.blame(error)}`.trim(), choices);
    if (error.code === "version_conflict") await desk.panels.differ(visit, fields);
  }

  /** The fields that say who comes, where that is another crew than before. */
  function whoComes(visit, crew) {
    if (crew.join() === visit.technician_ids.join()) return {};
    return crew.length > 1 || visit.technician_ids.length > 1 ? { technician_ids: crew } : { technician_id: crew[0] };
  }

  /** Books the same visit anew, there and then. */
  const rebook = (visit) => async (chosen) => {
    const { property_id, service_id, description, internal_note, start, technician_ids } = visit;
    const fields = { property_id, service_id, description, internal_note, start, customer: customerOf(visit.customer), ...(chosen.technician_id ? {} : { technician_ids }), ...chosen };
    const error = await acts.book(Object.fromEntries(Object.entries(fields).filter(([, value]) => value)), secret());
    if (error) desk.said.tell(desk.session.sentence(error));
  };

  const acts = {
    /** Three free times on the day that was wished, near that time: choices for `said.tell`. go(fields): takes one. */
    async near(visit, fields, go = (chosen) => acts.edit(visit, chosen)) {
      const start = Date.parse(fields.start ?? visit.start);
      const wished = fields.technician_ids ?? (fields.technician_id ? [fields.technician_id] : visit.technician_ids);
      const path = query("/availability", {
        property_id: fields.property_id ?? visit.property_id, from: local(start, desk.model.zone).date, days: 1, technicians: wished.length > 1 ? wished.length : null,
        except_booking_id: visit.booking_id, duration_minutes: (visit.endMs - visit.startMs) / 60_000,
      });
      const { slots } = await api.get(path).catch(() => ({ slots: [] }));
      const free = slots.filter((each) => each.state === "free").map((each) => ({ ms: Date.parse(each.start), ids: each.technician_ids }));
      free.sort((a, b) => Math.abs(a.ms - start) - Math.abs(b.ms - start));
      const choices = free.map(({ ms, ids }) => {
        const crew = [...new Set([...wished, ...visit.technician_ids, ...ids])].filter((id) => ids.includes(id)).slice(0, wished.length);
        return { text: `${clock(ms)} ${names.technicians(crew)}`, fields: { ...(ms === visit.startMs ? {} : { start: iso(ms) }), ...whoComes(visit, crew) } };
      });
      const others = choices.filter((each) => !isOpen(visit) || Object.keys(each.fields).length > 0);
      return others.slice(0, NEAR).map((each) => ({ text: each.text, run: () => go(each.fields) }));
    },
    /** Names what is in the way. */
    async blame(error) {
      const others = (error.body?.conflicts ?? []).map(async (each) => {
        const seen = each.booking_id && desk.model.find("visit", each.booking_id);
        const known = seen?.customer ? seen : each.booking_id && await api.get(`/bookings/${each.booking_id}`).catch(() => null);
        if (known?.customer) return word("desk.is_at", { who: names.customer(known), time: clock(Date.parse(known.start)) });
        return each.state === "held" ? word("desk.is_held", { time: clock(Date.parse(each.start)) }) : null;
      });
      return [...new Set((await Promise.all(others)).filter(Boolean))].join(" ");
    },
    /** The fields of a move to another time, or of one technician's part to another. */
    moved(visit, from, to, startMs) {
      const crew = visit.technician_ids.map((each) => (each === from ? to : each));
      return { ...(startMs === visit.startMs ? {} : { start: iso(startMs) }), ...whoComes(visit, crew) };
    },
    /** Says that a visit cannot go there, and what is free near by. anyway: further choices. */
    async stays(visit, fields, why, anyway) {
      desk.said.tell(word("desk.not_moved", { why }), anyway);
      const choices = await acts.near(visit, fields);
      if (choices.length) desk.said.tell(word("desk.not_moved_but", { why }), [...choices, ...anyway]);
    },
    /** Changes fields of a visit. True, or the error. */
    edit(visit, fields) {
      const changed = Object.keys(fields).filter((each) => each !== "override");
      const before = Object.fromEntries(changed.map((each) => [each, each === "customer" ? customerOf(visit.customer) : visit[each] ?? null]));
      const isMove = changed.some((each) => ["start", "technician_id", "technician_ids", "property_id"].includes(each));
      const back = isMove ? { ...before, override: [...new Set([...(fields.override ?? []), ...AWAY])] } : before;
      return attempt(async () => {
        const booking = await change(visit, fields);
        const now = desk.model.find("visit", visit.booking_id) ?? booking;
        desk.said.did(word(isMove ? "desk.moved" : "desk.edited", about(booking)), async () => await attempt(() => change(now, back), now, back) === true);
      }, visit, fields);
    },
    async end(visit, action, reason) {
      await attempt(async () => {
        const booking = await act(visit, action, reason ? { reason } : {});
        const canUndo = ["cancel", "complete", "no-show"].includes(action) && visit.status === "confirmed";
        const undo = async () => await attempt(() => act(visit, "restore"), visit, {}, rebook(visit)) === true;
        desk.said.did(word(`desk.did_${action.replace("-", "_")}`, about(booking)), canUndo ? undo : null);
      }, visit, {}, rebook(visit));
    },
    /** Books or reserves. Nothing if it is done, else the error. */
    async book(fields, key) {
      try {
        const booking = await api.post(fields.reserved_by ? "/reserve" : "/book", { body: { ...fields, suggest: NEAR }, key });
        await names.need([booking.property_id]);
        desk.reading.take(booking);
        desk.said.did(word("desk.booked", about(booking)), async () => await attempt(() => act(booking, "cancel"), booking, {}) === true);
        return null;
      } catch (error) {
        if (!(error instanceof Problem)) desk.said.tell(word("connection.no_answer"));
        else desk.session.endedBy(error);
        return error;
      }
    },
    async release(hold) {
      await attempt(async () => {
        await api.remove(`/hold/${hold.hold_id}`);
        desk.model.forgetHold(hold.id);
        desk.panels.close();
        desk.reading.flush();
        desk.said.tell(word("desk.released"));
      }, hold, {});
    },
  };
  return acts;
}
