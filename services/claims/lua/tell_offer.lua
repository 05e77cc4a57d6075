-- Tells that a hold is offered to somebody on the waitlist, once for each hold, and what became of that hold by now.
-- The hold's record remembers that it was told, so that whoever finishes a dead relay's work tells nothing twice.
--
-- KEYS  1 hold record   2 events
-- ARGV  1 waitlist id   2 hold id
--
-- REPLY {MISSING}   no such hold is remembered
--       {TOLD, field, value, …}    the hold is live and was offered just now
--       {AGAIN, field, value, …}   it is live and was offered before
--       {COLD, field, value, …}    it is live, but nobody has asked MongoDB yet whether its slot is booked: nothing is told
--       {CONFIRMING | BOOKED | RELEASED | EXPIRED, field, value, …}   nothing is told any more
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
if hold.told == '1' then
  return {'AGAIN', unpack(flat)}
end

redis.call('HSET', KEYS[1], 'told', 1)
redis.call('XADD', KEYS[2], 'MAXLEN', '~', '10000', '*', 'kind', 'waitlist.offered', 'id', ARGV[1], 'hold_id', ARGV[2],
  'property_id', hold.property_id, 'technician_id', hold.technician_id, 'start', hold.start, 'end', hold['end'],
  'state', 'held', 'expires_ms', hold.expires_ms)
return {'TOLD', unpack(flat)}
