//! Searches in strings, for the functions of `string` that take patterns.

use std::rc::Rc;

use mlua::{Function, IntoLua, Lua, LuaString, MultiValue, Value};

use super::caller::Caller;
use super::pattern::{Capture, Fault, Found, Pace, find_text, search};

/// Letters that mean something else than themselves in a pattern.
const SPECIAL: &[u8] = b"^$*+?.([%-";

/// What Lua is given: a search as `string.find` has it, and one for a pattern alone.
pub(super) fn searches(lua: &Lua, caller: &Rc<Caller>) -> mlua::Result<(Function, Function)> {
    let finding = Rc::clone(caller);
    let find = move |lua: &Lua, (text, wanted, from, is_plain): (LuaString, LuaString, f64, bool)| {
        let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
        let may_go_on = || finding.check();
        let (from, mut pace) = (start(text.len(), from), Pace::new(&may_go_on));
        let found = if is_plain || !wanted.iter().any(|letter| SPECIAL.contains(letter)) {
            find_text(&text, &wanted, from, &mut pace).map(|place| {
                place.map(|place| Found {
                    whole: place..place + wanted.len(),
                    captures: Vec::new(),
                })
            })
        } else {
            search(&text, &wanted, from, true, &mut pace)
        };
        told(lua, &text, found)
    };
    let searching = Rc::clone(caller);
    let search = move |lua: &Lua, (text, pattern, from, anchors): (LuaString, LuaString, f64, bool)| {
        let (text, pattern) = (text.as_bytes(), pattern.as_bytes());
        let may_go_on = || searching.check();
        let from = start(text.len(), from);
        told(
            lua,
            &text,
            search(&text, &pattern, from, anchors, &mut Pace::new(&may_go_on)),
        )
    };
    Ok((lua.create_function(find)?, lua.create_function(search)?))
}

/// Where a search starts, from zero: Lua counts from one, and from the end where the number is negative.
fn start(length: usize, from: f64) -> usize {
    let from = from.trunc();
    let from = if from < 0.0 { from + length as f64 + 1.0 } else { from };
    // What is no number counts as zero here, and so does what lies before the first letter.
    ((from - 1.0) as usize).min(length)
}

/// The first and the last letter and what was caught; nil where nothing was found, and false and a reason where the
/// pattern is none. The caller makes an error of that, since it knows the place in the script.
fn told(lua: &Lua, text: &[u8], found: Result<Option<Found>, Fault>) -> mlua::Result<MultiValue> {
    let found = match found {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(MultiValue::from_iter([Value::Nil])),
        Err(Fault::Malformed(why)) => return Ok(MultiValue::from_iter([Value::Boolean(false), why.into_lua(lua)?])),
        Err(Fault::Stopped(error)) => return Err(error),
    };
    let mut values = vec![number(found.whole.start + 1), number(found.whole.end)];
    for capture in found.captures {
        values.push(match capture {
            Capture::Text(range) => Value::String(lua.create_string(&text[range])?),
            Capture::Place(place) | Capture::Open(place) => number(place + 1),
        });
    }
    Ok(MultiValue::from_vec(values))
}

fn number(place: usize) -> Value {
    Value::Number(place as f64)
}
