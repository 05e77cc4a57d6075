-- Mirrors one version of a booking: the only script that sets or removes `booked` marks, whoever changed the booking.
-- MongoDB has decided, so its marks go over holds and pins; but never over another booking's mark: that is a clash, which
-- only reading both documents again can settle.
--
-- KEYS  1 mirrored booking   2 hold record   3 pins   4 events   5.. claims, the property's first
-- ARGV  1 booking id   2 version   3 active: 1 or 0   4 marks expire at, ms: of one that is over nothing is marked   5 record expires at, ms
--       6 hold id ('' = none)   7 remembered after the hold's end, ms   8 event kind   9 property id   10 technician id
--       11 start   12 end   13 property claims   14 mark on them   15 mark on the technician's claims
--
-- REPLY {MIRRORED} | {SAME} (this version, with its marks, or a newer one is mirrored already)
--       {CLASH, other booking's id}
local booking_id, version, hold_id = ARGV[1], tonumber(ARGV[2]), ARGV[6]
local active = ARGV[3] == '1' and tonumber(ARGV[4]) > now_ms()
local FIRST = 5

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
  close_hold(KEYS[2], hold, KEYS[3], hold_id, 'booked', ARGV[7])
end

local mirrored = redis.call('HMGET', KEYS[1], 'version', 'claims', 'active')
local seen, was_active = tonumber(mirrored[1] or 0), mirrored[3] == '1'
if seen > version or (seen == version and not (active and was_active)) then
  finish_hold()
  return {'SAME'}
end
if active then
  local marks, whole = read_marks(KEYS, FIRST, #KEYS), true
  for i = FIRST, #KEYS do
    local booked = marks[i] and mark_state(marks[i]) == 'booked'
    if booked and mark_owner(marks[i]) ~= booking_id then
      return {'CLASH', mark_owner(marks[i])}
    end
    whole = whole and booked
  end
  if seen == version and whole then
    finish_hold()
    return {'SAME'}
  end
end

drop_claims(words(mirrored[2] or ''), booking_id)
local claims = {}
if active then
  for i = FIRST, #KEYS do
    local mark = i < FIRST + tonumber(ARGV[13]) and ARGV[14] or ARGV[15]
    redis.call('SET', KEYS[i], mark, 'PXAT', ARGV[4])
    claims[#claims + 1] = KEYS[i]
  end
end
redis.call('HSET', KEYS[1], 'version', version, 'active', active and 1 or 0, 'claims', table.concat(claims, ' '))
redis.call('PEXPIREAT', KEYS[1], ARGV[5])
finish_hold()
publish(KEYS[4], ARGV[8], booking_id,
  {property_id = ARGV[9], technician_id = ARGV[10], start = ARGV[11], ['end'] = ARGV[12]}, active and 'booked' or 'free')
return {'MIRRORED'}
