-- What all scripts share; services/claims/scripts.py puts this text in front of each.
--
-- A mark is the value of a claim key: state|owner|from|to|version, and |pending behind it if it is of a reservation
--   state    held | confirming | moving | booked
--   owner    the id of a hold or of a move's pin; of a booked claim the booking id
--   from,to  the ticks that the owner occupies on that resource, half-open
-- A span is {resource, from, to}. Beside the claim keys, which alone decide, each resource has a sorted set that shows
-- the same in few words: a member state|owner|from|length|expires ms, and |pending, for each run of ticks with marks of
-- one owner, scored by its first tick. The state is its first letter alone: Redis keeps a set whose members have at most
-- 64 characters in a fraction of the memory. A member whose time is over counts as nothing.
-- All names begin with the org's prefix and its hash tag, so a script may make names from it.

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

-- MGET over any number of keys, although Lua unpacks 8,000 at most. A missing key is false.
local function read_marks(keys)
  local marks = {}
  for from = 1, #keys, 1000 do
    local to = math.min(from + 999, #keys)
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

-- The names of the claim keys of some spans, one span after the other.
local function claim_keys(prefix, spans)
  local keys = {}
  for _, span in ipairs(spans) do
    local stem = prefix .. 'claim:' .. span[1] .. ':'
    for tick = span[2], span[3] - 1 do
      keys[#keys + 1] = stem .. tick
    end
  end
  return keys
end

-- The spans of a hold, the property's first.
local function spans_of(record)
  local from, to = tonumber(record.start), tonumber(record['end'])
  return {
    {'property:' .. record.property_id, from, to},
    {'technician:' .. record.technician_id, from - tonumber(record.before), to + tonumber(record.after)},
  }
end

-- The spans that a booking's record names: resource from to, and so on.
local function spans_in(text)
  local list, spans = words(text), {}
  for i = 1, #list, 3 do
    spans[#spans + 1] = {list[i], tonumber(list[i + 1]), tonumber(list[i + 2])}
  end
  return spans
end

-- Adds a member to the spans of a resource, which last as long as their last member.
local function add_member(set, from, to, state, owner, expires, note, now)
  local parts = {string.sub(state, 1, 1), owner, number_text(from), to - from, number_text(expires)}
  redis.call('ZADD', set, from, table.concat(parts, '|') .. note)
  if redis.call('PTTL', set) < expires - now then
    redis.call('PEXPIREAT', set, number_text(expires))
  end
end

local SAMPLE = 8

-- Shows a run of marks of one owner, until it expires. Each fourth time, by the clock, some members of the same resource
-- are looked at, and those that have expired are dropped: more than are added, so few stay too long.
local function show_span(prefix, resource, from, to, state, owner, expires, note, now)
  local set = prefix .. 'spans:' .. resource
  for _, member in ipairs(now % 4 == 0 and redis.call('ZRANDMEMBER', set, SAMPLE) or {}) do
    if tonumber(string.match(member, '|%d+|%d+|(%d+)')) <= now then
      redis.call('ZREM', set, member)
    end
  end
  add_member(set, from, to, state, owner, expires, note, now)
end

-- Removes what an owner shows within a span, and gives it as {from, to, note, state, expires ms} each.
local function hide_spans(prefix, span, owner)
  local set, hidden = prefix .. 'spans:' .. span[1], {}
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', set, span[2], '(' .. number_text(span[3]))) do
    local state, of, from, length, expires, note = string.match(member, '^(%a+)|([^|]*)|(%d+)|(%d+)|(%d+)(.*)$')
    if of == owner then
      redis.call('ZREM', set, member)
      hidden[#hidden + 1] = {tonumber(from), from + length, note, state, tonumber(expires)}
    end
  end
  return hidden
end

-- Gives what an owner shows within some spans another state and expiry.
local function change_shown(prefix, spans, owner, state, expires, now)
  for _, span in ipairs(spans) do
    for _, run in ipairs(hide_spans(prefix, span, owner)) do
      add_member(prefix .. 'spans:' .. span[1], run[1], run[2], state, owner, expires, run[3], now)
    end
  end
end

-- The names and marks of an owner's claims; whether all are its own; and if not, whether the first that is not has
-- another owner.
local function own_claims(prefix, spans, owner)
  local keys = claim_keys(prefix, spans)
  local marks, known = read_marks(keys), nil
  for i = 1, #keys do
    -- Neighbours mostly have the same mark.
    if not marks[i] or (marks[i] ~= known and mark_owner(marks[i]) ~= owner) then
      return keys, marks, false, marks[i] and true
    end
    known = marks[i]
  end
  return keys, marks, true
end

-- Gives all claims of an owner, whose they are, another state and expiry.
local function renew_claims(prefix, spans, keys, marks, owner, state, expires, now)
  local until_ms, known, renewed = number_text(expires), nil, nil
  for i, key in ipairs(keys) do
    if marks[i] ~= known then
      known, renewed = marks[i], string.gsub(marks[i], '^%a+', state)
    end
    redis.call('SET', key, renewed, 'PXAT', until_ms)
  end
  change_shown(prefix, spans, owner, state, expires, now)
end

-- Removes the claims that still carry this owner's mark. The others have another owner by now.
local function drop_claims(prefix, spans, owner)
  local keys = claim_keys(prefix, spans)
  local marks = read_marks(keys)
  for i, key in ipairs(keys) do
    if marks[i] and mark_owner(marks[i]) == owner then
      redis.call('DEL', key)
    end
  end
  for _, span in ipairs(spans) do
    hide_spans(prefix, span, owner)
  end
end

-- Appends one live event, without personal data. Readers resume by its stream id.
local function publish(stream, kind, id, visit, state, expires_ms)
  redis.call('XADD', stream, 'MAXLEN', '~', '10000', '*', 'kind', kind, 'id', id,
    'property_id', visit.property_id, 'technician_id', visit.technician_id,
    'start', visit.start, 'end', visit['end'], 'state', state, 'expires_ms', expires_ms or '')
end
