-- Declares the mirror whole again, but only if Redis was not lost since this rebuild began: a loss removes its token.
--
-- Clients that follow the live events load everything anew, because a rebuild publishes none for what it mirrors.
--
-- KEYS  1 rebuild token   2 epoch   3 events
-- ARGV  1 this rebuild's token   2 new epoch
--
-- REPLY {READY} | {LOST}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return {'LOST'}
end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('DEL', KEYS[1])
publish_mark(KEYS[3], 'rebuilt')
return {'READY'}
