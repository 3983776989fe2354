-- Keeps a hash: how full the bucket was, and when. A microsecond adds the limit's number of parts, so a token has as many parts as
-- the window has microseconds.
local kept, now = redis.call('HMGET', KEYS[1], 'level', 'seen'), now_us()
local capacity = burst * length
local seen = tonumber(kept[2]) or now
local level = math.min((tonumber(kept[1]) or capacity) + math.max(now - seen, 0) * limit, capacity)
local admitted, answer = 0, nil
if level >= length then
  level = level - length
  admitted, answer = 1, math.floor(level / length)
else
  answer = math.ceil((length - level) / limit)
end
redis.call('HSET', KEYS[1], 'level', whole(level), 'seen', whole(math.max(seen, now)))
expire((capacity - level) / limit)
return {admitted, answer, now}
