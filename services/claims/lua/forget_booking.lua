-- Removes what is mirrored of a booking that MongoDB does not have, because an older backup was restored.
--
-- KEYS  1 mirrored booking
-- ARGV  1 booking id   2 the org's prefix
--
-- REPLY {FORGOTTEN}
drop_claims(ARGV[2], spans_in(redis.call('HGET', KEYS[1], 'spans')), ARGV[1])
redis.call('DEL', KEYS[1])
return {'FORGOTTEN'}
