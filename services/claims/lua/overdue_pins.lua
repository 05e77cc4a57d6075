-- Which pins have waited longer than their deadline for an outcome, by Redis' own clock.
--
-- KEYS  1 pins
-- ARGV  1 how many at the most
--
-- REPLY {OVERDUE, hold id, deadline ms, …}, the longest overdue first
return {'OVERDUE', unpack(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now_ms(), 'WITHSCORES', 'LIMIT', 0, ARGV[1]))}
