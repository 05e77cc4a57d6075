-- The fourth part of place_hold: the hold that the caller has already.

-- Whether a hold is one visit of a choice, with any of its technicians.
local function is_same_slot(hold, choice)
  local start, place = choice[1], text_of(spans_at(choice[1], {})) .. ' '
  local asked_alike = tonumber(hold.requested) == ask.requested or start == ask.requested
  asked_alike = asked_alike and hold.service_id == record.service_id
  if not asked_alike or string.sub(hold.spans, 1, #place) ~= place then
    return false
  end
  local may_come, count = {}, 0
  for i = #site + 1, #choice.spans do
    may_come[table.concat(choice.spans[i], ' ')] = true
  end
  for _, span in ipairs(spans_in(string.sub(hold.spans, #place + 1))) do
    if not may_come[table.concat(span, ' ')] then
      return false
    end
    count = count + 1
  end
  return count == needed
end

-- The live hold that this holder has of one of the choices, as its id and a flat list of fields; or the hold that has
-- taken the place of the one to be replaced already, for a repeat without a holder.
local function own_hold(marks)
  local gone = replaced and replaced.owner == record.owner and replaced.status == 'released'
  local seen, follower = {}, gone and replaced.replaced_by
  if not held or not (follower or has_holder) then
    return nil
  end
  for _, choice in ipairs(choices) do
    local mark = marks[site[1]][choice[1]]
    local id = mark and not is_booked(mark) and mark_owner(mark)
    id = (has_holder or id == follower) and id
    if id and not seen[id] then
      local flat = redis.call('HGETALL', prefix .. 'hold:' .. id)
      seen[id] = {flat = flat, hold = hash_of(flat)}
    end
    if id and seen[id].hold.owner == record.owner and is_same_slot(seen[id].hold, choice) then
      return id, seen[id].flat
    end
  end
end
