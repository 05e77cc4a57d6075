-- Gives a live hold more time, never less, and never past the longest total.
--
-- KEYS  1 hold record   2 events
-- ARGV  1 hold id   2 API key's id   3 wanted lifetime from now, ms   4 longest lifetime from its creation, ms
--
-- REPLY {MISSING} | {FOREIGN} | {LIMIT, the longest lifetime from now that may be asked for, ms}
--       {EXTENDED | CONFIRMING | BOOKED | RELEASED | EXPIRED, now ms, field, value, …}
local hold_id = ARGV[1]
local flat = redis.call('HGETALL', KEYS[1])
if #flat == 0 then
  return {'MISSING'}
end
local hold, now, prefix = hash_of(flat), now_ms(), prefix_of(KEYS[1], hold_id)
if key_of(hold.owner) ~= ARGV[2] then
  return {'FOREIGN'}
end
if hold.status ~= 'held' then
  return {string.upper(hold.status), now, unpack(flat)}
end
local spans = spans_in(hold.spans)
local keys, whole = own_claims(prefix, spans, hold_id)
if not whole then
  return {'EXPIRED', now, unpack(flat)}
end

local expires, latest = now + tonumber(ARGV[3]), tonumber(hold.created_ms) + tonumber(ARGV[4])
if expires > latest then
  return {'LIMIT', math.max(0, latest - now)}
end
if expires > tonumber(hold.expires_ms) then
  local remembered = expires - now + tonumber(hold.remembered_ms)
  renew_claims(prefix, spans, keys, hold_id, 'h|' .. hold_id, expires, now)
  redis.call('HSET', KEYS[1], 'expires_ms', expires)
  redis.call('PEXPIRE', KEYS[1], remembered)
  keep_short_key(prefix, hold, remembered)
  for _, quota in ipairs(quotas_of(hold)) do
    redis.call('ZADD', prefix .. quota[1], 'XX', expires, hold_id)
  end
  publish(KEYS[2], 'hold', hold_id, spans, 'held', expires, 'source', hold.source)
end
return {'EXTENDED', now, unpack(redis.call('HGETALL', KEYS[1]))}
