-- Mirrors one version of a booking. Only this script sets or removes `booked` marks, whoever changed the booking.
-- MongoDB has decided, so the marks go over holds and pins. They never go over another booking's mark: that is a clash,
-- which only a new look at both documents can settle.
--
-- KEYS  1 mirrored booking   2 hold record   3 pins   4 events   5.. claims, the property's first
-- ARGV  1 a JSON object:
--         booking_id, version, active (false: it has ended, and marks nothing), pending (a reservation)
--         ends_ms        when the marks expire; after that time nothing is marked
--         visit_ends_ms  when the visit is over
--         remembered_ms  how long the record stays after that, and a hold after its end
--         hold_id        of the hold, or the name of the pin, that the booking was made from, '' = none
--         kind           of the live event
--         event          where and when: property_id, technician_id, start, end
--         property, technician   the ticks [from, to) that the booking has of each
--
-- REPLY {MIRRORED} | {SAME} (this version with its marks, or a newer version, is mirrored already)
--       {CLASH, the other booking's id}
local FIRST = 5
local ask = cjson.decode(ARGV[1])
local booking_id, version, hold_id = ask.booking_id, ask.version, ask.hold_id
local now = now_ms()
local active = ask.active and ask.ends_ms > now

local function finish_hold()
  if hold_id == '' then
    return
  end
  redis.call('ZREM', KEYS[3], hold_id)
  local hold = hash_of(redis.call('HGETALL', KEYS[2]))
  if hold.status == nil or hold.status == 'booked' then
    return
  end
  drop_claims(words(hold.claims), hold_id)
  redis.call('HSET', KEYS[2], 'booking_id', booking_id)
  close_hold(KEYS[2], hold, KEYS[3], hold_id, 'booked', ask.remembered_ms)
end

-- Whether all claims carry booked marks; and the id of another booking that has one of them.
local function look_at_marks()
  local marks, whole = read_marks(KEYS, FIRST, #KEYS), true
  for i = FIRST, #KEYS do
    local booked = marks[i] and mark_state(marks[i]) == 'booked'
    if booked and mark_owner(marks[i]) ~= booking_id then
      return false, mark_owner(marks[i])
    end
    whole = whole and booked
  end
  return whole
end

local function set_marks()
  local claims, property_claims = {}, ask.property[2] - ask.property[1]
  local function mark_of(span)
    local parts = {'booked', booking_id, number_text(span[1]), number_text(span[2]), number_text(version)}
    return table.concat(parts, '|') .. (ask.pending and '|pending' or '')
  end
  local of_property, of_technician = mark_of(ask.property), mark_of(ask.technician)
  for i = FIRST, #KEYS do
    redis.call('SET', KEYS[i], i < FIRST + property_claims and of_property or of_technician, 'PXAT', ask.ends_ms)
    claims[#claims + 1] = KEYS[i]
  end
  return claims
end

local mirrored = redis.call('HMGET', KEYS[1], 'version', 'claims', 'active')
local seen, was_active = tonumber(mirrored[1] or 0), mirrored[3] == '1'
local same = seen > version or (seen == version and not (active and was_active))
if active and not same then
  local whole, other = look_at_marks()
  if other then
    return {'CLASH', other}
  end
  same = seen == version and whole
end
if same then
  finish_hold()
  return {'SAME'}
end

drop_claims(words(mirrored[2] or ''), booking_id)
local claims = active and table.concat(set_marks(), ' ') or ''
redis.call('HSET', KEYS[1], 'version', version, 'active', active and 1 or 0, 'claims', claims)
redis.call('PEXPIREAT', KEYS[1], math.max(ask.visit_ends_ms, now) + ask.remembered_ms)
finish_hold()
publish(KEYS[4], ask.kind, booking_id, ask.event, active and 'booked' or 'free')
return {'MIRRORED'}
