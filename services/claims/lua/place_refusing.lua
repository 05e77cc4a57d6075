-- The fifth part of place_hold: why nothing is granted.

-- The refusal of the first quota that is full; nil if one more hold is allowed.
local function full_quota()
  local live = '(' .. now
  for _, quota in ipairs(quotas_of(record)) do
    local set, most = prefix .. quota[1], ask.limits[quota[2]]
    local spared = replaced and tonumber(redis.call('ZSCORE', set, ask.replaces) or 0) > now and 1 or 0
    if most and redis.call('ZCOUNT', set, live, '+inf') - spared >= most then
      local first = redis.call('ZRANGEBYSCORE', set, live, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
      return {'FULL', quota[2], most, tonumber(first[2]) - now}
    end
  end
end

-- What Redis knows of the owner of a mark: its spans, and the flat record of a hold or the holder of a booking.
local function known_of(mark)
  if is_booked(mark) then
    local found = redis.call('HMGET', prefix .. 'booking:' .. mark_owner(mark), 'spans', 'holder')
    return {spans_in(found[1]), found[2] or ''}
  end
  local flat = redis.call('HGETALL', prefix .. 'hold:' .. mark_owner(mark))
  return {spans_in(hash_of(flat).spans), flat}
end

-- A mark in the way, with the whole span that its owner has of the resource; of an unknown owner the tick alone.
local function obstacle(resource, tick, mark, ttl, known)
  local from, to = tick, tick + 1
  for _, span in ipairs(known[1]) do
    if span[1] == resource then
      from, to = span[2], span[3]
    end
  end
  return {resource, mark, known[2], from, to, ttl}
end

-- Each mark in the way of the choices at the requested start, once for each resource and owner.
local function obstacles(marks, names)
  local reply, named, known = {'TAKEN', epoch and 0 or 1}, {}, {}
  for _, choice in ipairs(choices) do
    for _, span in ipairs(choice[1] == ask.requested and choice.spans or {}) do
      local resource = span[1]
      for tick = span[2], span[3] - 1 do
        local mark = marks[resource][tick]
        local owner = mark and mark_owner(mark)
        if mark and not named[resource .. '|' .. owner] and is_taken(mark) then
          named[resource .. '|' .. owner] = true
          known[owner] = known[owner] or known_of(mark)
          local ttl = redis.call('PTTL', names[resource][tick])
          reply[#reply + 1] = obstacle(resource, tick, mark, ttl, known[owner])
        end
      end
    end
  end
  return reply
end
