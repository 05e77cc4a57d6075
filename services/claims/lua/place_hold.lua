-- Claims the first of the candidate visits that is wholly free: all of its claims, or nothing.
-- Run twice with one hold id it answers the same: a client library may send a script again after a stalled reply.
--
-- KEYS  1 hold record   2 epoch   3 pins   4 events   5 the holder's quota   6 idempotency record   7.. claims
-- ARGV  1 state: held, or confirming (a direct booking: placed and begun in one step), or moving (a booking that exists is to
--         have these claims; its own marks are no obstacle, and stay)
--       2 hold id       3 epoch that the caller's catalogue was read under   4 lifetime, ms   5 remembered after its end, ms
--       6 owner: `key id`, or `key id` and the holder's digest, who may ask again   7 most live holds of this holder (0 = any)
--       8 fingerprint of the request ('' = no idempotency key)   9 idempotency record's lifetime, ms
--       10 confirm window, ms   11 key prefix   12 booking id (confirming, moving)   13 pin's backstop expiry, ms
--       14 property id   15 length   16 buffer before   17 buffer after   18 requested start, in ticks
--       19 this attempt's name: who meets it again in the record has sent the same call twice
--       20.. candidates, four each: technician id, start tick, index of the first property claim, of the first technician claim
--
-- REPLY {STALE, epoch}              the catalogue changed: nothing was done
--       {REUSED}                    the idempotency key belongs to another request
--       {REPLAY, field, value, …}   the first answer to this idempotency key
--       {OWN, field, value, …}      the same holder asked for the same slot, or the same hold id came again
--       {QUOTA, ms}                 the holder has too many; one ends in so many ms
--       {TAKEN, [key, mark, ttl ms] …}   what stands in the way at the requested start
--       {HELD, candidate, created ms, expires ms, cold, deadline ms}
--            cold = 1: Redis was lost, MongoDB has to be asked; so says the record, too, until it was (trust_hold)
--            deadline: of the pin, when confirming or moving, else 0
local state, hold_id, owner, fingerprint = ARGV[1], ARGV[2], ARGV[6], ARGV[8]
local prefix, length, before, after = ARGV[11], tonumber(ARGV[15]), tonumber(ARGV[16]), tonumber(ARGV[17])
local requested = ARGV[18]
local CLAIMS, CANDIDATES = 6, 19
local held, moving = state == 'held', state == 'moving'

local epoch = redis.call('GET', KEYS[2])
if epoch and epoch ~= ARGV[3] then
  return {'STALE', epoch}
end
if fingerprint ~= '' then
  local flat = redis.call('HGETALL', KEYS[6])
  local known = hash_of(flat)
  if known.fingerprint and known.fingerprint ~= fingerprint then
    return {'REUSED'}
  end
  -- A confirmation's key stands only as long as what it confirms is remembered; then MongoDB knows better.
  if known.status and (held or redis.call('EXISTS', KEYS[1]) == 1) then
    return {'REPLAY', unpack(flat)}
  end
end
local now = now_ms()
local again = redis.call('HGETALL', KEYS[1])
if #again > 0 then
  local record = hash_of(again)
  local over = record.status == 'released' or (record.status == 'held' and tonumber(record.expires_ms) <= now)
  if not over then
    return {'OWN', unpack(again)}
  end
end

local marks = read_marks(KEYS, CLAIMS + 1, #KEYS)
local candidates = {}
for at = CANDIDATES + 1, #ARGV, 4 do
  candidates[#candidates + 1] = {
    technician_id = ARGV[at], start = tonumber(ARGV[at + 1]),
    property_at = CLAIMS + tonumber(ARGV[at + 2]), technician_at = CLAIMS + tonumber(ARGV[at + 3]),
  }
end

-- The index of each candidate's claims, first to last, calling visit(index) for each; stops where it answers true.
local function each_claim(candidate, visit)
  for i = candidate.property_at, candidate.property_at + length - 1 do
    if visit(i) then return true end
  end
  for i = candidate.technician_at, candidate.technician_at + before + length + after - 1 do
    if visit(i) then return true end
  end
  return false
end

local function own_hold()
  local asked = {}
  for _, candidate in ipairs(candidates) do
    local mark = marks[candidate.property_at]
    local id = mark and mark_state(mark) ~= 'booked' and mark_owner(mark)
    if id and asked[id] == nil then
      local flat = redis.call('HGETALL', prefix .. 'hold:' .. id)
      asked[id] = {flat = flat, record = hash_of(flat)}
    end
    local hold = id and asked[id].record
    if hold and hold.owner == owner and hold.technician_id == candidate.technician_id
      and tonumber(hold.start) == candidate.start and (hold.requested == requested or hold.start == requested) and tonumber(hold['end']) == candidate.start + length
      and tonumber(hold.before) == before and tonumber(hold.after) == after then
      return asked[id].flat
    end
  end
end

if held and string.find(owner, ' ', 1, true) then
  local flat = own_hold()
  if flat then
    if fingerprint ~= '' then
      redis.call('HSET', KEYS[6], 'fingerprint', fingerprint, 'found', 1, unpack(flat))
      redis.call('PEXPIRE', KEYS[6], ARGV[9])
    end
    return {'OWN', unpack(flat)}
  end
end

local quota = tonumber(ARGV[7])
if quota > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now)
  if redis.call('ZCARD', KEYS[5]) >= quota then
    local first = redis.call('ZRANGE', KEYS[5], 0, 0, 'WITHSCORES')
    return {'QUOTA', tonumber(first[2]) - now}
  end
