-- Claims the first of the candidate visits that is wholly free: all of its claims, or none. It checks everything and
-- then writes everything. A second run with the same hold id gives the same answer, because a client library may send a
-- script again after a stalled reply.
--
-- KEYS  1 hold record   2 epoch   3 pins   4 events   5 idempotency record   6.. claims
-- ARGV  1 a JSON object:
--         state        held | confirming (a direct booking: held and begun in one step)
--                      | moving (a booking moves here; its own marks do not stand in its way, and stay)
--         epoch        the epoch under which the caller read the catalogue, '' = none
--         prefix       of every key of this org
--         quotas       [{key, most, word}, …]: the sets of live holds, named without the prefix, that the hold counts
--                      in; how many each may have; and what the limit is called
--         daily        most bookings of the client address on a UTC day, if a direct booking is counted; 0 = it is not
--         fingerprint  of the request, '' = it has no idempotency key
--         requested    the start tick that the client asked for
--         length       of the visit, in ticks
--         remembered_ms, key_kept_ms, window_ms, backstop_ms
--                      how long a finished hold is remembered, an idempotency key is kept, a confirmation may take,
--                      and a pin lasts that nothing resolves
--         record       the fields of the hold's record that are known before: hold_id, owner (`key id`, or `key id` and
--                      the holder's digest: only the latter may ask again), property_id, before, after, requested,
--                      lifetime_ms, booking_id, direct, moves, attempt, address (the digest of the client's, '' = it
--                      does not count)
--         candidates   [[technician id, start tick, index of its first property claim among the claims, of its first
--                      technician claim], …]
--
-- REPLY {STALE, epoch}                the catalogue changed: nothing is done
--       {REUSED}                      the idempotency key belongs to another request
--       {REPLAY, field, value, …}     the first answer to this idempotency key
--       {OWN, field, value, …}        the same holder has this very slot, or this hold id was here before
--       {FULL, word, most, ms}        this limit is reached, at so many; the first of what counts ends in so many ms
--       {TAKEN, [key, mark, ttl ms]…} what stands in the way at the requested start
--       {HELD, cold, field, value, …} the new hold. cold = 1: Redis was lost, so MongoDB has to be asked. The record of
--                                     a hold says so too, until MongoDB was asked (trust_hold)
local CLAIMS = 5
local ask = cjson.decode(ARGV[1])
local record, candidates, length = ask.record, ask.candidates, ask.length
local before, after = record.before, record.after
local held, moving, has_key = ask.state == 'held', ask.state == 'moving', ask.fingerprint ~= ''
local epoch, now = redis.call('GET', KEYS[2]), now_ms()
for _, candidate in ipairs(candidates) do
  candidate.technician_id, candidate.start = candidate[1], candidate[2]
  candidate.property_at, candidate.technician_at = CLAIMS + candidate[3], CLAIMS + candidate[4]
end

-- The answer that this idempotency key or this hold id had before, if it is still good.
local function earlier_answer()
  if has_key then
    local flat = redis.call('HGETALL', KEYS[5])
    local known = hash_of(flat)
    if known.fingerprint and known.fingerprint ~= ask.fingerprint then
      return {'REUSED'}
    end
    -- The key of a confirmation counts only while Redis remembers what it confirms; after that MongoDB knows better.
    if known.status and (held or redis.call('EXISTS', KEYS[1]) == 1) then
      return {'REPLAY', unpack(flat)}
    end
  end
  local flat = redis.call('HGETALL', KEYS[1])
  local known = hash_of(flat)
  local lapsed = known.status == 'held' and tonumber(known.expires_ms) <= now
  if known.status and known.status ~= 'released' and not lapsed then
    return {'OWN', unpack(flat)}
  end
end

-- Calls visit(index) for each claim key of a candidate, the property's first, until one call answers true.
local function any_claim(candidate, visit)
  for i = candidate.property_at, candidate.property_at + length - 1 do
    if visit(i) then return true end
  end
  for i = candidate.technician_at, candidate.technician_at + before + length + after - 1 do
    if visit(i) then return true end
  end
  return false
end

local function is_same_slot(hold, candidate)
  local asked_alike = tonumber(hold.requested) == ask.requested or tonumber(hold.start) == ask.requested
  return asked_alike and hold.technician_id == candidate.technician_id and tonumber(hold.start) == candidate.start
    and tonumber(hold['end']) == candidate.start + length
    and tonumber(hold.before) == before and tonumber(hold.after) == after
end

-- The live hold that this holder has of one of the candidates, as a flat list of fields.
local function own_hold(marks)
  if not held or not string.find(record.owner, ' ', 1, true) then
    return nil
  end
  local seen = {}
  for _, candidate in ipairs(candidates) do
    local mark = marks[candidate.property_at]
    local id = mark and mark_state(mark) ~= 'booked' and mark_owner(mark)
    if id and not seen[id] then
      local flat = redis.call('HGETALL', ask.prefix .. 'hold:' .. id)
      seen[id] = {flat = flat, hold = hash_of(flat)}
    end
    if id and seen[id].hold.owner == record.owner and is_same_slot(seen[id].hold, candidate) then
      return seen[id].flat
    end
  end
end

