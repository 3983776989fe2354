-- Protected calls and coroutines. A script that is told to end cannot catch that.
--
-- Lua's own functions put a value more on the stack than they made room for when they hand on many results, and a build
-- that checks this ends the process: so results are handed on as a table.
local is_stopped, text_of, where_of = ...

local error, select, type, unpack = error, select, type, unpack
local real_pcall, real_xpcall = pcall, xpcall
local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield

local function pack(...)
  return select('#', ...), { ... }
end

local function call(run, ...)
  -- Without a name, so that Lua tells of none when it cannot be called.
  return pack((run or run)(...))
end

local function unpacked(ok, count, results)
  if ok then
    return true, unpack(results, 1, count)
  elseif is_stopped(count) then
    error(count, 0)
  end
  return false, text_of(count)
end

function pcall(...)
  if select('#', ...) == 0 then
    error("bad argument #1 to 'pcall' (value expected)", 2)
  end
  return unpacked(real_pcall(call, ...))
end

function xpcall(run, handler)
  local function handle(reason)
    if is_stopped(reason) then
      return reason
    end
    return handler(text_of(reason))
  end
  local function called()
    return call(run)
  end
  return unpacked(real_xpcall(called, handle))
end

function coroutine.create(run)
  if type(run) ~= 'function' then
    error("bad argument #1 to 'create' (Lua function expected)", 2)
  end
  return create(function(...)
    return call(run, ...)
  end)
end

function coroutine.yield(...)
  return yield(pack(...))
end

function coroutine.resume(thread, ...)
  return unpacked(resume(thread, ...))
end

local function resumed(ok, count, results)
  if ok then
    return unpack(results, 1, count)
  end
  error(count, type(count) == 'string' and 3 or 0)
end

function coroutine.wrap(run)
  local thread = coroutine.create(run)
  return function(...)
    return resumed(resume(thread, ...))
  end
end

-- Runs a script; only its first result is an answer. Where it fails, `where_of` tells the place.
return function(script)
  local function first()
    return (script())
  end
  return real_xpcall(first, where_of)
end
