-- What the scripts about holds share, behind common.lua.
--
-- A hold's record is a hash. It has always: status, owner, spans, attempt, source, remembered_ms, created_ms, expires_ms.
-- It has only where there is something to say: requested (the start that was asked for, where it is another), address,
-- override, service_id, cold = 1, announced = 1; of a confirmation booking_id, begun_ms, deadline_ms, confirm_key, counter; of a pin
-- direct = 1, and of a move moves = 1; idempotency_key; at its end released_by, replaced_by. hold_records.py explains
-- what clients see of it.

local DAY_MS = 86400000

-- The prefix of every key of the org that a hold's record belongs to.
local function prefix_of(record_key, hold_id)
  return string.sub(record_key, 1, -#('hold:' .. hold_id) - 1)
end

-- The id of the API key of an owner, which is `key id` or `key id holder's digest`.
local function key_of(owner)
  return string.match(owner, '^[^ ]*')
end

-- The sets of live holds that a hold counts in, as {name without the prefix, the policy's word for its limit}. A pin
-- counts in none.
local function quotas_of(record)
  local quotas, holder = {}, string.match(record.owner, ' (.+)$')
  if record.direct then
    return quotas
  end
  if holder then
    quotas[1] = {'holder:' .. holder, 'holds_per_holder'}
  end
  if record.address then
    quotas[#quotas + 1] = {'address:' .. record.address, 'public_holds_per_address'}
    quotas[#quotas + 1] = {'strangers', 'public_holds_most'}
  end
  return quotas
end

-- Why a hold cannot be replaced by another one of this owner; nil if it can. sure: no booking is in the way that Redis
-- does not know.
local function why_kept(hold, owner, sure, now)
  if not hold.owner then
    return 'MISSING'
  end
  if hold.owner ~= owner or hold.direct then
    return 'FOREIGN'
  end
  if hold.status ~= 'held' then
    return string.upper(hold.status)
  end
  return tonumber(hold.expires_ms) <= now and 'EXPIRED' or not sure and 'COLD' or nil
end

-- The key under which the publishable key placed a hold is kept no longer than the hold.
local function keep_short_key(prefix, record, kept_ms)
  if record.address and record.idempotency_key then
    redis.call('PEXPIRE', prefix .. record.idempotency_key, kept_ms)
  end
end

-- Ends a hold: its record stays a while, counts for no quota and waits for no confirmation. More fields may be set.
local function close_hold(prefix, record, pins, hold_id, remembered_ms, ...)
  local key = prefix .. 'hold:' .. hold_id
  redis.call('HSET', key, ...)
  redis.call('PEXPIRE', key, remembered_ms)
  keep_short_key(prefix, record, remembered_ms)
  redis.call('ZREM', pins, hold_id)
  for _, quota in ipairs(quotas_of(record)) do
    redis.call('ZREM', prefix .. quota[1], hold_id)
  end
end

-- Lets a live hold go. key_id: of the API key that does it. replaced_by: the hold that takes its place, '' = none.
local function let_go(prefix, pins, events, hold_id, hold, key_id, replaced_by)
  local spans = spans_in(hold.spans)
  drop_claims(prefix, spans, hold_id)
  close_hold(prefix, hold, pins, hold_id, hold.remembered_ms, 'status', 'released', 'released_by', key_id,
    'replaced_by', replaced_by)
  publish(events, 'release', hold_id, spans, 'free', nil, 'source', hold.source)
end

-- Counts one more booking of a client address on this UTC day. Gives the counter's name; or, when the address has made
-- as many as it may, nil and the ms until the day is over.
local function count_booking(prefix, address, most, now)
  local counter = 'booked:' .. address .. ':' .. math.floor(now / DAY_MS)
  if tonumber(redis.call('GET', prefix .. counter) or 0) >= most then
    return nil, DAY_MS - now % DAY_MS
  end
  redis.call('INCR', prefix .. counter)
  redis.call('PEXPIRE', prefix .. counter, 2 * DAY_MS)
  return counter
end

-- Takes back what count_booking counted, because MongoDB definitely has no such booking. counter: nil = nothing.
local function uncount_booking(prefix, counter)
  if counter and tonumber(redis.call('GET', prefix .. counter) or 0) > 0 then
    redis.call('DECR', prefix .. counter)
  end
end
