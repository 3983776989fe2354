//! Why a script ended early, on its way through Lua.

use std::error::Error;
use std::fmt;

use mlua::{Lua, Table, Value};

use crate::protocol::Failure;

/// How far up the place of an error is looked for: behind the handler, and functions that Lua has from elsewhere.
const LEVELS: usize = 12;
/// What Lua calls the prelude, in front of its errors too.
pub(super) const PRELUDE: &str = "=prelude";

/// What is thrown through Lua by a command, or when the time of a script is over.
#[derive(Debug)]
pub(super) struct Thrown {
    pub(super) failure: Failure,
    /// Whether the script may not catch it.
    pub(super) is_stop: bool,
}

impl fmt::Display for Thrown {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&String::from_utf8_lossy(&self.failure.0))
    }
}

impl Error for Thrown {}

impl Thrown {
    pub(super) fn by_command(failure: Failure) -> mlua::Error {
        mlua::Error::external(Self {
            failure,
            is_stop: false,
        })
    }

    pub(super) fn stop(failure: Failure) -> mlua::Error {
        mlua::Error::external(Self { failure, is_stop: true })
    }

    fn of(value: &Value) -> Option<&Self> {
        match value {
            Value::Error(error) => error.downcast_ref(),
            _ => None,
        }
    }
}

/// An error that a script makes; it may begin it as it is sent.
pub(super) fn failure(text: &[u8]) -> Failure {
    Failure::new(text.strip_prefix(b"-").unwrap_or(text))
}

pub(super) fn is_stop(value: &Value) -> bool {
    Thrown::of(value).is_some_and(|thrown| thrown.is_stop)
}

/// What a script that catches an error gets of it: text where Redis gives text.
pub(super) fn caught(lua: &Lua, value: Value) -> mlua::Result<Value> {
    let text = match &value {
        Value::Error(error) => match Thrown::of(&value) {
            Some(thrown) => thrown.failure.0.to_vec(),
            None => root(error).into_bytes(),
        },
        Value::Table(table) => match table.raw_get("err")? {
            Value::String(text) => text.as_bytes().to_vec(),
            _ => return Ok(value),
        },
        Value::String(text) => match without_place(&text.as_bytes()) {
            rest if rest.len() < text.as_bytes().len() => rest.to_vec(),
            _ => return Ok(value.clone()),
        },
        _ => return Ok(value),
    };
    Ok(Value::String(lua.create_string(text)?))
}

/// What an error says, without a place in the prelude: Lua's own functions name no place in themselves either.
fn without_place(text: &[u8]) -> &[u8] {
    let place = format!("{}:", PRELUDE.trim_start_matches('='));
    let Some(rest) = text.strip_prefix(place.as_bytes()) else {
        return text;
    };
    let digits = rest.iter().take_while(|letter| letter.is_ascii_digit()).count();
    rest[digits..].strip_prefix(b": ").unwrap_or(text)
}

/// What a client is told of an error that nobody caught.
fn told(value: &Value) -> mlua::Result<Failure> {
    let text = match value {
        Value::Error(error) => match Thrown::of(value) {
            Some(thrown) => return Ok(thrown.failure.clone()),
            None => root(error),
        },
        Value::Table(table) => match table.raw_get("err")? {
            Value::String(text) => return Ok(failure(&text.as_bytes())),
            _ => "unknown error".to_owned(),
        },
        Value::String(text) => return Ok(Failure::new([b"ERR ", without_place(&text.as_bytes())].concat())),
        other => other.to_string()?,
    };
    Ok(Failure::new(format!("ERR {text}")))
}

/// What an error of Lua itself says, without the way that it took.
fn root(error: &mlua::Error) -> String {
    match error {
        mlua::Error::CallbackError { cause, .. } => root(cause),
        mlua::Error::RuntimeError(text) | mlua::Error::MemoryError(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Called where an error happens, while the way to there is still known: gives what is told, and the place in the
/// script.
pub(super) fn located(lua: &Lua, value: &Value) -> mlua::Result<Table> {
    let place = (1..LEVELS).find_map(|level| {
        lua.inspect_stack(level, |frame| {
            let source = frame.source().source?.into_owned();
            Some((source, frame.current_line()?)).filter(|(source, _)| source.starts_with('@'))
        })?
    });
    let table = lua.create_table()?;
    table.raw_set("err", lua.create_string(&*told(value)?.0)?)?;
    if let Some((source, line)) = place {
        table.raw_set("place", format!("{source}:{line}"))?;
    }
    Ok(table)
}
