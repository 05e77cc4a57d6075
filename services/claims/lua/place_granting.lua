-- The last part of place_hold: writes all that a granted hold or pin is.

local STATES = {held = 'h|', confirming = 'c|', moving = 'm|'}

-- Sets the marks of the chosen visit on every tick that is free: a booking that moves has some already.
local function set_claims(marks, names, chosen, expires)
  local mark = STATES[ask.state] .. ask.hold_id
  for _, span in ipairs(chosen.spans) do
    local resource, from, to = span[1], span[2], span[3]
    local row, name, first = marks[resource], names[resource], nil
    for tick = from, to do
      local found = row[tick]
      if tick < to and (not found or (replaced and mark_owner(found) == ask.replaces)) then
        redis.call('SET', name[tick], mark, 'NX', 'PXAT', expires)
        first = first or tick
      elseif first then
        show_span(prefix, resource, first, tick, mark, expires, now)
        first = nil
      end
    end
  end
end

-- Counts a hold in its sets.
local function join_quotas(expires)
  for _, quota in ipairs(quotas_of(record)) do
    local set = prefix .. quota[1]
    redis.call('ZREMRANGEBYSCORE', set, '-inf', now)
    redis.call('ZADD', set, expires, ask.hold_id)
    redis.call('PEXPIRE', set, DAY_MS)
  end
end

-- The whole record of the chosen visit, as a flat list of fields.
local function complete_record(chosen)
  record.status, record.spans = held and 'held' or 'confirming', text_of(chosen.spans)
  record.created_ms, record.expires_ms = now, now + ask.lifetime_ms
  record.requested = chosen.start ~= ask.requested and ask.requested or nil
  record.cold = held and not epoch and 1 or nil
  if not held then
    record.begun_ms, record.deadline_ms = now, now + ask.window_ms
  end
  if has_key and not moving then
    record[held and 'idempotency_key' or 'confirm_key'] = string.sub(KEYS[5], #prefix + 1)
  end
  local flat = {}
  for name, value in pairs(record) do
    flat[#flat + 1], flat[#flat + 2] = name, value
  end
  return flat
end

local function grant(marks, names, chosen)
  if ask.daily > 0 then
    local counter, wait = count_booking(prefix, record.address, ask.daily, now)
    if not counter then
      return {'FULL', 'public_bookings_per_address_per_day', ask.daily, wait}
    end
    record.counter = counter
  end
  if replaced then
    let_replaced_go(ask.hold_id)
  end
  local lasts = held and ask.lifetime_ms or ask.backstop_ms
  set_claims(marks, names, chosen, now + lasts)
  local flat = complete_record(chosen)
  if outdated.record then
    redis.call('DEL', KEYS[1])
  end
  redis.call('HSET', KEYS[1], unpack(flat))
  redis.call('PEXPIRE', KEYS[1], math.max(ask.lifetime_ms, lasts) + record.remembered_ms)
  remember_answer(ask.hold_id, unpack(flat))
  join_quotas(record.expires_ms)
  if not held then
    redis.call('ZADD', KEYS[3], record.deadline_ms, ask.hold_id)
  end
  if held then -- a direct booking and a move are published when they are made, not when their slot is pinned
    publish(KEYS[4], 'hold', ask.hold_id, chosen.spans, 'held', record.expires_ms, 'source', record.source)
  end
  return {'HELD', epoch and 0 or 1, unpack(flat)}
end
