-- Begins to confirm a hold: if it is live and owned, its claims are pinned until the outcome in MongoDB is known.
--
-- KEYS  1 hold record   2 pins   3 idempotency record
-- ARGV  1 hold id   2 API key's id   3 fingerprint ('' = no idempotency key)   4 idempotency record's lifetime, ms
--       5 confirm window, ms: the relay looks after the pin then   6 pin's backstop expiry, ms   7 remembered after its end, ms
--       8 booking id   9 this attempt's name: who meets it again in the record has sent the same call twice
--
-- REPLY {MISSING}                       no such hold is remembered
--       {REUSED}                        the idempotency key belongs to another request
--       {FOREIGN}                       another key's hold
--       {BEGUN | AGAIN | BOOKED | RELEASED | EXPIRED, again, now ms, field, value, …}
--            AGAIN: a confirmation is under way already; again = 1: this idempotency key has been here before
--            BEGUN and AGAIN come with `deadline_ms`, by which this attempt's pin is known
--       {BLOCKED, again, now ms, field, value, …}   MongoDB gave the slot to another booking meanwhile
local hold_id, key_id, fingerprint = ARGV[1], ARGV[2], ARGV[3]

local again = 0
if fingerprint ~= '' then
  local known = redis.call('HGET', KEYS[3], 'fingerprint')
  if known and known ~= fingerprint then
    return {'REUSED'}
  end
  again = known and 1 or 0
end

local flat = redis.call('HGETALL', KEYS[1])
if #flat == 0 then
  return {'MISSING'}
end
local hold, now = hash_of(flat), now_ms()
if string.match(hold.owner, '^[^ ]*') ~= key_id then
  return {'FOREIGN'}
end

-- Every attempt has a deadline of its own, later than the one before it.
local function pin_until_deadline()
  local before = tonumber(redis.call('ZSCORE', KEYS[2], hold_id) or 0)
  local deadline = math.max(now + tonumber(ARGV[5]), before + 1)
  redis.call('ZADD', KEYS[2], deadline, hold_id)
  redis.call('HSET', KEYS[1], 'deadline_ms', deadline, 'attempt', ARGV[9])
  flat[#flat + 1] = 'deadline_ms'
  flat[#flat + 1] = deadline
end

local function remember_key()
  if fingerprint ~= '' then
    redis.call('HSET', KEYS[3], 'fingerprint', fingerprint, 'hold_id', hold_id, 'booking_id', ARGV[8])
    redis.call('PEXPIRE', KEYS[3], ARGV[4])
    if hold.status ~= 'booked' then
      redis.call('HSET', KEYS[1], 'confirm_key', KEYS[3])
    end
  end
end

if hold.status == 'confirming' and hold.attempt == ARGV[9] then
  return {'BEGUN', 0, now, unpack(flat)}
end
if hold.status == 'confirming' then
  -- Another attempt begins: nobody may take the pin away in the midst of it who knows of the earlier one only.
  pin_until_deadline()
  remember_key()
  return {'AGAIN', again, now, unpack(flat)}
end
if hold.status == 'booked' and again == 0 then
  remember_key()
end
if hold.status ~= 'held' then
  return {string.upper(hold.status), again, now, unpack(flat)}
end
if tonumber(hold.expires_ms) <= now then
  return {'EXPIRED', again, now, unpack(flat)}
end

local claims = words(hold.claims)
local marks = read_marks(claims, 1, #claims)
for i = 1, #claims do
  if not marks[i] or mark_owner(marks[i]) ~= hold_id then
    return {marks[i] and 'BLOCKED' or 'EXPIRED', again, now, unpack(flat)}
  end
end
for i, key in ipairs(claims) do
  redis.call('SET', key, mark_in_state(marks[i], 'confirming'), 'PX', ARGV[6])
end
redis.call('HSET', KEYS[1], 'status', 'confirming', 'begun_ms', now, 'booking_id', ARGV[8])
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[6]) + tonumber(ARGV[7]))
pin_until_deadline()
remember_key()
return {'BEGUN', again, now, unpack(flat)}
