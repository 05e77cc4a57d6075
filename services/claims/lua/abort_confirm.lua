-- Takes a confirmation back of which MongoDB definitely has no booking. The hold lives on if its time is not over and
-- its claims are its own; else it is released. Callers must not run it while the outcome is unknown.
-- It also gives back what is left of a move's claims after the move was made or refused.
--
-- KEYS  1 hold record   2 pins   3 events
-- ARGV  1 hold id   2 restore: 1 = a live hold goes back to held, 0 = release it
--       3 deadline of the attempt that is taken back, ms. A pin with another deadline belongs to a later attempt and
--       stays
--
-- REPLY {HELD} | {RELEASED} | {UNTOUCHED}
local hold_id, restore = ARGV[1], ARGV[2] == '1'
local hold, now = hash_of(redis.call('HGETALL', KEYS[1])), now_ms()
local deadline = redis.call('ZSCORE', KEYS[2], hold_id)

if not deadline or tonumber(deadline) ~= tonumber(ARGV[3]) then
  return {'UNTOUCHED'}
end
if hold.status ~= 'confirming' then
  redis.call('ZREM', KEYS[2], hold_id)
  return {'UNTOUCHED'}
end
local prefix, spans = prefix_of(KEYS[1], hold_id), spans_in(hold.spans)
if hold.confirm_key then
  redis.call('DEL', prefix .. hold.confirm_key)
end
uncount_booking(prefix, hold.counter)

local keys, whole = own_claims(prefix, spans, hold_id)
local left = tonumber(hold.expires_ms) - now
if restore and whole and left > 0 and not hold.direct then
  renew_claims(prefix, spans, keys, hold_id, 'h|' .. hold_id, now + left, now)
  redis.call('HSET', KEYS[1], 'status', 'held')
  redis.call('HDEL', KEYS[1], 'begun_ms', 'confirm_key', 'counter')
  redis.call('PEXPIRE', KEYS[1], left + tonumber(hold.remembered_ms))
  redis.call('ZREM', KEYS[2], hold_id)
  return {'HELD'}
end
drop_claims(prefix, spans, hold_id)
-- A hold whose time ran out during its confirmation has expired; it was not released.
local expired = restore and not hold.direct and left <= 0
close_hold(prefix, hold, KEYS[2], hold_id, hold.remembered_ms, 'status', expired and 'held' or 'released')
if not hold.moves then
  -- No event came before that of a direct booking's pin, so no client has anything to release.
  publish(KEYS[3], hold.direct and 'unpin' or 'release', hold_id, spans, 'free', nil, 'source', hold.source)
end
return {'RELEASED'}
