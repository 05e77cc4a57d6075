-- Gives a live hold more time, never less, and never past the longest total.
--
-- KEYS  1 hold record   2 events
-- ARGV  1 hold id   2 API key's id   3 wanted lifetime from now, ms   4 longest lifetime from its creation, ms
--       5 how long a finished hold is remembered, ms
--
-- REPLY {MISSING} | {FOREIGN} | {LIMIT, the longest lifetime from now that may be asked for, ms}
--       {EXTENDED | CONFIRMING | BOOKED | RELEASED | EXPIRED, now ms, field, value, …}
local hold_id = ARGV[1]
local flat = redis.call('HGETALL', KEYS[1])
if #flat == 0 then
  return {'MISSING'}
end
local hold, now = hash_of(flat), now_ms()
if string.match(hold.owner, '^[^ ]*') ~= ARGV[2] then
  return {'FOREIGN'}
end
if hold.status ~= 'held' then
  return {string.upper(hold.status), now, unpack(flat)}
end
local claims = words(hold.claims)
local marks = read_marks(claims, 1, #claims)
for i = 1, #claims do
  if not marks[i] or mark_owner(marks[i]) ~= hold_id then
    return {'EXPIRED', now, unpack(flat)}
  end
end

local expires, latest = now + tonumber(ARGV[3]), tonumber(hold.created_ms) + tonumber(ARGV[4])
if expires > latest then
  return {'LIMIT', math.max(0, latest - now)}
end
if expires > tonumber(hold.expires_ms) then
  for _, key in ipairs(claims) do
    redis.call('PEXPIRE', key, expires - now)
  end
  redis.call('HSET', KEYS[1], 'expires_ms', expires, 'lifetime_ms', expires - tonumber(hold.created_ms))
  redis.call('PEXPIRE', KEYS[1], expires - now + tonumber(ARGV[5]))
  for _, quota in ipairs(words(hold.quotas)) do
    redis.call('ZADD', prefix_of(KEYS[1], hold_id) .. quota, 'XX', expires, hold_id)
  end
  publish(KEYS[2], 'hold', hold_id, hold, 'held', expires)
end
return {'EXTENDED', now, unpack(redis.call('HGETALL', KEYS[1]))}
