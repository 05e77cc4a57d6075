-- The second part of place_hold: the marks on all choices.

local needed, before, after = ask.needed, ask.before, ask.after
local site = {'p:' .. ask.property_id}
for _, unit in ipairs(ask.units or {}) do
  site[#site + 1] = 'p:' .. unit
end

-- The spans of the property and its units at a start, and those of some technicians behind them.
local function spans_at(start, technicians)
  local spans = {}
  for i, resource in ipairs(site) do
    spans[i] = {resource, start, start + length}
  end
  for _, id in ipairs(technicians) do
    spans[#spans + 1] = {'t:' .. id, start - before, start + length + after}
  end
  return spans
end

local function text_of(spans)
  local list = {}
  for i, span in ipairs(spans) do
    list[i] = table.concat(span, ' ')
  end
  return table.concat(list, ' ')
end

-- The marks of all ticks from the first to the last that the choices need of each resource, and the names of their keys:
-- both by resource and tick.
local function read_all()
  local wide, order = {}, {}
  for _, choice in ipairs(choices) do
    choice.spans = spans_at(choice[1], choice[2])
    for _, span in ipairs(choice.spans) do
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

local function is_free(span, marks)
  local row = marks[span[1]]
  for tick = span[2], span[3] - 1 do
    if is_taken(row[tick]) then
      return false
    end
  end
  return true
end
