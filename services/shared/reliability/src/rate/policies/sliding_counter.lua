-- Keeps a hash: which window is counted, how many requests it had, and how many the one before it.
local kept, now = redis.call('HMGET', KEYS[1], 'window', 'count', 'before'), now_us()
local known = tonumber(kept[1]) or 0
local window = math.max(math.floor(now / length), known)
local count, before = tonumber(kept[2]) or 0, tonumber(kept[3]) or 0
if window == known + 1 then
  count, before = 0, count
elseif window > known then
  count, before = 0, 0
end
local ends = (window + 1) * length
local left = math.min(ends - now, length)

-- The most that may be left of a window for one more to fit behind so many of it and so many of the one before.
local function left_max(inside, earlier)
  local others = limit - inside - 1
  if others < 0 then
    return nil
  end
  if earlier == 0 then
    return length
  end
  return math.min(math.floor(others * length / earlier), length)
end

local room = math.floor(math.max(limit * length - before * left - count * length, 0) / length)
if room > 0 then
  redis.call('HSET', KEYS[1], 'window', whole(window), 'count', whole(count + 1), 'before', whole(before))
  expire(ends + length - now)
  return {1, room - 1, now}
end
-- At the end of this window nothing is left of it, but there the next one begins, with this count to fade.
local here = left_max(count, before)
if here and here > 0 then
  return {0, ends - here - now, now}
end
return {0, ends + length - (left_max(0, count) or 0) - now, now}
