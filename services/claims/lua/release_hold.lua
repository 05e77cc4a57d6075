-- Lets a hold go. Its owner may do that, and staff may; the record keeps which API key did it.
--
-- KEYS  1 hold record   2 pins   3 events
-- ARGV  1 hold id   2 API key's id   3 staff: 1 or 0
--       4 forget: 1 = as if the hold had never been granted, because its slot is booked
--
-- REPLY {MISSING} | {FOREIGN} | {RELEASED} (now, before, or it had expired) | {CONFIRMING} | {BOOKED}
local hold_id = ARGV[1]
local flat = redis.call('HGETALL', KEYS[1])
if #flat == 0 then
  return {'MISSING'}
end
local hold, prefix = hash_of(flat), prefix_of(KEYS[1], hold_id)
if key_of(hold.owner) ~= ARGV[2] and ARGV[3] ~= '1' then
  return {'FOREIGN'}
end
if hold.status == 'confirming' or hold.status == 'booked' then
  return {string.upper(hold.status)}
end
if hold.status == 'held' and tonumber(hold.expires_ms) > now_ms() then
  let_go(prefix, KEYS[2], KEYS[3], hold_id, hold, ARGV[2], '')
end
if ARGV[4] == '1' then
  redis.call('DEL', KEYS[1])
  if hold.idempotency_key then
    redis.call('DEL', prefix .. hold.idempotency_key)
  end
end
return {'RELEASED'}
