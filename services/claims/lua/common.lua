-- What all scripts share; services/claims/scripts.py puts this text in front of each.
--
-- A mark is the value of a claim key: a letter for its state, a bar, and its owner.
--   state  h held   c confirming   m a booking moves here   b booked   r booked by a reservation
--   owner  the id of a hold or of a move's pin; of a booked claim the booking id
-- A span is {resource, from, to}: the ticks that an owner occupies on a resource, half-open. A resource is
-- p:<property id> or t:<technician id>. Spans as text are `resource from to`, one after the other, the property's first,
-- then those of the units of a building, then the technicians'; the records of holds and bookings have them so.
-- Beside the claim keys, which alone decide, each resource has a sorted set that shows the same in few words: a member
-- mark|from|length|expires ms for each run of ticks with marks of one owner, scored by its first tick. Redis keeps a set
-- whose members have at most 64 characters in a fraction of the memory. A member whose time is over counts as nothing.
-- All names begin with the org's prefix and its hash tag, so a script may make names from it. Lua writes a whole number of
-- up to 14 digits as it is. A tick and the present time in ms have fewer, but staff may book a visit that ends far from now.

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function mark_owner(mark)
  return string.sub(mark, 3)
end

local function is_booked(mark)
  local state = string.sub(mark, 1, 1)
  return state == 'b' or state == 'r'
end

-- MGET over any number of keys, although Lua unpacks 8,000 at most. A missing key is false.
local function read_marks(keys)
  if #keys > 0 and #keys <= 1000 then
    return redis.call('MGET', unpack(keys))
  end
  local marks = {}
  for from = 1, #keys, 1000 do
    for _, mark in ipairs(redis.call('MGET', unpack(keys, from, math.min(from + 999, #keys)))) do
      marks[#marks + 1] = mark
    end
  end
  return marks
end

local function hash_of(flat)
  local record = {}
  for i = 1, #flat, 2 do
    record[flat[i]] = flat[i + 1]
  end
  return record
end

-- The names of the claim keys of some spans, one span after the other.
local function claim_keys(prefix, spans)
  local keys = {}
  for _, span in ipairs(spans) do
    local stem = prefix .. span[1] .. ':'
    for tick = span[2], span[3] - 1 do
      keys[#keys + 1] = stem .. tick
    end
  end
  return keys
end

local function spans_in(text)
  local spans = {}
  for resource, from, to in string.gmatch(text or '', '(%S+) (%d+) (%d+)') do
    spans[#spans + 1] = {resource, tonumber(from), tonumber(to)}
  end
  return spans
end

-- Adds a member to the spans of a resource, which last as long as their last member.
local function add_member(set, mark, from, to, expires, now)
  redis.call('ZADD', set, from, string.format('%s|%d|%d|%.0f', mark, from, to - from, expires))
  if redis.call('PTTL', set) < expires - now then
    redis.call('PEXPIREAT', set, expires)
  end
end

local SAMPLE = 8

-- Shows a run of marks of one owner, until it expires. Each fourth time, by the clock, some members of the same resource
-- are looked at, and those that have expired are dropped: more than are added, so few stay too long.
local function show_span(prefix, resource, from, to, mark, expires, now)
  local set = prefix .. 'spans:' .. resource
  for _, member in ipairs(now % 4 == 0 and redis.call('ZRANDMEMBER', set, SAMPLE) or {}) do
    if tonumber(string.match(member, '%d+$')) <= now then
      redis.call('ZREM', set, member)
    end
  end
  add_member(set, mark, from, to, expires, now)
end

-- Removes what an owner shows within a span, and gives it as {mark, from, to, expires ms} each.
local function hide_spans(prefix, span, owner)
  local set, own, hidden = prefix .. 'spans:' .. span[1], owner .. '|', {}
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', set, span[2], '(' .. span[3])) do
    if string.sub(member, 3, #own + 2) == own then
      local mark, from, length, expires = string.match(member, '^(.+)|(%d+)|(%d+)|(%d+)$')
      redis.call('ZREM', set, member)
      hidden[#hidden + 1] = {mark, tonumber(from), from + length, tonumber(expires)}
    end
  end
  return hidden
end

-- Gives what an owner shows within some spans another expiry, and another mark unless it is nil.
local function change_shown(prefix, spans, owner, mark, expires, now)
  for _, span in ipairs(spans) do
    for _, run in ipairs(hide_spans(prefix, span, owner)) do
      add_member(prefix .. 'spans:' .. span[1], mark or run[1], run[2], run[3], expires, now)
    end
  end
end

-- The names of an owner's claims; whether all are its own; and if not, whether the first that is not has another owner.
local function own_claims(prefix, spans, owner)
  local keys = claim_keys(prefix, spans)
  local marks, known = read_marks(keys), nil
  for i = 1, #keys do
    -- Neighbours mostly have the same mark.
    if not marks[i] or (marks[i] ~= known and mark_owner(marks[i]) ~= owner) then
      return keys, false, marks[i] and true
    end
    known = marks[i]
  end
  return keys, true
end

-- Gives all claims of an owner, whose they are, another mark and expiry.
local function renew_claims(prefix, spans, keys, owner, mark, expires, now)
  for _, key in ipairs(keys) do
    redis.call('SET', key, mark, 'PXAT', expires)
  end
  change_shown(prefix, spans, owner, mark, expires, now)
end

-- Removes the claims that still carry this owner's mark. The others have another owner by now.
local function drop_claims(prefix, spans, owner)
  local keys, own = claim_keys(prefix, spans), {}
  for i, mark in ipairs(read_marks(keys)) do
    if mark and mark_owner(mark) == owner then
      own[#own + 1] = keys[i]
    end
  end
  for from = 1, #own, 1000 do
    redis.call('DEL', unpack(own, from, math.min(from + 999, #own)))
  end
  for _, span in ipairs(spans) do
    hide_spans(prefix, span, owner)
  end
end

-- Appends one live event about a visit of these spans, without personal data. Readers resume by its stream id. The ids
-- of several technicians, and those of units, have a blank between. All technicians leave and return at the same ticks.
local function publish(stream, kind, id, spans, state, expires_ms, ...)
  local technicians, units, visit, travel = {}, {}, spans[1], spans[#spans]
  for i = 2, #spans do
    local names = string.sub(spans[i][1], 1, 1) == 't' and technicians or units
    names[#names + 1] = string.sub(spans[i][1], 3)
  end
  local more = {...}
  if #units > 0 then
    more[#more + 1], more[#more + 2] = 'units', table.concat(units, ' ')
  end
  redis.call('XADD', stream, 'MAXLEN', '~', '10000', '*', 'kind', kind, 'id', id,
    'property_id', string.sub(visit[1], 3), 'technician_ids', table.concat(technicians, ' '),
    'start', visit[2], 'end', visit[3], 'leaves', travel[2], 'returns', travel[3], 'state', state, 'expires_ms', expires_ms or '', unpack(more))
end

-- Appends an event that is about no visit.
local function publish_mark(stream, kind)
  redis.call('XADD', stream, 'MAXLEN', '~', '10000', '*', 'kind', kind)
end
