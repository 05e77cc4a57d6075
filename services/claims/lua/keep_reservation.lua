-- Lets a reservation's marks stand while it is being confirmed, so that no other request gets the slot meanwhile. It
-- goes by Redis' clock, which also ends the marks: after the deadline there is nothing left to keep.
--
-- KEYS  1 mirrored booking
-- ARGV  1 booking id   2 deadline of the reservation, ms   3 how long a request may take, ms   4 the org's prefix
--
-- REPLY {KEPT} | {OVER}
local booking_id, prefix = ARGV[1], ARGV[4]
local now, needed = now_ms(), tonumber(ARGV[3])
if now >= tonumber(ARGV[2]) then
  return {'OVER'}
end
local spans, soon = spans_in(redis.call('HGET', KEYS[1], 'spans')), false
local keys = claim_keys(prefix, spans)
for i, mark in ipairs(read_marks(keys)) do
  if mark and mark_owner(mark) == booking_id and redis.call('PTTL', keys[i]) < needed then
    redis.call('PEXPIREAT', keys[i], now + needed)
    soon = true
  end
end
if soon then
  change_shown(prefix, spans, booking_id, nil, now + needed, now)
end
return {'KEPT'}
