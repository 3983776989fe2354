-- What all scripts share. KEYS[1] is the client's state, ARGV its quota: requests, a window in microseconds, requests at once. Every
-- script answers {1, remaining, now} or {0, microseconds to wait, now}. Numbers are doubles, so they stay whole up to 2^53.
local limit, length, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

-- A whole number as text, without an exponent.
local function whole(number)
  return string.format('%.0f', number)
end

-- The time of this Redis, which all instances share, in microseconds since 1970.
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- After so many microseconds a client is as one that never came. Redis forgets by the millisecond that has begun, so one more keeps it
-- from forgetting too early.
local function expire(microseconds)
  redis.call('PEXPIRE', KEYS[1], whole(math.ceil(microseconds / 1000) + 1))
end

