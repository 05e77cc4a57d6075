-- What every script shares; services/claims/claims.py puts this text in front of each.
--
-- A mark is the value of a claim key: state|owner|from|to|version, and of a reservation |pending behind it
--   state    held | confirming | moving | booked
--   owner    a hold id (of a move: its pin's), or for booked a booking id
--   from,to  the ticks that the owner occupies on that resource, half-open
-- Names of claim keys are made by Python alone: they come in KEYS or stand in a record that Python filled.

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function mark_state(mark)
  return string.match(mark, '^(%a+)|')
end

local function mark_owner(mark)
  return string.match(mark, '^%a+|([^|]*)|')
end

local function mark_in_state(mark, state)
  return (string.gsub(mark, '^%a+|', state .. '|'))
end

-- MGET over any number of keys (Lua can unpack some 8,000); a missing key is false.
local function read_marks(keys, first, last)
  local marks = {}
  for from = first, last, 1000 do
    local to = math.min(from + 999, last)
    local values = redis.call('MGET', unpack(keys, from, to))
    for offset = 1, to - from + 1 do
      marks[from + offset - 1] = values[offset]
    end
  end
  return marks
end

local function words(text)
  local list = {}
  for word in string.gmatch(text or '', '%S+') do
    list[#list + 1] = word
  end
  return list
end

local function hash_of(flat)
  local record = {}
  for i = 1, #flat, 2 do
    record[flat[i]] = flat[i + 1]
  end
  return record
end

-- Removes those of the claims that still carry this owner's mark; others have passed to somebody else.
local function drop_claims(claims, owner)
  if #claims == 0 then
    return
  end
  local marks = read_marks(claims, 1, #claims)
  for i, key in ipairs(claims) do
    if marks[i] and mark_owner(marks[i]) == owner then
      redis.call('DEL', key)
    end
  end
end

-- Appends one live event, without personal data; readers resume by its stream id.
local function publish(stream, kind, id, visit, state, expires_ms)
  redis.call('XADD', stream, 'MAXLEN', '~', '10000', '*', 'kind', kind, 'id', id,
    'property_id', visit.property_id, 'technician_id', visit.technician_id,
    'start', visit.start, 'end', visit['end'], 'state', state, 'expires_ms', expires_ms or '')
end

-- Ends a hold record: it is remembered a while, counts for nobody's quota and waits for no confirmation.
local function close_hold(record_key, record, pins, hold_id, status, remember_ms)
  redis.call('HSET', record_key, 'status', status)
  redis.call('PEXPIRE', record_key, remember_ms)
  redis.call('ZREM', pins, hold_id)
  if record.holder_key and record.holder_key ~= '' then
    redis.call('ZREM', record.holder_key, hold_id)
  end
end
