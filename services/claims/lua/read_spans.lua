-- What is taken of some resources, all at one moment.
--
-- KEYS  1 epoch   2.. the sorted sets of the resources' spans
-- ARGV  1 first tick   2 the tick after the last   3 how many ticks the longest span has
--
-- REPLY {SPANS, epoch ('' = none), now ms, [member, …], …}: for each resource the members that begin early enough and
--       late enough to touch the ticks. Those that end before them, or whose time is over, are among them
local reply = {'SPANS', redis.call('GET', KEYS[1]) or '', now_ms()}
local from, to = ARGV[1] - ARGV[3], '(' .. ARGV[2]
for i = 2, #KEYS do
  reply[#reply + 1] = redis.call('ZRANGEBYSCORE', KEYS[i], from, to)
end
return reply
