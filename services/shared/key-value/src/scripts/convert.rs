//! Between answers of commands and values of Lua, as Redis documents it for version 2 of the protocol.

use mlua::{Lua, Table, Value};

use super::failure::{Thrown, failure};
use crate::protocol::{Failure, Reply, Room, significant, text_of_float};

/// How deep tables may be nested in an answer.
const DEPTH_MAX: u32 = 500;
const TOO_DEEP: Failure = Failure::of("ERR reached lua stack limit");
/// How many values pass between two questions whether to go on.
const VALUES: u32 = 1_000;

/// What a script gets of the answer to a command.
pub(super) fn to_lua(lua: &Lua, reply: Reply) -> mlua::Result<Value> {
    Ok(match reply {
        Reply::Status(text) => Value::Table(one_field(lua, "ok", &text)?),
        Reply::Error(Failure(text)) => Value::Table(one_field(lua, "err", &text)?),
        // Lua 5.1 has floats only, so numbers beyond 53 bits lose digits there, too.
        Reply::Integer(number) => Value::Number(number as f64),
        Reply::Float(number) => Value::String(lua.create_string(text_of_float(number))?),
        Reply::Text(text) => Value::String(lua.create_string(text)?),
        Reply::Nothing | Reply::NoArray => Value::Boolean(false),
        Reply::Array(replies) | Reply::Set(replies) => list(lua, replies.into_iter())?,
        Reply::Map(pairs) | Reply::Pairs(pairs) => {
            list(lua, pairs.into_iter().flat_map(|(first, second)| [first, second]))?
        }
    })
}

/// A table such as `{ok = 'PONG'}`.
pub(super) fn one_field(lua: &Lua, name: &str, text: &[u8]) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set(name, lua.create_string(text)?)?;
    Ok(table)
}

fn list(lua: &Lua, replies: impl Iterator<Item = Reply>) -> mlua::Result<Value> {
    let table = lua.create_table()?;
    for (index, reply) in replies.enumerate() {
        table.raw_set(index + 1, to_lua(lua, reply)?)?;
    }
    Ok(Value::Table(table))
}

/// What a client gets of that which a script returns. A table may hold itself, or another one many times, so what becomes of
/// it is counted, and `may_go_on` is asked from time to time.
///
/// # Errors
/// When the answer is too long, when it may not go on, or when Lua fails.
pub(super) fn to_reply(value: &Value, may_go_on: &dyn Fn() -> mlua::Result<()>) -> mlua::Result<Reply> {
    let mut conversion = Conversion {
        room: Room::default(),
        values: 0,
        may_go_on,
    };
    conversion.nested(value, 0)
}

struct Conversion<'a> {
    room: Room,
    values: u32,
    may_go_on: &'a dyn Fn() -> mlua::Result<()>,
}

impl Conversion<'_> {
    fn nested(&mut self, value: &Value, depth: u32) -> mlua::Result<Reply> {
        if depth > DEPTH_MAX {
            return Ok(Reply::Error(TOO_DEEP));
        }
        self.values += 1;
        if self.values.is_multiple_of(VALUES) {
            (self.may_go_on)()?;
        }
        let reply = match value {
            Value::Integer(number) => Reply::Integer(*number),
            // Cut off, as Redis does.
            Value::Number(number) => Reply::Integer(*number as i64),
            Value::String(text) => {
                self.take(text.as_bytes().len())?;
                Reply::text(&*text.as_bytes())
            }
            Value::Boolean(true) => Reply::Integer(1),
            Value::Table(table) => self.of_table(table, depth)?,
            _ => Reply::Nothing,
        };
        self.take(size_of::<Reply>())?;
        Ok(reply)
    }

    fn take(&mut self, bytes: usize) -> mlua::Result<()> {
        self.room.take(bytes).map_err(Thrown::by_command)
    }

    fn of_table(&mut self, table: &Table, depth: u32) -> mlua::Result<Reply> {
        if let Value::String(text) = table.raw_get("err")? {
            self.take(text.as_bytes().len())?;
            return Ok(Reply::Error(failure(&text.as_bytes())));
        }
        if let Value::String(text) = table.raw_get("ok")? {
            self.take(text.as_bytes().len())?;
            return Ok(Reply::Status(text.as_bytes().to_vec().into()));
        }
        if let Some(number) = table.raw_get::<Value>("double")?.as_f64() {
            return Ok(Reply::Float(number));
        }
        if let Value::Table(map) = table.raw_get("map")? {
            let pairs = map.pairs::<Value, Value>().map(|pair| {
                let (key, value) = pair?;
                Ok((self.nested(&key, depth + 1)?, self.nested(&value, depth + 1)?))
            });
            return Ok(Reply::Map(pairs.collect::<mlua::Result<_>>()?));
        }
        if let Value::Table(set) = table.raw_get("set")? {
            let members = set.pairs::<Value, Value>().map(|pair| self.nested(&pair?.0, depth + 1));
            return Ok(Reply::Set(members.collect::<mlua::Result<_>>()?));
        }
        let mut replies = Vec::new();
        loop {
            // An array ends before its first nil.
            match table.raw_get(replies.len() + 1)? {
                Value::Nil => return Ok(Reply::Array(replies)),
                element => replies.push(self.nested(&element, depth + 1)?),
            }
        }
    }
}

/// An argument of a command that a script runs; none where it cannot be one.
pub(super) fn argument(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        Value::Integer(number) => Some(significant(*number as f64).into_bytes()),
        Value::Number(number) => Some(significant(*number).into_bytes()),
        _ => None,
    }
}
