-- Notes that MongoDB has nothing in the way of a hold that was placed while the mirror was not whole.
--
-- KEYS  1 hold record   2 idempotency record
--
-- REPLY {TRUSTED}
for _, key in ipairs(KEYS) do
  redis.call('HDEL', key, 'cold')
end
return {'TRUSTED'}
