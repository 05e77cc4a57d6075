-- Claims the visit of the first choice that can be had: all of its claims, or none. A choice is a start; at this start
-- the property and its units have to be free, and as many of the technicians as are needed. It checks everything and
-- then writes everything. A second run with the same hold id gives the same answer, because a client library may send a
-- script again after a stalled reply.
--
-- KEYS  1 hold record   2 epoch   3 pins   4 events   5 idempotency record
-- ARGV  1 a JSON object:
--         state        held | confirming (a direct booking: held and begun in one step)
--                      | moving (a booking moves here; its own marks do not stand in its way, and stay)
--         epoch        the epoch under which the caller read the catalogue, '' = none
--         prefix       of every key of this org
--         limits       {word: most}: how many live holds each set that the hold counts in may have, by the policy's word;
--                      a set without a limit has any number
--         daily        most bookings of the client address on a UTC day, if a direct booking is counted; 0 = it is not
--         fingerprint  of the request, '' = it has no idempotency key
--         replaces     a live hold of the same owner that is let go if this one is granted, '' = none. It stands in no way
--         hold_id      the name under which the claims will stand
--         property_id, units, length, before, after, needed
--                      of every visit: its property; the units of that if it is a building, left out = none; its own
--                      ticks and those of travel around it; and how many technicians come
--         day          [from, to): the ticks of the local date of the requested start. Left out where no choice has more
--                      technicians than are needed
--         requested    the start tick that the client asked for
--         lifetime_ms  of the hold
--         key_kept_ms, window_ms, backstop_ms
--                      how long an idempotency key is kept, a confirmation may take, and a pin lasts that nothing
--                      resolves
--         record       the fields of the hold's record that are known before, see holds.lua: owner (`key id`, or `key id`
--                      and the holder's digest: only the latter may ask again), attempt, source, remembered_ms (how
--                      long after its end); and where there are any booking_id, direct, moves, override, service_id,
--                      address (the digest of the client's, left out = it does not count)
--         swaps_with   the booking with which a booking that moves here swaps: its marks stay too, and stand in no way; left
--                      out = none
--         choices      [[start tick, [technician id, …], [id of a barred one, …] or left out], …], in the order to try.
--                      Of several technicians who are free come those of whom the fewest visits begin on that day, and
--                      among these the first. A barred one does not come to a new visit, but a holder may have that
--                      technician already, and what stands in the way is reported
--
-- REPLY {STALE, epoch}                the catalogue changed: nothing is done
--       {REUSED}                      the idempotency key belongs to another request
--       {REPLAY, hold id, field, value, …}
--                                     the first answer to this idempotency key; with the time of this call as `now_ms`
--       {OWN, hold id, field, value, …}
--                                     the same holder has this very slot, or this hold id was here before; as in REPLAY
--       {KEPT, why}                   the hold to be replaced cannot be: MISSING, FOREIGN, CONFIRMING, BOOKED, RELEASED,
--                                     EXPIRED; COLD: Redis was lost, and the caller, who names an epoch, has not asked
--                                     MongoDB before
--       {FULL, word, most, ms}        this limit is reached, at so many; the first of what counts ends in so many ms
--       {TAKEN, cold, [resource, mark, [field, value, …] | holder's digest, from, to, ttl ms]…}
--                                     what stands in the way at the requested start: with the record of a hold, or the holder
--                                     of a booking ('' = none is known), and the span that it has on the resource
--       {HELD, cold, field, value, …} the new hold. The record of a hold says whether it is cold too, until MongoDB was
--                                     asked (trust_hold)
--            cold = 1: Redis was lost, so MongoDB has to be asked, and the catalogue may have changed
--
-- place_asking, place_reading, place_choosing, place_own, place_refusing and place_granting stand before this text and
-- have its steps.
if epoch and epoch ~= ask.epoch then
  return {'STALE', epoch}
end
local answered = earlier_answer()
if answered then
  return answered
end
local marks, names = read_all()
local own, flat = own_hold(marks)
local kept = replaced and why_kept(replaced, record.owner, epoch or ask.epoch == '', now)
if own then
  if replaced and not kept and own ~= ask.replaces then
    let_replaced_go(own)
  end
  remember_answer(own, 'found', 1, unpack(flat))
  return {'OWN', own, 'now_ms', now, unpack(flat)}
end
if kept then
  return {'KEPT', kept}
end
local full = full_quota()
if full then
  return full
end
local chosen = first_free(marks)
return chosen and grant(marks, names, chosen) or obstacles(marks, names)
