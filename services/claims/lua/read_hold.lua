-- Reads a hold as it is now by Redis' clock, which also ends its claims.
--
-- KEYS  1 hold record
--
-- REPLY {MISSING} | {FOUND, field, value, …}, with the time of this read as `read_ms`
local flat = redis.call('HGETALL', KEYS[1])
if #flat == 0 then
  return {'MISSING'}
end
flat[#flat + 1] = 'read_ms'
flat[#flat + 1] = now_ms()
return {'FOUND', unpack(flat)}
