-- Lets a reservation's marks stand while it is being confirmed, so that no other request gets the slot meanwhile. It
-- goes by Redis' clock, which also ends the marks: after the deadline there is nothing left to keep.
--
-- KEYS  1.. claims
-- ARGV  1 booking id   2 deadline of the reservation, ms   3 how long a request may take, ms
--
-- REPLY {KEPT} | {OVER}
local now, needed = now_ms(), tonumber(ARGV[3])
if now >= tonumber(ARGV[2]) then
  return {'OVER'}
end
for i, mark in ipairs(read_marks(KEYS, 1, #KEYS)) do
  if mark and mark_owner(mark) == ARGV[1] and redis.call('PTTL', KEYS[i]) < needed then
    redis.call('PEXPIRE', KEYS[i], needed)
  end
end
return {'KEPT'}
