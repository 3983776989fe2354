-- The functions of `string` that in C know no end: those that take patterns, on a matcher of this server, and `rep`.
local find, search, bytes_max = ...

local error, select, tonumber, tostring, type = error, select, tonumber, tostring, type
local byte, rep, sub, concat = string.byte, string.rep, string.sub, table.concat
local PERCENT, CARET = '%', byte('^')

-- Tells of a wrong argument where a script called; the argument is checked by a function that the called one calls.
local function complain(position, name, what)
  error('bad argument #' .. position .. " to '" .. name .. "' (" .. what .. ')', 4)
end

local function kind_of(value)
  return value == nil and 'no value' or type(value)
end

local function text(value, position, name)
  local kind = type(value)
  if kind ~= 'string' and kind ~= 'number' then
    complain(position, name, 'string expected, got ' .. kind_of(value))
  end
  return tostring(value)
end

local function number(value, position, name)
  local read = tonumber(value)
  if not read then
    complain(position, name, 'number expected, got ' .. kind_of(value))
  end
  return read
end

-- What a search found; what is no pattern is an error where the script called.
local function checked(first, ...)
  if first == false then
    error((...), 3)
  end
  return first, ...
end

-- The captures of what was found, or all of it where nothing was captured.
local function captured(subject, first, last, ...)
  if first == false then
    error(last, 3)
  elseif first == nil then
    return nil
  elseif select('#', ...) == 0 then
    return sub(subject, first, last)
  end
  return ...
end

function string.find(subject, pattern, from, is_plain)
  subject, pattern = text(subject, 1, 'find'), text(pattern, 2, 'find')
  from = from == nil and 1 or number(from, 3, 'find')
  return checked(find(subject, pattern, from, is_plain and true or false))
end

function string.match(subject, pattern, from)
  subject, pattern = text(subject, 1, 'match'), text(pattern, 2, 'match')
  from = from == nil and 1 or number(from, 3, 'match')
  return captured(subject, search(subject, pattern, from, true))
end

function string.gmatch(subject, pattern)
  subject, pattern = text(subject, 1, 'gmatch'), text(pattern, 2, 'gmatch')
  local from = 1
  local function passed(first, last, ...)
    -- Behind a match of nothing the search goes on one letter later.
    from = first and (last < first and last + 2 or last + 1)
    return captured(subject, first, last, ...)
  end
  return function()
    if from and from <= #subject + 1 then
      return passed(search(subject, pattern, from, false))
    end
  end
end

string.gfind = string.gmatch

-- A text with `%1` and its like in it, filled with what was captured.
local function filled(template, whole, ...)
  local parts, from = {}, 1
  local captures = select('#', ...)
  while true do
    local percent = find(template, PERCENT, from, true)
    if not percent then
      break
    end
    local letter = sub(template, percent + 1, percent + 1)
    local index = tonumber(letter)
    parts[#parts + 1] = sub(template, from, percent - 1)
    if index == 0 or index == 1 and captures == 0 then
      parts[#parts + 1] = whole
    elseif index == nil then
      parts[#parts + 1] = letter
    elseif index <= captures then
      parts[#parts + 1] = (select(index, ...))
    else
      error('invalid capture index', 5)
    end
    from = percent + 2
  end
  parts[#parts + 1] = sub(template, from)
  return concat(parts)
end

-- What comes in the place of a match.
local function replacement(with, kind, whole, ...)
  if kind == 'string' then
    local result = filled(with, whole, ...)
    return result
  end
  local value
  if kind == 'table' then
    local key = whole
    if select('#', ...) > 0 then
      key = ...
    end
    value = with[key]
  elseif select('#', ...) > 0 then
    value = with(...)
  else
    value = with(whole)
  end
  if not value then
    return whole
  end
  kind = type(value)
  if kind ~= 'string' and kind ~= 'number' then
    error('invalid replacement value (a ' .. kind .. ')', 4)
  end
  return value
end

function string.gsub(subject, pattern, with, most)
  subject, pattern = text(subject, 1, 'gsub'), text(pattern, 2, 'gsub')
  local kind = type(with)
  if kind == 'number' then
    with, kind = tostring(with), 'string'
  elseif kind ~= 'string' and kind ~= 'table' and kind ~= 'function' then
    error("bad argument #3 to 'gsub' (string/function/table expected)", 2)
  end
  most = most == nil and #subject + 1 or number(most, 4, 'gsub')
  local is_anchored = byte(pattern) == CARET
  local parts, count, from = {}, 0, 1
  -- Replaces a match; says whether there may be another one.
  local function replaced(first, last, ...)
    if first == false then
      error(last, 3)
    elseif first == nil then
      return false
    end
    count = count + 1
    parts[#parts + 1] = sub(subject, from, first - 1)
    parts[#parts + 1] = replacement(with, kind, sub(subject, first, last), ...)
    from = last + 1
    if last < first then
      parts[#parts + 1] = sub(subject, first, first)
      from = first + 1
    end
    return from <= #subject + 1 and not is_anchored
  end
  while count < most and replaced(search(subject, pattern, from, true)) do end
  parts[#parts + 1] = sub(subject, from)
  return concat(parts), count
end

function string.rep(subject, times)
  subject, times = text(subject, 1, 'rep'), number(times, 2, 'rep')
  if subject == '' or not (times >= 1) then
    return ''
  elseif #subject * times > bytes_max then
    error('resulting string too large', 2)
  end
  return rep(subject, times)
end
