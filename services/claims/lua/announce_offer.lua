-- Publishes that a hold is offered to a waitlist entry, once for each hold, and says what became of the hold by now.
-- The hold's record notes the announcement, so that a relay that finishes a dead relay's work publishes nothing twice.
--
-- KEYS  1 hold record   2 events
-- ARGV  1 waitlist id   2 hold id
--
-- REPLY {MISSING}   Redis remembers no such hold
--       {ANNOUNCED | AGAIN, field, value, …}  the hold is live, and its offer is published now | was published before
--       {COLD, field, value, …}               it is live, but MongoDB was not asked yet whether its slot is booked:
--                                             nothing is published
--       {CONFIRMING | BOOKED | RELEASED | EXPIRED, field, value, …}   nothing is published any more
local flat = redis.call('HGETALL', KEYS[1])
if #flat == 0 then
  return {'MISSING'}
end
local hold = hash_of(flat)
if hold.status ~= 'held' then
  return {string.upper(hold.status), unpack(flat)}
end
if tonumber(hold.expires_ms) <= now_ms() then
  return {'EXPIRED', unpack(flat)}
end
if hold.cold == '1' then
  return {'COLD', unpack(flat)}
end
if hold.announced == '1' then
  return {'AGAIN', unpack(flat)}
end

redis.call('HSET', KEYS[1], 'announced', 1)
publish(KEYS[2], 'waitlist.offered', ARGV[1], spans_in(hold.spans), 'held', hold.expires_ms, 'hold_id', ARGV[2])
return {'ANNOUNCED', unpack(flat)}
