-- Begins to confirm a hold: if the hold is live and the caller owns it, its claims are pinned until the outcome in
-- MongoDB is known.
--
-- KEYS  1 hold record   2 pins   3 idempotency record
-- ARGV  1 hold id   2 API key's id   3 fingerprint ('' = no idempotency key)
--       4 how long an idempotency key is kept, ms
--       5 confirm window, ms: after it the relay resolves the pin   6 backstop expiry of the pin, ms
--       7 booking id
--       8 the name of this attempt: a call that finds its own name in the record was sent twice
--       9 most bookings of one client address on a UTC day, 0 = any number. Only holds that have an address count
--
-- REPLY {MISSING}                       Redis remembers no such hold
--       {REUSED}                        the idempotency key belongs to another request
--       {FOREIGN}                       the hold belongs to another API key
--       {FULL, most, ms}                its client address has made so many bookings today; the day ends in so many ms
--       {BEGUN | AGAIN | BOOKED | RELEASED | EXPIRED | BLOCKED, again, now ms, field, value, …}
--            BEGUN: pinned now   AGAIN: another attempt to confirm it is under way   BLOCKED: MongoDB gave the slot to
--            another booking meanwhile   again = 1: this idempotency key was here before
--            with BEGUN and AGAIN the last `deadline_ms` is that of this attempt's pin
local hold_id, key_id, fingerprint, attempt = ARGV[1], ARGV[2], ARGV[3], ARGV[8]
local now, again = now_ms(), 0
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
local hold, prefix = hash_of(flat), prefix_of(KEYS[1], hold_id)
if key_of(hold.owner) ~= key_id then
  return {'FOREIGN'}
end

local function answer(word, repeated)
  return {word, repeated or again, now, unpack(flat)}
end

-- Every attempt has its own deadline, later than the one before it. More fields of the record may be set with it.
local function pin_until_deadline(...)
  local earlier = tonumber(redis.call('ZSCORE', KEYS[2], hold_id) or 0)
  local deadline = math.max(now + tonumber(ARGV[5]), earlier + 1)
  redis.call('ZADD', KEYS[2], deadline, hold_id)
  redis.call('HSET', KEYS[1], 'deadline_ms', deadline, 'attempt', attempt, ...)
  flat[#flat + 1] = 'deadline_ms'
  flat[#flat + 1] = deadline
end

local function remember_key()
  if fingerprint ~= '' then
    redis.call('HSET', KEYS[3], 'fingerprint', fingerprint, 'hold_id', hold_id, 'booking_id', ARGV[7])
    redis.call('PEXPIRE', KEYS[3], ARGV[4])
    if hold.status ~= 'booked' then
      redis.call('HSET', KEYS[1], 'confirm_key', string.sub(KEYS[3], #prefix + 1))
    end
  end
end

if hold.status == 'confirming' and hold.attempt == attempt then
  return answer('BEGUN', 0)
end
if hold.status == 'confirming' then
  -- The pin gets a new deadline: a worker that knows only the earlier attempt must not release this one.
  pin_until_deadline()
  remember_key()
  return answer('AGAIN')
end
if hold.status == 'booked' and again == 0 then
  remember_key()
end
if hold.status ~= 'held' then
  return answer(string.upper(hold.status))
end
if tonumber(hold.expires_ms) <= now then
  return answer('EXPIRED')
end

local spans, counter, most = spans_in(hold.spans), nil, tonumber(ARGV[9])
local keys, whole, overtaken = own_claims(prefix, spans, hold_id)
if not whole then
  return answer(overtaken and 'BLOCKED' or 'EXPIRED')
end
if most > 0 and hold.address then
  local wait
  counter, wait = count_booking(prefix, hold.address, most, now)
  if not counter then
    return {'FULL', most, wait}
  end
end
local backstop = tonumber(ARGV[6])
renew_claims(prefix, spans, keys, hold_id, 'c|' .. hold_id, now + backstop, now)
pin_until_deadline('status', 'confirming', 'begun_ms', now, 'booking_id', ARGV[7])
if counter then
  redis.call('HSET', KEYS[1], 'counter', counter)
end
redis.call('PEXPIRE', KEYS[1], backstop + tonumber(hold.remembered_ms))
remember_key()
return answer('BEGUN')
