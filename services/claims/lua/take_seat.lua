-- Takes seats of one client address, or keeps them: each is one open stream of live events.
--
-- KEYS  1 the seats of the address
-- ARGV  1 most seats that the address may have before, 0 = any number   2 how long they last, ms   3… their names
--
-- REPLY {TAKEN} | {FULL}
local now, lasts = now_ms(), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if tonumber(ARGV[1]) > 0 and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then
  return {'FULL'}
end
for i = 3, #ARGV do
  redis.call('ZADD', KEYS[1], now + lasts, ARGV[i])
end
redis.call('PEXPIRE', KEYS[1], lasts)
return {'TAKEN'}
