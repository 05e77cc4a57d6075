-- Notes that MongoDB was asked about a hold that was placed while the mirror was not whole, and has nothing in its way.
--
-- KEYS  1 hold record   2 idempotency record
--
-- REPLY {TRUSTED}
for _, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then
    redis.call('HSET', key, 'cold', 0)
  end
end
return {'TRUSTED'}
