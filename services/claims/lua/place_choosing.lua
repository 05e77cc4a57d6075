-- The third part of place_hold: the first choice that can be had, and who comes.

-- How many visits of a technician begin on the day.
local function load_of(id)
  local count = 0
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'spans:t:' .. id, ask.day[1], '(' .. ask.day[2])) do
    count = count + (tonumber(string.match(member, '%d+$')) > now and 1 or 0)
  end
  return count
end

-- Puts those first who have the least to do on the day, and leaves the others in their order.
local function sort_by_load(technicians)
  local place, load = {}, {}
  for i, id in ipairs(technicians) do
    place[id], load[id] = i, load_of(id)
  end
  table.sort(technicians, function(one, other)
    if load[one] ~= load[other] then
      return load[one] < load[other]
    end
    return place[one] < place[other]
  end)
end

-- The spans of the visit that a choice becomes; nil if it cannot be had.
local function visit_of(choice, marks)
  local spans, technicians, free, barred = choice.spans, choice[2], {}, {}
  for i = 1, #site do
    if not is_free(spans[i], marks) then
      return nil
    end
  end
  for _, id in ipairs(choice[3] or {}) do
    barred[id] = true
  end
  for i, id in ipairs(technicians) do
    if not barred[id] and is_free(spans[#site + i], marks) then
      free[#free + 1] = id
    end
  end
  if #free < needed then
    return nil
  end
  if #technicians == needed then
    return spans
  end
  if #free > needed then
    sort_by_load(free)
  end
  return spans_at(choice[1], {unpack(free, 1, needed)})
end

-- The start and the spans of the first visit that can be had.
local function first_free(marks)
  for _, choice in ipairs(choices) do
    local spans = visit_of(choice, marks)
    if spans then
      return {start = choice[1], spans = spans}
    end
  end
end
