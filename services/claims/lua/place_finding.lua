-- The second part of place_hold: the marks on all candidates, and the first candidate that is free.

local property = 'p:' .. ask.property_id

-- The spans of a candidate, the property's first.
local function spans_at(candidate)
  local start = candidate[2]
  return {{property, start, start + length}, {'t:' .. candidate[1], start - ask.before, start + length + ask.after}}
end

local function text_of(spans)
  local list = {}
  for i, span in ipairs(spans) do
    list[i] = table.concat(span, ' ')
  end
  return table.concat(list, ' ')
end

-- The marks of all ticks from the first to the last that the candidates need of each resource, and the names of their
-- keys: both by resource and tick.
local function read_all()
  local wide, order = {}, {}
  for _, candidate in ipairs(candidates) do
    candidate.spans = spans_at(candidate)
    for _, span in ipairs(candidate.spans) do
      local known = wide[span[1]]
      if not known then
        known = {span[1], span[2], span[3]}
        wide[span[1]], order[#order + 1] = known, known
      end
      known[2], known[3] = math.min(known[2], span[2]), math.max(known[3], span[3])
    end
  end
  local keys = claim_keys(prefix, order)
  local found, marks, names, at = read_marks(keys), {}, {}, 0
  for _, span in ipairs(order) do
    local row, name = {}, {}
    for tick = span[2], span[3] - 1 do
      at = at + 1
      row[tick], name[tick] = found[at], keys[at]
    end
    marks[span[1]], names[span[1]] = row, name
  end
  return marks, names
end

-- Whether a mark stands in the way: those of the booking that moves, of the one that it swaps with and of the hold to be
-- replaced do not.
local function is_taken(mark)
  if not mark or (replaced and mark_owner(mark) == ask.replaces) then
    return false
  end
  local owner = mark_owner(mark)
  return not (moving and is_booked(mark) and (owner == record.booking_id or owner == ask.swaps_with))
end

local function is_free(candidate, marks)
  for _, span in ipairs(candidate.spans) do
    local row = marks[span[1]]
    for tick = span[2], span[3] - 1 do
      if is_taken(row[tick]) then
        return false
      end
    end
  end
  return true
end

local function first_free(marks)
  for _, candidate in ipairs(candidates) do
    if candidate[3] ~= 1 and is_free(candidate, marks) then
      return candidate
    end
  end
end

local function is_same_slot(hold, candidate)
  local start = tonumber(string.match(hold.spans, ' (%d+)'))
  local asked_alike = tonumber(hold.requested) == ask.requested or start == ask.requested
  return asked_alike and hold.service_id == record.service_id and hold.spans == text_of(candidate.spans)
end

-- The live hold that this holder has of one of the candidates, as its id and a flat list of fields; or the hold that has
-- taken the place of the one to be replaced already, for a repeat without a holder.
local function own_hold(marks)
  local gone = replaced and replaced.owner == record.owner and replaced.status == 'released'
  local seen, before = {}, gone and replaced.replaced_by
  if not held or not (before or has_holder) then
    return nil
  end
  for _, candidate in ipairs(candidates) do
    local mark = marks[property][candidate[2]]
    local id = mark and not is_booked(mark) and mark_owner(mark)
    id = (has_holder or id == before) and id
    if id and not seen[id] then
      local flat = redis.call('HGETALL', prefix .. 'hold:' .. id)
      seen[id] = {flat = flat, hold = hash_of(flat)}
    end
    if id and seen[id].hold.owner == record.owner and is_same_slot(seen[id].hold, candidate) then
      return id, seen[id].flat
    end
  end
end