-- The refusal of the first quota that is full; nil if one more hold is allowed.
local function full_quota()
  local live = '(' .. number_text(now)
  for _, quota in ipairs(ask.quotas) do
    local set = ask.prefix .. quota.key
    if redis.call('ZCOUNT', set, live, '+inf') >= quota.most then
      local first = redis.call('ZRANGEBYSCORE', set, live, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
      return {'FULL', quota.word, quota.most, tonumber(first[2]) - now}
    end
  end
end

local function join_quotas()
  local names = {}
  for i, quota in ipairs(ask.quotas) do
    local set = ask.prefix .. quota.key
    redis.call('ZREMRANGEBYSCORE', set, '-inf', now)
    redis.call('ZADD', set, record.expires_ms, record.hold_id)
    redis.call('PEXPIRE', set, DAY_MS)
    names[i] = quota.key
  end
  return table.concat(names, ' ')
end

local function is_taken(mark)
  local own = moving and mark and mark_state(mark) == 'booked' and mark_owner(mark) == record.booking_id
  return mark and not own
end

local function first_free(marks)
  for _, candidate in ipairs(candidates) do
    if not any_claim(candidate, function(i) return is_taken(marks[i]) end) then
      return candidate
    end
  end
end

-- Each mark in the way of the candidates at the requested start, once for each resource and owner.
local function obstacles(marks)
  local reply, named = {'TAKEN'}, {}
  for _, candidate in ipairs(candidates) do
    if candidate.start == ask.requested then
      any_claim(candidate, function(i)
        local of_property = i >= candidate.property_at and i < candidate.property_at + length
        local resource = of_property and 'property' or candidate.technician_id
        local name = marks[i] and resource .. '|' .. mark_owner(marks[i])
        if is_taken(marks[i]) and not named[name] then
          named[name] = true
          reply[#reply + 1] = {KEYS[i], marks[i], redis.call('PTTL', KEYS[i])}
        end
      end)
    end
  end
  return reply
end

-- Sets the marks of the chosen visit, and gives the keys that carry them.
local function set_claims(chosen, ttl)
  local claims = {}
  local function set(index, from, to)
    local mark = table.concat({ask.state, record.hold_id, number_text(from), number_text(to), '0'}, '|')
    for i = index, index + (to - from) - 1 do
      redis.call('SET', KEYS[i], mark, 'NX', 'PX', ttl)
      claims[#claims + 1] = KEYS[i]
    end
  end
  set(chosen.property_at, chosen.start, chosen.start + length)
  set(chosen.technician_at, chosen.start - before, chosen.start + length + after)
  return claims
end

local function complete_record(chosen)
  record.status = held and 'held' or 'confirming'
  record.technician_id, record.start, record['end'] = chosen.technician_id, chosen.start, chosen.start + length
  record.created_ms, record.expires_ms, record.begun_ms = now, now + record.lifetime_ms, held and 0 or now
  record.deadline_ms = held and 0 or now + ask.window_ms
  record.cold = (held and not epoch) and 1 or 0
  record.quotas = join_quotas()
  record.idempotency_key = held and has_key and KEYS[5] or ''
  record.confirm_key = ask.state == 'confirming' and has_key and KEYS[5] or ''
  for name, value in pairs(record) do
    record[name] = type(value) == 'number' and number_text(value) or value
  end
end

local function grant(chosen)
  record.counter = ''
  if ask.daily > 0 then
    local counter, wait = count_booking(ask.prefix, record.address, ask.daily, now)
    if not counter then
      return {'FULL', 'public_bookings_per_address_per_day', ask.daily, wait}
    end
    record.counter = counter
  end
  local lifetime = record.lifetime_ms
  local ttl = held and lifetime or ask.backstop_ms
  local claims = set_claims(chosen, ttl)
  complete_record(chosen)
  local flat = flat_of(record)
  redis.call('HSET', KEYS[1], 'claims', table.concat(claims, ' '), unpack(flat))
  redis.call('PEXPIRE', KEYS[1], math.max(lifetime, ttl) + ask.remembered_ms)
  if has_key then
    redis.call('HSET', KEYS[5], 'fingerprint', ask.fingerprint, unpack(flat))
    redis.call('PEXPIRE', KEYS[5], ask.key_kept_ms)
  end
  if not held then
    redis.call('ZADD', KEYS[3], record.deadline_ms, record.hold_id)
  end
  if not moving then -- a move is published when it is made, not when its slot is pinned
    publish(KEYS[4], 'hold', record.hold_id, record, 'held', record.expires_ms)
  end
  return {'HELD', epoch and 0 or 1, unpack(flat)}
end

if epoch and epoch ~= ask.epoch then
  return {'STALE', epoch}
end
local answered = earlier_answer()
if answered then
  return answered
end
local marks = read_marks(KEYS, CLAIMS + 1, #KEYS)
local own = own_hold(marks)
if own then
  if has_key then
    redis.call('HSET', KEYS[5], 'fingerprint', ask.fingerprint, 'found', 1, unpack(own))
    redis.call('PEXPIRE', KEYS[5], ask.key_kept_ms)
  end
  return {'OWN', unpack(own)}
end
local full = full_quota()
if full then
  return full
end
local chosen = first_free(marks)
return chosen and grant(chosen) or obstacles(marks)
