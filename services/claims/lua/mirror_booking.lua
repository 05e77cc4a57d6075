-- Mirrors one version of a booking. No other script sets or removes `booked` marks.
-- MongoDB has decided, so the marks go over holds and pins. They never go over another booking's mark: that is a clash,
-- which only a new look at both documents can settle.
--
-- KEYS  1 mirrored booking   2 hold record   3 pins   4 events
-- ARGV  1 a JSON object:
--         booking_id, version, active (false: it has ended, and marks nothing), pending (a reservation)
--         ends_ms        when the marks expire; after that time nothing is marked
--         visit_ends_ms  when the visit is over
--         remembered_ms  how long the record stays after that, or after an earlier end, and a hold after its end
--         key_kept_ms    how long the idempotency key is kept that placed a hold which is booked now
--         holder         the digest of the holder that its hold named, '' = none
--         hold_id        of the hold, or the name of the pin, that the booking was made from, '' = none
--         kind           of the live event
--         event          where and when: property_id, technician_id, start, end
--         spans          [[resource, from, to], …] that the booking has
--         prefix         of every key of this org
--
-- REPLY {MIRRORED} | {SAME} (this version with its marks, or a newer version, is mirrored already)
--       {CLASH, the other booking's id}
local ask = cjson.decode(ARGV[1])
local booking_id, version, hold_id, prefix = ask.booking_id, ask.version, ask.hold_id, ask.prefix
local now = now_ms()
local active = ask.active and ask.ends_ms > now

-- Whether the booking has the very spans of its hold.
local function has_all_of(hold)
  for i, span in ipairs(spans_of(hold)) do
    local own = ask.spans[i]
    if not own or own[1] ~= span[1] or own[2] ~= span[2] or own[3] ~= span[3] then
      return false
    end
  end
  return true
end

-- marked: the booking's marks are all there, so that nothing is left of a hold with the same spans.
local function finish_hold(marked)
  if hold_id == '' then
    return
  end
  redis.call('ZREM', KEYS[3], hold_id)
  local hold = hash_of(redis.call('HGETALL', KEYS[2]))
  if hold.status == nil or hold.status == 'booked' then
    return
  end
  if not (marked and has_all_of(hold)) then
    drop_claims(prefix, spans_of(hold), hold_id)
  end
  redis.call('HSET', KEYS[2], 'booking_id', booking_id)
  close_hold(KEYS[2], hold, KEYS[3], hold_id, 'booked', ask.remembered_ms)
  keep_short_key(prefix, hold, ask.key_kept_ms)
end

-- Whether all claims carry booked marks; or the id of another booking that has one of them.
local function look_at(marks, count)
  local whole = true
  for i = 1, count do
    local booked = marks[i] and mark_state(marks[i]) == 'booked'
    if booked and mark_owner(marks[i]) ~= booking_id then
      return false, mark_owner(marks[i])
    end
    whole = whole and booked
  end
  return whole
end

-- Leaves of what an owner shows within `whole` only what lies outside of `span`.
local function cut_shown(whole, owner, span)
  for _, run in ipairs(hide_spans(prefix, whole, owner)) do
    local from, to, note, state, expires = unpack(run)
    if from < span[2] then
      show_span(prefix, span[1], from, math.min(to, span[2]), state, owner, expires, note, now)
    end
    if to > span[3] then
      show_span(prefix, span[1], math.max(from, span[3]), to, state, owner, expires, note, now)
    end
  end
end

-- Sets the booking's marks on a span. marks: those that were there, from index `at` on; their owners lose the ticks.
local function set_marks(span, keys, marks, at)
  local resource, from, to = span[1], span[2], span[3]
  local note, seen = ask.pending and '|pending' or '', {}
  local parts = {'booked', booking_id, number_text(from), number_text(to), number_text(version)}
  local mark = table.concat(parts, '|') .. note
  for i = at, at + to - from - 1 do
    local owner, first, last = string.match(marks[i] or '', '^%a+|([^|]*)|(%d+)|(%d+)')
    if owner and owner ~= booking_id and not seen[owner] then
      seen[owner] = true
      cut_shown({resource, tonumber(first), tonumber(last)}, owner, span)
    end
    redis.call('SET', keys[i], mark, 'PXAT', number_text(ask.ends_ms))
  end
  show_span(prefix, resource, from, to, 'booked', booking_id, ask.ends_ms, note, now)
end

local mirrored = redis.call('HMGET', KEYS[1], 'version', 'spans', 'active')
local seen, was_active = tonumber(mirrored[1] or 0), mirrored[3] == '1'
local same = seen > version or (seen == version and not (active and was_active))
local keys, marks = {}, {}
if active and not same then
  keys = claim_keys(prefix, ask.spans)
  marks = read_marks(keys)
  local whole, other = look_at(marks, #keys)
  if other then
    return {'CLASH', other}
  end
  same = seen == version and whole
end
if same then
  finish_hold()
  return {'SAME'}
end

drop_claims(prefix, spans_in(mirrored[2]), booking_id)
local shown, at = {}, 1
for _, span in ipairs(active and ask.spans or {}) do
  set_marks(span, keys, marks, at)
  at = at + span[3] - span[2]
  shown[#shown + 1] = table.concat({span[1], number_text(span[2]), number_text(span[3])}, ' ')
end
redis.call('HSET', KEYS[1], 'version', version, 'active', active and 1 or 0, 'spans', table.concat(shown, ' '),
  'holder', ask.holder)
local ends = ask.active and math.max(ask.visit_ends_ms, now) or now
redis.call('PEXPIREAT', KEYS[1], number_text(ends + ask.remembered_ms))
finish_hold(active)
publish(KEYS[4], ask.kind, booking_id, ask.event, active and 'booked' or 'free')
return {'MIRRORED'}
