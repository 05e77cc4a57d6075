-- Mirrors one version of a booking. No other script sets or removes booked marks.
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
--         spans          that the booking has, as text
--         prefix         of every key of this org
--
-- REPLY {MIRRORED} | {SAME} (this version with its marks, or a newer version, is mirrored already)
--       {CLASH, the other booking's id}
local ask = cjson.decode(ARGV[1])
local booking_id, version, hold_id, prefix = ask.booking_id, ask.version, ask.hold_id, ask.prefix
local now, spans = now_ms(), spans_in(ask.spans)
local active = ask.active and ask.ends_ms > now
local hold = hold_id ~= '' and hash_of(redis.call('HGETALL', KEYS[2])) or {}

-- marked: the booking's marks are all there, so that nothing is left of a hold with the same spans.
local function finish_hold(marked)
  if hold_id == '' then
    return
  end
  if not hold.status or hold.status == 'booked' then
    redis.call('ZREM', KEYS[3], hold_id)
    return
  end
  if not (marked and hold.spans == ask.spans) then
    drop_claims(prefix, spans_in(hold.spans), hold_id)
  end
  close_hold(prefix, hold, KEYS[3], hold_id, ask.remembered_ms, 'status', 'booked', 'booking_id', booking_id)
  keep_short_key(prefix, hold, ask.key_kept_ms)
end

-- Whether all claims carry booked marks; or the id of another booking that has one of them.
local function look_at(marks, count)
  local whole, known = true, nil
  for i = 1, count do
    if marks[i] ~= known then
      known = marks[i]
      local booked = known and is_booked(known)
      if booked and mark_owner(known) ~= booking_id then
        return false, mark_owner(known)
      end
      whole = whole and booked
    end
  end
  return whole
end

-- Leaves of what an owner shows of a resource only what lies outside of a span.
local function cut_shown(owner, span)
  local record = owner == hold_id and hold.spans or redis.call('HGET', prefix .. 'hold:' .. owner, 'spans')
  local whole = {span[1], 0, span[3]}  -- of an owner without a record
  for _, each in ipairs(spans_in(record)) do
    whole = each[1] == span[1] and each or whole
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

-- Sets the booking's mark on a span. marks: those that were there, from index `at` on; their owners lose the ticks.
local function set_marks(span, mark, keys, marks, at)
  local seen, known = {[booking_id] = true}, nil
  for i = at, at + span[3] - span[2] - 1 do
    if marks[i] and marks[i] ~= known then
      known = marks[i]
      local owner = mark_owner(known)
      if not seen[owner] then
        seen[owner] = true
        cut_shown(owner, span)
      end
    end
    redis.call('SET', keys[i], mark, 'PXAT', ask.ends_ms)
  end
  show_span(prefix, span[1], span[2], span[3], mark, ask.ends_ms, now)
end

local mirrored = redis.call('HMGET', KEYS[1], 'version', 'spans', 'active')
local seen, was_active = tonumber(mirrored[1] or 0), mirrored[3] == '1'
local same = seen > version or (seen == version and not (active and was_active))
local keys, marks = {}, {}
if active and not same then
  keys = claim_keys(prefix, spans)
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

if mirrored[2] then
  drop_claims(prefix, spans_in(mirrored[2]), booking_id)
end
local mark, at = (ask.pending and 'r|' or 'b|') .. booking_id, 1
for _, span in ipairs(active and spans or {}) do
  set_marks(span, mark, keys, marks, at)
  at = at + span[3] - span[2]
end
redis.call('HSET', KEYS[1], 'version', version, 'active', active and 1 or 0, 'spans', active and ask.spans or '',
  'holder', ask.holder)
local ends = ask.active and math.max(ask.visit_ends_ms, now) or now
redis.call('PEXPIREAT', KEYS[1], ends + ask.remembered_ms)
finish_hold(active)
publish(KEYS[4], ask.kind, booking_id, spans, active and 'booked' or 'free')
return {'MIRRORED'}
