-- Takes a confirmation back of which MongoDB definitely has no booking. The hold lives on if its time is not over and
-- its claims are its own; else it is released. Callers must not run it while the outcome is unknown.
-- It also gives back what is left of a move's claims after the move was made or refused.
--
-- KEYS  1 hold record   2 pins   3 events
-- ARGV  1 hold id   2 how long a finished hold is remembered, ms   3 restore: 1 = a live hold goes back to held,
--       0 = release it   4 deadline of the attempt that is taken back, ms. A pin with another deadline belongs to a
--       later attempt and stays
--
-- REPLY {HELD} | {RELEASED} | {UNTOUCHED}
local hold_id, remember = ARGV[1], tonumber(ARGV[2])
local hold, now = hash_of(redis.call('HGETALL', KEYS[1])), now_ms()
local deadline = redis.call('ZSCORE', KEYS[2], hold_id)

if not deadline or tonumber(deadline) ~= tonumber(ARGV[4]) then
  return {'UNTOUCHED'}
end
if hold.status ~= 'confirming' then
  redis.call('ZREM', KEYS[2], hold_id)
  return {'UNTOUCHED'}
end
if hold.confirm_key and hold.confirm_key ~= '' then
  redis.call('DEL', hold.confirm_key)
end
uncount_booking(prefix_of(KEYS[1], hold_id), hold.counter)

local claims = words(hold.claims)
local marks = read_marks(claims, 1, #claims)
local whole = true
for i = 1, #claims do
  whole = whole and marks[i] and mark_owner(marks[i]) == hold_id
end
local left = tonumber(hold.expires_ms) - now
if ARGV[3] == '1' and whole and left > 0 and hold.direct ~= '1' then
  for i, key in ipairs(claims) do
    redis.call('SET', key, mark_in_state(marks[i], 'held'), 'PX', left)
  end
  redis.call('HSET', KEYS[1], 'status', 'held', 'begun_ms', 0, 'confirm_key', '', 'counter', '')
  redis.call('PEXPIRE', KEYS[1], left + remember)
  redis.call('ZREM', KEYS[2], hold_id)
  return {'HELD'}
end
drop_claims(claims, hold_id)
-- A hold whose time ran out during its confirmation has expired; it was not released.
local expired = ARGV[3] == '1' and hold.direct ~= '1' and left <= 0
close_hold(KEYS[1], hold, KEYS[2], hold_id, expired and 'held' or 'released', remember)
if hold.moves ~= '1' then
  publish(KEYS[3], 'release', hold_id, hold, 'free')
end
return {'RELEASED'}
