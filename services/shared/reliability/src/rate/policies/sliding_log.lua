-- Keeps a sorted set: when each request of the last window was admitted. Two in the same microsecond are two.
local now = now_us()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', whole(now - length))
local count = redis.call('ZCARD', KEYS[1])
if count < limit then
  local at = whole(now)
  local twins = redis.call('ZCOUNT', KEYS[1], at, at)
  redis.call('ZADD', KEYS[1], at, at .. ':' .. twins)
  expire(length)
  return {1, limit - count - 1, now}
end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {0, tonumber(first[2]) + length - now, now}
