-- Keeps one number: when the next request is due in theory.
local due, now = tonumber(redis.call('GET', KEYS[1])) or 0, now_us()
local interval = math.ceil(length / limit)
local tolerance = interval * (burst - 1)
local early = math.max(due - now, 0)
if early > tolerance then
  return {0, early - tolerance, now}
end
due = math.max(due, now) + interval
redis.call('SET', KEYS[1], whole(due))
expire(due - now)
return {1, math.floor((tolerance - early) / interval), now}
