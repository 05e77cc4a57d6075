-- What the scripts about holds share, behind common.lua.

local DAY_MS = 86400000

-- The prefix of every key of the org that a hold's record belongs to.
local function prefix_of(record_key, hold_id)
  return string.sub(record_key, 1, -#('hold:' .. hold_id) - 1)
end

-- The sets of live holds that a hold counts in, as {name without the prefix, the policy's word for its limit}. A pin
-- counts in none.
local function quotas_of(record)
  local quotas, holder = {}, string.match(record.owner, ' (.+)$')
  if tonumber(record.direct) == 1 then
    return quotas
  end
  if holder then
    quotas[1] = {'holder:' .. holder, 'holds_per_holder'}
  end
  if record.address ~= '' then
    quotas[#quotas + 1] = {'address:' .. record.address, 'public_holds_per_address'}
    quotas[#quotas + 1] = {'strangers', 'public_holds_most'}
  end
  return quotas
end

-- Counts a hold in its sets.
local function join_quotas(prefix, record, now)
  for _, quota in ipairs(quotas_of(record)) do
    local set = prefix .. quota[1]
    redis.call('ZREMRANGEBYSCORE', set, '-inf', now)
    redis.call('ZADD', set, record.expires_ms, record.hold_id)
    redis.call('PEXPIRE', set, DAY_MS)
  end
end

-- Why a hold cannot be replaced by another one of this owner; nil if it can. sure: no booking is in the way that Redis
-- does not know.
local function why_kept(hold, owner, sure, now)
  if not hold.owner then
    return 'MISSING'
  end
  if hold.owner ~= owner or hold.direct == '1' then
    return 'FOREIGN'
  end
  if hold.status ~= 'held' then
    return string.upper(hold.status)
  end
  return tonumber(hold.expires_ms) <= now and 'EXPIRED' or not sure and 'COLD' or nil
end

-- The key under which the publishable key placed a hold is kept no longer than the hold.
local function keep_short_key(prefix, record, kept_ms)
  if record.address ~= '' and record.idempotency_key ~= '' then
    redis.call('PEXPIRE', prefix .. record.idempotency_key, kept_ms)
  end
end

-- Ends a hold: its record stays a while, counts for no quota and waits for no confirmation.
local function close_hold(record_key, record, pins, hold_id, status, remembered_ms)
  local prefix = prefix_of(record_key, hold_id)
  redis.call('HSET', record_key, 'status', status)
  redis.call('PEXPIRE', record_key, remembered_ms)
  keep_short_key(prefix, record, remembered_ms)
  redis.call('ZREM', pins, hold_id)
  for _, quota in ipairs(quotas_of(record)) do
    redis.call('ZREM', prefix .. quota[1], hold_id)
  end
end

-- Lets a live hold go. key_id: of the API key that does it. replaced_by: the hold that takes its place, '' = none.
local function let_go(prefix, pins, events, hold_id, hold, key_id, replaced_by)
  local record_key = prefix .. 'hold:' .. hold_id
  drop_claims(prefix, spans_of(hold), hold_id)
  redis.call('HSET', record_key, 'released_by', key_id, 'replaced_by', replaced_by)
  close_hold(record_key, hold, pins, hold_id, 'released', hold.remembered_ms)
  publish(events, 'release', hold_id, hold, 'free')
end

-- Counts one more booking of a client address on this UTC day. Gives the counter's name; or, when the address has made
-- as many as it may, nil and the ms until the day is over.
local function count_booking(prefix, address, most, now)
  local counter = 'booked:' .. address .. ':' .. number_text(math.floor(now / DAY_MS))
  if tonumber(redis.call('GET', prefix .. counter) or 0) >= most then
    return nil, DAY_MS - now % DAY_MS
  end
  redis.call('INCR', prefix .. counter)
  redis.call('PEXPIRE', prefix .. counter, 2 * DAY_MS)
  return counter
end

-- Takes back what count_booking counted, because MongoDB definitely has no such booking.
local function uncount_booking(prefix, counter)
  if counter ~= '' and tonumber(redis.call('GET', prefix .. counter) or 0) > 0 then
    redis.call('DECR', prefix .. counter)
  end
end
