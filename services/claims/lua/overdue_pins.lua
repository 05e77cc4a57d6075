-- The pins that still have no outcome after their deadline, by Redis' clock.
--
-- KEYS  1 pins
-- ARGV  1 how many at most
--
-- REPLY {OVERDUE, hold id, deadline ms, …}, the one that is overdue longest first
return {'OVERDUE', unpack(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now_ms(), 'WITHSCORES', 'LIMIT', 0, ARGV[1]))}
