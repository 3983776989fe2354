-- What scripts see of Lua: as much as Redis shows them, and nothing that a script could change for those after it.
-- What the server brings comes in as arguments.
local redis, is_stopped, text_of, where_of = ...

local READONLY = 'Attempt to modify a readonly table'
local protected = {}

-- An empty table that shows what is in another one and cannot be changed.
local function protect(shown, missing)
  local refuse = function() error(READONLY, 2) end
  local proxy = setmetatable({}, { __index = missing or shown, __newindex = refuse, __metatable = false })
  protected[proxy] = shown
  return proxy
end

local real_pcall, real_xpcall, real_error, real_next = pcall, xpcall, error, next
local real_rawset, real_rawget, real_pairs = rawset, rawget, pairs

-- A script that is told to end cannot catch that.
local function caught(ok, ...)
  if ok then
    return ok, ...
  end
  local reason = ...
  if is_stopped(reason) then
    real_error(reason, 0)
  end
  return false, text_of(reason)
end

local visible = {}
for _, name in ipairs({
  'assert', 'collectgarbage', 'error', 'gcinfo', 'getmetatable', 'ipairs', 'rawequal', 'select', 'setmetatable',
  'tonumber', 'tostring', 'type', 'unpack', '_VERSION',
}) do
  visible[name] = _G[name]
end
for _, name in ipairs({ 'coroutine', 'math', 'string', 'table' }) do
  visible[name] = protect(_G[name])
end
visible.redis = protect(redis)

function visible.pcall(...)
  return caught(real_pcall(...))
end

function visible.xpcall(run, handler)
  local handle = function(reason)
    if is_stopped(reason) then
      return reason
    end
    return handler(text_of(reason))
  end
  return caught(real_xpcall(run, handle))
end

function visible.rawset(table, key, value)
  if protected[table] then
    real_error(READONLY, 0)
  end
  return real_rawset(table, key, value)
end

function visible.rawget(table, key)
  return real_rawget(protected[table] or table, key)
end

function visible.next(table, key)
  return real_next(protected[table] or table, key)
end

function visible.pairs(table)
  return real_pairs(protected[table] or table)
end

-- Lua does not check code that was compiled elsewhere, which could do anything: only text is taken.
local real_loadstring = loadstring
string.dump = nil

function visible.loadstring(text, name)
  if type(text) == 'string' and text:byte() == 27 then
    return nil, 'compiled code is not taken'
  end
  return real_loadstring(text, name)
end

function visible.load(read, name)
  local parts = {}
  for part in read do
    if part == '' then
      break
    end
    parts[#parts + 1] = part
  end
  return visible.loadstring(table.concat(parts), name or '=(load)')
end

getmetatable('').__metatable = false

-- Only names that nobody has given a value come here.
setmetatable(visible, {
  __index = function(_, name)
    error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
  end,
})
local globals = protect(visible)
visible._G = globals

local function run(script)
  return real_xpcall(script, where_of)
end

return globals, visible, run
