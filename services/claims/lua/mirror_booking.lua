-- Mirrors one version of a booking, or of several bookings at once. No other script sets or removes booked marks.
-- MongoDB has decided, so the marks go over holds and pins. They never go over the mark of a booking outside of the call:
-- that is a clash, which only a new look at the documents can settle.
-- Of several bookings the earlier marks of all go before the new ones are set, so two that took each other's slot do not
-- clash. Two that swapped must come together: one alone could free what the other has by now.
--
-- KEYS  1 pins   2 events   and for each booking: the mirrored booking, its hold record
-- ARGV  1 a JSON object:
--         prefix         of every key of this org
--         remembered_ms  how long a record stays after the visit, or after an earlier end, and a hold after its end
--         key_kept_ms    how long the idempotency key is kept that placed a hold which is booked now
--         quiet          true: no event is published, because all that this call belongs to is made known at its end
--         bookings       a list of
--           booking_id, version, active (false: it has ended, and marks nothing), pending (a reservation)
--           ends_ms        when the marks expire; after that time nothing is marked
--           visit_ends_ms  when the visit is over
--           holder         the digest of the holder that its hold named, '' = none
--           hold_id        of the hold, or the name of the pin, that the booking was made from, '' = none
--           kind, status, source, replaces, expires_ms
--                          of the live event; replaces: the hold that the booking was made from, '' = none; expires_ms:
--                          the deadline of a reservation, '' = none
--           spans          that the booking has, as text
--           swaps          [[its version, the other booking's id, the version of that one], …]: what the swaps made
--
-- REPLY {MIRRORED} | {SAME} (these versions with their marks, or newer ones, are mirrored already)
--       {CLASH, another booking's id}  its mark is in the way, or it has to come too, or in a newer version: nothing is
--                                      done
local ask = cjson.decode(ARGV[1])
local prefix, now, by_id = ask.prefix, now_ms(), {}

-- What Redis has of a booking. follows: its version is newer than the mirrored one. shows: it is to have marks.
local function look_up(each, at)
  each.key, each.record = KEYS[at], KEYS[at + 1]
  each.hold = each.hold_id ~= '' and hash_of(redis.call('HGETALL', each.record)) or {}
  each.list = spans_in(each.spans)
  each.shows = each.active and each.ends_ms > now
  local mirrored = redis.call('HMGET', each.key, 'version', 'spans', 'active')
  each.seen, each.before = tonumber(mirrored[1] or 0), mirrored[2]
  each.follows = each.version > each.seen
  each.same = not each.follows and not (each.seen == each.version and each.shows and mirrored[3] == '1')
end

-- The id of a booking that swapped with this one since its mirrored version, and is in the mirror and in this call only
-- as it was before the swap.
local function missing_half(each)
  for _, swap in ipairs(each.follows and each.swaps or {}) do
    local version, id, needed = unpack(swap)
    local other = by_id[id]
    if version > each.seen and not (other and other.version >= needed) then
      if tonumber(redis.call('HGET', prefix .. 'booking:' .. id, 'version') or 0) < needed then
        return id
      end
    end
  end
end

-- Looks at the marks where a booking is to have its own. Gives the id of another booking that has one of them and keeps it.
-- wanted: which booking of this call wants each key.
local function obstacle(each, wanted)
  each.keys = claim_keys(prefix, each.list)
  each.marks = read_marks(each.keys)
  local whole, known = true, nil
  for i, key in ipairs(each.keys) do
    if wanted[key] then
      return wanted[key]
    end
    wanted[key] = #ask.bookings > 1 and each.booking_id or nil
    if each.marks[i] ~= known then
      known = each.marks[i]
      local booked = known and is_booked(known)
      local owner = booked and mark_owner(known)
      if booked and owner ~= each.booking_id and not (by_id[owner] and by_id[owner].follows) then
        return owner
      end
      whole = whole and booked
    end
  end
  each.same = whole and not each.follows
end

-- marked: the booking's marks are all there, so that nothing is left of a hold with the same spans.
local function finish_hold(each, marked)
  local hold_id, hold = each.hold_id, each.hold
  if hold_id == '' then
    return
  end
  if not hold.status or hold.status == 'booked' then
    redis.call('ZREM', KEYS[1], hold_id)
    return
  end
  if not (marked and hold.spans == each.spans) then
    drop_claims(prefix, spans_in(hold.spans), hold_id)
  end
  close_hold(prefix, hold, KEYS[1], hold_id, ask.remembered_ms, 'status', 'booked', 'booking_id', each.booking_id)
  keep_short_key(prefix, hold, ask.key_kept_ms)
end

-- Leaves of what an owner shows of a resource only what lies outside of a span.
local function cut_shown(each, owner, span)
  local known = owner == each.hold_id and each.hold.spans
  local whole = {span[1], 0, span[3]}  -- of an owner without a record
  for _, run in ipairs(spans_in(known or redis.call('HGET', prefix .. 'hold:' .. owner, 'spans'))) do
    whole = run[1] == span[1] and run or whole
  end
  for _, run in ipairs(hide_spans(prefix, whole, owner)) do
    local mark, from, to, expires = unpack(run)
    if from < span[2] then
      show_span(prefix, span[1], from, math.min(to, span[2]), mark, expires, now)
    end
    if to > span[3] then
      show_span(prefix, span[1], math.max(from, span[3]), to, mark, expires, now)
    end
  end
end

-- Sets a booking's mark on a span. at: the index of its first key; the owners of the marks there lose the ticks.
local function set_marks(each, span, mark, at)
  local seen, known = {}, nil
  for i = at, at + span[3] - span[2] - 1 do
    local there = each.marks[i]
    if there and there ~= known then
      known = there
      local owner = mark_owner(known)
      if not by_id[owner] and not seen[owner] then
        seen[owner] = true
        cut_shown(each, owner, span)
      end
    end
    redis.call('SET', each.keys[i], mark, 'PXAT', each.ends_ms)
  end
  show_span(prefix, span[1], span[2], span[3], mark, each.ends_ms, now)
end

-- Publishes a new version. from: where the booking was before, if that is known and it is elsewhere now.
local function announce(each)
  local from = each.shows and each.before ~= each.spans and each.before or ''
  publish(KEYS[2], from ~= '' and 'move' or each.kind, each.booking_id, each.list, each.shows and 'booked' or 'free',
    each.shows and each.expires_ms, 'source', each.source, 'version', each.version, 'status', each.status,
    'from', from, 'replaces', each.replaces)
end

local function write(each)
  local mark, at = (each.pending and 'r|' or 'b|') .. each.booking_id, 1
  for _, span in ipairs(each.shows and each.list or {}) do
    set_marks(each, span, mark, at)
    at = at + span[3] - span[2]
  end
  redis.call('HSET', each.key, 'version', each.version, 'active', each.shows and 1 or 0,
    'spans', each.shows and each.spans or '', 'holder', each.holder)
  local ends = each.active and math.max(each.visit_ends_ms, now) or now
  redis.call('PEXPIREAT', each.key, ends + ask.remembered_ms)
  finish_hold(each, each.shows)
  if not ask.quiet then
    announce(each)
  end
end

for i, each in ipairs(ask.bookings) do
  look_up(each, 2 * i + 1)
  by_id[each.booking_id] = each
end
local wanted = {}
for _, each in ipairs(ask.bookings) do
  local other = missing_half(each)
  if not other and each.shows and not each.same then
    other = obstacle(each, wanted)
  end
  if other then
    return {'CLASH', other}
  end
end

for _, each in ipairs(ask.bookings) do
  if each.before and not each.same then
    drop_claims(prefix, spans_in(each.before), each.booking_id)
  end
end
local word = 'SAME'
for _, each in ipairs(ask.bookings) do
  if each.same then
    finish_hold(each)
  else
    write(each)
    word = 'MIRRORED'
  end
end
return {word}
