-- The functions around tables that in C count beyond their integers, that know no end, or that change what is protected.
local protected, READONLY = ...

local error, select, tonumber, type = error, select, tonumber, type
local insert, remove, sort, unpack = table.insert, table.remove, table.sort, unpack
-- Lua hands on fewer values than this at a time.
local VALUES_MAX = 8000
local INTEGER_END = 2 ^ 31

-- Functions of C do not ask what is protected.
local function check(list)
  if protected[list] then
    error(READONLY, 0)
  end
end

function table.insert(list, ...)
  check(list)
  local place = tonumber((...))
  if select('#', ...) == 2 and place and not (place >= 0 and place < INTEGER_END) then
    error("bad argument #2 to 'insert' (position out of bounds)", 2)
  end
  return insert(list, ...)
end

function table.remove(list, ...)
  check(list)
  return remove(list, ...)
end

local function is_less(one, other)
  return one < other
end

-- A function of Lua compares, where in C nobody looks at the clock.
function table.sort(list, comes_first)
  check(list)
  if comes_first == nil then
    comes_first = is_less
  end
  return sort(list, comes_first)
end

function _G.unpack(list, first, last)
  local from = first == nil and 1 or tonumber(first)
  local to = last == nil and type(list) == 'table' and #list or tonumber(last)
  if from and to and not (to - from < VALUES_MAX) then
    error('too many results to unpack', 2)
  end
  return unpack(list, first, last)
end
