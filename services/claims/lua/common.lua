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

-- The prefix of every key of the org that a hold's record belongs to.
local function prefix_of(record_key, hold_id)
  return string.sub(record_key, 1, -#('hold:' .. hold_id) - 1)
end

-- Ends a hold: its record stays a while, counts for no quota and waits for no confirmation.
local function close_hold(record_key, record, pins, hold_id, status, remember_ms)
  redis.call('HSET', record_key, 'status', status)
  redis.call('PEXPIRE', record_key, remember_ms)
  redis.call('ZREM', pins, hold_id)
  for _, quota in ipairs(words(record.quotas)) do
    redis.call('ZREM', prefix_of(record_key, hold_id) .. quota, hold_id)
  end
end

local DAY_MS = 86400000

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
  if counter and counter ~= '' and tonumber(redis.call('GET', prefix .. counter) or 0) > 0 then
    redis.call('DECR', prefix .. counter)
  end
end
