-- What scripts see of Lua: as much as Redis shows them, and nothing that a script could change for those after it.
-- What the server brings comes in as arguments.
local redis, protected, READONLY, code_bytes_max = ...

-- An empty table that shows what is in another one and cannot be changed.
local function protect(shown, missing)
  local refuse = function() error(READONLY, 2) end
  local proxy = setmetatable({}, { __index = missing or shown, __newindex = refuse, __metatable = false })
  protected[proxy] = shown
  return proxy
end

local real_error, real_next = error, next
local real_rawset, real_rawget, real_pairs = rawset, rawget, pairs

local visible = {}
for _, name in ipairs({
  'assert', 'error', 'gcinfo', 'getmetatable', 'ipairs', 'pcall', 'rawequal', 'select', 'setmetatable', 'tonumber',
  'tostring', 'type', 'unpack', 'xpcall', '_VERSION',
}) do
  visible[name] = _G[name]
end
for _, name in ipairs({ 'coroutine', 'math', 'string', 'table' }) do
  visible[name] = protect(_G[name])
end
visible.redis = protect(redis)

-- Scripts share the collector: none may turn it off or slow it down for those after it.
local collect = collectgarbage
local may_collect = { collect = true, count = true, step = true }

function visible.collectgarbage(what, ...)
  if what == nil or may_collect[what] then
    return collect(what, ...)
  end
  return 0
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

-- Lua does not check code that was compiled elsewhere, which could do anything: only text is taken. It looks at no clock
-- while it compiles, which takes as long as the square of the length, and it does not hold the name while it does.
local real_loadstring, find, sub = loadstring, string.find, string.sub
string.dump = nil

function visible.loadstring(text, name)
  if type(text) == 'string' and text:byte() == 27 then
    return nil, 'compiled code is not taken'
  elseif type(text) == 'string' and #text > code_bytes_max then
    return nil, 'the code is too long'
  end
  local held = tostring(name == nil and text or name)
  held = sub(held, 1, (find(held, '\0', 1, true) or 0) - 1)
  return real_loadstring(text, held)
end

function visible.load(read, name)
  local parts, bytes = {}, 0
  for part in read do
    bytes = bytes + #part
    if part == '' or bytes > code_bytes_max then
      break
    end
    parts[#parts + 1] = part
  end
  if bytes > code_bytes_max then
    return nil, 'the code is too long'
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

return globals, visible
