-- Keeps a hash: the number of each tenth of a window that still counts, and how many requests it had.
local kept, now = redis.call('HGETALL', KEYS[1]), now_us()
local parts = 10
local part_length = math.ceil(length / parts)
local part = math.floor(now / part_length)
for index = 1, #kept, 2 do
  part = math.max(part, tonumber(kept[index]))
end
-- The number of the first part at which requests of this one no longer count.
local function end_of(number)
  return number + parts + 1
end
local count, first = 0, part
for index = 1, #kept, 2 do
  local number = tonumber(kept[index])
  if end_of(number) <= part then
    redis.call('HDEL', KEYS[1], kept[index])
  else
    count = count + tonumber(kept[index + 1])
    first = math.min(first, number)
  end
end
if count < limit then
  redis.call('HINCRBY', KEYS[1], whole(part), 1)
  expire(end_of(part) * part_length - now)
  return {1, limit - count - 1, now}
end
return {0, end_of(first) * part_length - now, now}
