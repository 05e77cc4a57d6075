-- Claims an idempotency key for one request.
--
-- KEYS  1 idempotency record
-- ARGV  1 fingerprint of the request   2 how long a request may run, ms; after that its worker counts as dead
--       3 the name of this attempt: a call that finds its own name in the record was sent twice
--
-- REPLY {OPENED} | {REUSED} | {RUNNING, ms} | {DONE, status, body}
local known = redis.call('HMGET', KEYS[1], 'fingerprint', 'status', 'body', 'attempt')
if not known[1] then
  redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'attempt', ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return {'OPENED'}
end
if known[1] ~= ARGV[1] then
  return {'REUSED'}
end
if known[2] then
  return {'DONE', known[2], known[3]}
end
if known[4] == ARGV[3] then
  return {'OPENED'}
end
return {'RUNNING', redis.call('PTTL', KEYS[1])}
