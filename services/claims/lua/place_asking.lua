-- The first part of place_hold: what is asked, and whether it was answered before. place_hold.lua explains KEYS and ARGV.

local ask = cjson.decode(ARGV[1])
local record, choices, length, prefix = ask.record, ask.choices, ask.length, ask.prefix
local held, moving, has_key = ask.state == 'held', ask.state == 'moving', ask.fingerprint ~= ''
local epoch, now = redis.call('GET', KEYS[2]), now_ms()
local has_holder = string.find(record.owner, ' ', 1, true)
local outdated = {} -- what is there of an answer that is no longer good: record, key
local replaced = ask.replaces ~= '' and hash_of(redis.call('HGETALL', prefix .. 'hold:' .. ask.replaces))

-- The answer that this idempotency key or this hold id had before, if it is still good.
local function earlier_answer()
  if has_key then
    local flat = redis.call('HGETALL', KEYS[5])
    local known = hash_of(flat)
    if known.fingerprint and known.fingerprint ~= ask.fingerprint then
      return {'REUSED'}
    end
    -- The key of a confirmation counts only while Redis remembers what it confirms; after that MongoDB knows better.
    if known.status and (held or redis.call('EXISTS', KEYS[1]) == 1) then
      return {'REPLAY', known.hold_id, 'now_ms', now, unpack(flat)}
    end
    outdated.key = known.fingerprint
  end
  local flat = redis.call('HGETALL', KEYS[1])
  local known = hash_of(flat)
  local lapsed = known.status == 'held' and tonumber(known.expires_ms) <= now
  if known.status and known.status ~= 'released' and not lapsed then
    return {'OWN', ask.hold_id, 'now_ms', now, unpack(flat)}
  end
  outdated.record = known.status
end

local function let_replaced_go(by)
  let_go(prefix, KEYS[3], KEYS[4], ask.replaces, replaced, key_of(record.owner), by)
end

-- Keeps what was answered under the idempotency key.
local function remember_answer(hold_id, ...)
  if has_key then
    if outdated.key then
      redis.call('DEL', KEYS[5])
    end
    redis.call('HSET', KEYS[5], 'fingerprint', ask.fingerprint, 'hold_id', hold_id, ...)
    redis.call('PEXPIRE', KEYS[5], ask.key_kept_ms)
  end
end
