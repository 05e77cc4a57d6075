// The visitor's hold: placing one, keeping it longer, and the time that is left by the server's clock.

import { Problem, secret } from "./api.js";

const GONE = new Set(["hold_expired", "hold_released", "hold_not_found", "invalid_transition"]);
const SUGGESTED = 3;

/** A hold as the page uses it: the reply, with its times in milliseconds. */
export function heldAs(reply) {
  const margin = (reply.buffer_before_minutes + reply.buffer_after_minutes) * 60_000;
  return { ...reply, startMs: Date.parse(reply.start), endMs: Date.parse(reply.end), deadline: Date.parse(reply.expires_at), margin };
}

/** The part of a hold that `shapeWeek` takes. */
export const spanOf = (hold) => hold && { start: hold.startMs, end: hold.endMs, margin: hold.margin };

/** Holds of one browser. holder: its secret. */
export function makeHolding(api, holder) {
  return {
    /** Holds a slot in place of `old`, if that is still there. Throws the Problem of a refusal. */
    async place(wish, old) {
      const body = { ...wish, holder, suggest: SUGGESTED };
      try {
        return heldAs(await api.post("/hold", { body: old ? { ...body, replaces: old.hold_id } : body, key: secret() }));
      } catch (error) {
        if (!(old && error instanceof Problem && GONE.has(error.code))) throw error;
        return heldAs(await api.post("/hold", { body, key: secret() }));
      }
    },
    /** Keeps it for as long again, as far as the policy allows. */
    extend: async (hold, seconds) =>
      heldAs(await api.post(`/hold/${hold.hold_id}/extend`, { body: { ttl_seconds: seconds }, key: secret() })),
    release: (hold) => api.remove(`/hold/${hold.hold_id}`).catch(() => {}),
    /** What became of it: the reply, or null where it is forgotten. */
    async look(hold) {
      try {
        return await api.get(`/hold/${hold.hold_id}`);
      } catch (error) {
        if (error instanceof Problem && error.status === 404) return null;
        throw error;
      }
    },
  };
}

/** "4:32" */
export function clockText(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
