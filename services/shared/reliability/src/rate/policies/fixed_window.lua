-- Keeps a hash: which window is counted, and how many requests it had.
local count_of, now = redis.call('HMGET', KEYS[1], 'window', 'count'), now_us()
local window = math.max(math.floor(now / length), tonumber(count_of[1]) or 0)
local count = window == tonumber(count_of[1]) and tonumber(count_of[2]) or 0
if count < limit then
  redis.call('HSET', KEYS[1], 'window', whole(window), 'count', whole(count + 1))
  expire((window + 1) * length - now)
  return {1, limit - count - 1, now}
end
return {0, (window + 1) * length - now, now}
