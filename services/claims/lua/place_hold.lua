-- Claims the first of the candidate visits that is wholly free: all of its claims, or none. It checks everything and
-- then writes everything. A second run with the same hold id gives the same answer, because a client library may send a
-- script again after a stalled reply.
--
-- KEYS  1 hold record   2 epoch   3 pins   4 events   5 idempotency record
-- ARGV  1 a JSON object:
--         state        held | confirming (a direct booking: held and begun in one step)
--                      | moving (a booking moves here; its own marks do not stand in its way, and stay)
--         epoch        the epoch under which the caller read the catalogue, '' = none
--         prefix       of every key of this org
--         limits       {word: most}: how many live holds each set that the hold counts in may have, by the policy's word;
--                      a set without a limit has any number
--         daily        most bookings of the client address on a UTC day, if a direct booking is counted; 0 = it is not
--         fingerprint  of the request, '' = it has no idempotency key
--         replaces     a live hold of the same owner that is let go if this one is granted, '' = none. It stands in no way
--         requested    the start tick that the client asked for
--         length       of the visit, in ticks
--         key_kept_ms, window_ms, backstop_ms
--                      how long an idempotency key is kept, a confirmation may take, and a pin lasts that nothing
--                      resolves
--         record       the fields of the hold's record that are known before: hold_id, owner (`key id`, or `key id` and
--                      the holder's digest: only the latter may ask again), property_id, before, after, requested,
--                      lifetime_ms, booking_id, direct, moves, attempt, remembered_ms (how long after its end), address
--                      (the digest of the client's, '' = it does not count)
--         candidates   [[technician id, start tick, 1 if it is barred], …]; a barred one is not granted, but its holder
--                      may have it already, and what stands in its way is reported
--
-- REPLY {STALE, epoch}                the catalogue changed: nothing is done
--       {REUSED}                      the idempotency key belongs to another request
--       {REPLAY, field, value, …}     the first answer to this idempotency key; with the time of this call as `now_ms`
--       {OWN, field, value, …}        the same holder has this very slot, or this hold id was here before; as in REPLAY
--       {KEPT, why}                   the hold to be replaced cannot be: MISSING, FOREIGN, CONFIRMING, BOOKED, RELEASED,
--                                     EXPIRED; COLD: Redis was lost, and the caller, who names an epoch, has not asked
--                                     MongoDB before
--       {FULL, word, most, ms}        this limit is reached, at so many; the first of what counts ends in so many ms
--       {TAKEN, cold, [resource, mark, ttl ms, [field, value, …] | holder's digest]…}
--                                     what stands in the way at the requested start; with the record of a hold, or the
--                                     holder of a booking ('' = none is known)
--       {HELD, cold, field, value, …} the new hold. The record of a hold says whether it is cold too, until MongoDB was
--                                     asked (trust_hold)
--            cold = 1: Redis was lost, so MongoDB has to be asked, and the catalogue may have changed
local ask = cjson.decode(ARGV[1])
local record, candidates, length, prefix = ask.record, ask.candidates, ask.length, ask.prefix
local before, after = record.before, record.after
local held, moving, has_key = ask.state == 'held', ask.state == 'moving', ask.fingerprint ~= ''
local epoch, now = redis.call('GET', KEYS[2]), now_ms()

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
      return {'REPLAY', 'now_ms', now, unpack(flat)}
    end
  end
  local flat = redis.call('HGETALL', KEYS[1])
  local known = hash_of(flat)
  local lapsed = known.status == 'held' and tonumber(known.expires_ms) <= now
  if known.status and known.status ~= 'released' and not lapsed then
    return {'OWN', 'now_ms', now, unpack(flat)}
  end
end

local replaced = ask.replaces ~= '' and hash_of(redis.call('HGETALL', prefix .. 'hold:' .. ask.replaces))

local function let_replaced_go(by)
  let_go(prefix, KEYS[3], KEYS[4], ask.replaces, replaced, string.match(record.owner, '^[^ ]*'), by)
end

local function spans_at(candidate)
  return spans_of({property_id = record.property_id, technician_id = candidate[1], start = candidate[2],
    ['end'] = candidate[2] + length, before = before, after = after})
end

-- The marks of all ticks from the first to the last that the candidates need of each resource, and the names of their
-- keys: both by resource and tick.
local function read_all()
  local wide, order = {}, {}
  for _, candidate in ipairs(candidates) do
    candidate.spans = spans_at(candidate)
    for _, span in ipairs(candidate.spans) do
      local known = wide[span[1]]
      if not known then
        known = {span[1], span[2], span[3]}
        wide[span[1]], order[#order + 1] = known, known
      end
      known[2], known[3] = math.min(known[2], span[2]), math.max(known[3], span[3])
    end
  end
  local keys = claim_keys(prefix, order)
  local found, marks, names, at = read_marks(keys), {}, {}, 0
  for _, span in ipairs(order) do
    local row, name = {}, {}
    for tick = span[2], span[3] - 1 do
      at = at + 1
      row[tick], name[tick] = found[at], keys[at]
    end
    marks[span[1]], names[span[1]] = row, name
  end
  return marks, names
end

-- Calls visit(resource, tick) for each claim of a candidate, the property's first, until one call answers true.
local function any_claim(candidate, visit)
  for _, span in ipairs(candidate.spans) do
    for tick = span[2], span[3] - 1 do
      if visit(span[1], tick) then return true end
    end
  end
  return false
end

local function is_same_slot(hold, candidate)
  local start = candidate[2]
  local asked_alike = tonumber(hold.requested) == ask.requested or tonumber(hold.start) == ask.requested
  return asked_alike and hold.technician_id == candidate[1] and tonumber(hold.start) == start
    and tonumber(hold['end']) == start + length
    and tonumber(hold.before) == before and tonumber(hold.after) == after
end

-- The live hold that this holder has of one of the candidates, as a flat list of fields; or the hold that has taken the
-- place of the one to be replaced already, for a repeat without a holder.
local function own_hold(marks)
  local gone = replaced and replaced.owner == record.owner and replaced.status == 'released'
  local seen, before = {}, gone and replaced.replaced_by
  if not held or not (before or string.find(record.owner, ' ', 1, true)) then
    return nil
  end
  for _, candidate in ipairs(candidates) do
    local mark = marks[candidate.spans[1][1]][candidate[2]]
    local id = mark and mark_state(mark) ~= 'booked' and mark_owner(mark)
    id = (string.find(record.owner, ' ', 1, true) or id == before) and id
    if id and not seen[id] then
      local flat = redis.call('HGETALL', prefix .. 'hold:' .. id)
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
  for _, quota in ipairs(quotas_of(record)) do
    local set, most = prefix .. quota[1], ask.limits[quota[2]]
    local spared = replaced and tonumber(redis.call('ZSCORE', set, ask.replaces) or 0) > now and 1 or 0
    if most and redis.call('ZCOUNT', set, live, '+inf') - spared >= most then
      local first = redis.call('ZRANGEBYSCORE', set, live, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
      return {'FULL', quota[2], most, tonumber(first[2]) - now}
    end
  end
end

-- Whether a mark stands in the way: neither that of the booking that moves nor that of the hold to be replaced does.
local function is_taken(mark)
  if not mark or (replaced and mark_owner(mark) == ask.replaces) then
    return false
  end
  return not (moving and mark_state(mark) == 'booked' and mark_owner(mark) == record.booking_id)
end

local function first_free(marks)
  for _, candidate in ipairs(candidates) do
    local barred = candidate[3] == 1
    if not barred and not any_claim(candidate, function(resource, tick) return is_taken(marks[resource][tick]) end) then
      return candidate
    end
  end
end

-- Each mark in the way of the candidates at the requested start, once for each resource and owner.
local function obstacles(marks, names)
  local reply, named, known = {'TAKEN', epoch and 0 or 1}, {}, {}
  for _, candidate in ipairs(candidates) do
    if candidate[2] == ask.requested then
      any_claim(candidate, function(resource, tick)
        local mark = marks[resource][tick]
        local name = mark and resource .. '|' .. mark_owner(mark)
        if is_taken(mark) and not named[name] then
          named[name] = true
          local key, id = names[resource][tick], mark_owner(mark)
          if not known[id] then
            known[id] = mark_state(mark) == 'booked' and (redis.call('HGET', prefix .. 'booking:' .. id, 'holder') or '')
              or redis.call('HGETALL', prefix .. 'hold:' .. id)
          end
          reply[#reply + 1] = {resource, mark, redis.call('PTTL', key), known[id]}
        end
      end)
    end
  end
  return reply
end

-- Sets the marks of the chosen visit on every tick that is free: a booking that moves has some already.
local function set_claims(marks, names, chosen, expires)
  for _, span in ipairs(chosen.spans) do
    local resource, from, to = span[1], span[2], span[3]
    local first, until_ms = nil, number_text(expires)
    local mark = table.concat({ask.state, record.hold_id, number_text(from), number_text(to), '0'}, '|')
    for tick = from, to do
      local found = marks[resource][tick]
      if tick < to and (not found or (replaced and mark_owner(found) == ask.replaces)) then
        redis.call('SET', names[resource][tick], mark, 'NX', 'PXAT', until_ms)
        first = first or tick
      elseif first then
        show_span(prefix, resource, first, tick, ask.state, record.hold_id, expires, '', now)
        first = nil
      end
    end
  end
end

local function complete_record(chosen)
  record.status = held and 'held' or 'confirming'
  record.technician_id, record.start, record['end'] = chosen[1], chosen[2], chosen[2] + length
  record.created_ms, record.expires_ms, record.begun_ms = now, now + record.lifetime_ms, held and 0 or now
  record.deadline_ms = held and 0 or now + ask.window_ms
  record.cold = (held and not epoch) and 1 or 0
  local known = has_key and string.sub(KEYS[5], #prefix + 1) or ''
  record.idempotency_key = held and known or ''
  record.confirm_key = ask.state == 'confirming' and known or ''
  for name, value in pairs(record) do
    record[name] = type(value) == 'number' and number_text(value) or value
  end
end

local function grant(marks, names, chosen)
  record.counter = ''
  if ask.daily > 0 then
    local counter, wait = count_booking(prefix, record.address, ask.daily, now)
    if not counter then
      return {'FULL', 'public_bookings_per_address_per_day', ask.daily, wait}
    end
    record.counter = counter
  end
  if replaced then
    let_replaced_go(record.hold_id)
  end
  local lasts = math.max(record.lifetime_ms, held and 0 or ask.backstop_ms)
  set_claims(marks, names, chosen, now + (held and record.lifetime_ms or ask.backstop_ms))
  complete_record(chosen)
  local flat = flat_of(record)
  redis.call('HSET', KEYS[1], unpack(flat))
  redis.call('PEXPIRE', KEYS[1], lasts + record.remembered_ms)
  if has_key then
    redis.call('HSET', KEYS[5], 'fingerprint', ask.fingerprint, unpack(flat))
    redis.call('PEXPIRE', KEYS[5], ask.key_kept_ms)
  end
  join_quotas(prefix, record, now)
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
local marks, names = read_all()
local own, kept = own_hold(marks), replaced and why_kept(replaced, record.owner, epoch or ask.epoch == '', now)
if own then
  local id = hash_of(own).hold_id
  if replaced and not kept and id ~= ask.replaces then
    let_replaced_go(id)
  end
  if has_key then
    redis.call('HSET', KEYS[5], 'fingerprint', ask.fingerprint, 'found', 1, unpack(own))
    redis.call('PEXPIRE', KEYS[5], ask.key_kept_ms)
  end
  return {'OWN', 'now_ms', now, unpack(own)}
end
if kept then
  return {'KEPT', kept}
end
local full = full_quota()
if full then
  return full
end
local chosen = first_free(marks)
return chosen and grant(marks, names, chosen) or obstacles(marks, names)