end

local function taken(i)
  local own = moving and marks[i] and mark_state(marks[i]) == 'booked' and mark_owner(marks[i]) == ARGV[12]
  return marks[i] and not own
end
local winner
for index, candidate in ipairs(candidates) do
  if not each_claim(candidate, taken) then
    winner = index
    break
  end
end

if not winner then
  local reply, named = {'TAKEN'}, {}
  for _, candidate in ipairs(candidates) do
    if tostring(candidate.start) == requested then
      local resource
      each_claim(candidate, function(i)
        resource = i < candidate.property_at + length and i >= candidate.property_at and 'property' or candidate.technician_id
        if taken(i) and not named[resource .. '|' .. mark_owner(marks[i])] then
          named[resource .. '|' .. mark_owner(marks[i])] = true
          reply[#reply + 1] = {KEYS[i], marks[i], redis.call('PTTL', KEYS[i])}
        end
      end)
    end
  end
  return reply
end

local chosen = candidates[winner]
local lifetime, remember = tonumber(ARGV[4]), tonumber(ARGV[5])
local expires = now + lifetime
local deadline = held and 0 or now + tonumber(ARGV[10])
local claims, claim_ttl = {}, held and lifetime or tonumber(ARGV[13])
local function claim(index, from, to)
  local mark = state .. '|' .. hold_id .. '|' .. from .. '|' .. to .. '|0'
  for i = index, index + (to - from) - 1 do
    redis.call('SET', KEYS[i], mark, 'NX', 'PX', claim_ttl)
    claims[#claims + 1] = KEYS[i]
  end
end
claim(chosen.property_at, chosen.start, chosen.start + length)
claim(chosen.technician_at, chosen.start - before, chosen.start + length + after)

local record = {
  'hold_id', hold_id, 'status', held and 'held' or 'confirming', 'owner', owner, 'property_id', ARGV[14], 'technician_id', chosen.technician_id,
  'start', chosen.start, 'end', chosen.start + length, 'before', before, 'after', after, 'requested', requested,
  'lifetime_ms', lifetime, 'created_ms', now, 'expires_ms', expires, 'booking_id', ARGV[12],
  'holder_key', quota > 0 and KEYS[5] or '', 'begun_ms', held and 0 or now,
  'idempotency_key', held and fingerprint ~= '' and KEYS[6] or '',
  'confirm_key', state == 'confirming' and fingerprint ~= '' and KEYS[6] or '',
  'direct', held and 0 or 1, 'moves', moving and 1 or 0, 'attempt', ARGV[19],
  'deadline_ms', deadline, 'cold', (not epoch and held) and 1 or 0,
}
redis.call('HSET', KEYS[1], 'claims', table.concat(claims, ' '), unpack(record))
redis.call('PEXPIRE', KEYS[1], math.max(lifetime, claim_ttl) + remember)
if fingerprint ~= '' then
  redis.call('HSET', KEYS[6], 'fingerprint', fingerprint, unpack(record))
  redis.call('PEXPIRE', KEYS[6], ARGV[9])
end
if quota > 0 then
  redis.call('ZADD', KEYS[5], expires, hold_id)
  redis.call('PEXPIRE', KEYS[5], 86400000)
end
if not held then
  redis.call('ZADD', KEYS[3], deadline, hold_id)
end
-- Of a move readers hear when it is made: a slot that is pinned for a blink is no news of theirs.
if not moving then
  publish(KEYS[4], 'hold', hold_id, hash_of(record), 'held', expires)
end
return {'HELD', winner, now, expires, epoch and 0 or 1, deadline}
