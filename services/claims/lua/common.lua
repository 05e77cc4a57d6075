-- What all scripts share; services/claims/scripts.py puts this text in front of each.
--
-- A mark is the value of a claim key: state|owner|from|to|version, and |pending behind it if it is of a reservation
--   state    held | confirming | moving | booked
--   owner    the id of a hold or of a move's pin; of a booked claim the booking id
--   from,to  the ticks that the owner occupies on that resource, half-open
-- Only Python makes names of claim keys: they come in KEYS, or in a record that Python's keys went into.

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

-- MGET over any number of keys, although Lua unpacks 8,000 at most. A missing key is false.
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

local function flat_of(record)
  local flat = {}
  for name, value in pairs(record) do
    flat[#flat + 1], flat[#flat + 2] = name, value
  end
  return flat
end

-- A whole number as text. Lua's own conversion may write a large one with an exponent.
local function number_text(number)
  return string.format('%.0f', number)
end

-- Removes the claims that still carry this owner's mark. The others have another owner by now.
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

-- Appends one live event, without personal data. Readers resume by its stream id.
local function publish(stream, kind, id, visit, state, expires_ms)
  redis.call('XADD', stream, 'MAXLEN', '~', '10000', '*', 'kind', kind, 'id', id,
    'property_id', visit.property_id, 'technician_id', visit.technician_id,
    'start', visit.start, 'end', visit['end'], 'state', state, 'expires_ms', expires_ms or '')
end

-- Ends a hold: its record stays a while, counts for no quota and waits for no confirmation.
local function close_hold(record_key, record, pins, hold_id, status, remember_ms)
  redis.call('HSET', record_key, 'status', status)
  redis.call('PEXPIRE', record_key, remember_ms)
  redis.call('ZREM', pins, hold_id)
  if record.holder_key and record.holder_key ~= '' then
    redis.call('ZREM', record.holder_key, hold_id)
  end
end
