//! The table `redis` that scripts see.

use std::rc::Rc;

use mlua::{Lua, MultiValue, Table, Value, Variadic};

use super::bounds::MEMORY_BYTES_MAX;
use super::caller::Caller;
use super::convert::{argument, one_field, to_lua};
use super::digest::sha1_of;
use super::failure::Thrown;
use crate::protocol::{Failure, Reply};

/// The numbers of the levels of `redis.log`.
const LEVELS: [(&str, i64); 4] = [
    ("LOG_DEBUG", 0),
    ("LOG_VERBOSE", 1),
    ("LOG_NOTICE", 2),
    ("LOG_WARNING", 3),
];

/// How much of what a script says is logged at a time, as with Redis.
const LOGGED_BYTES_MAX: usize = 1_024;

pub(super) fn redis(lua: &Lua, caller: &Rc<Caller>, version: &str) -> mlua::Result<Table> {
    let redis = lua.create_table()?;
    let calling = Rc::clone(caller);
    redis.set(
        "call",
        lua.create_function(move |lua, words: MultiValue| match call(&calling, &words) {
            Reply::Error(failure) => Err(Thrown::by_command(failure)),
            reply => to_lua(lua, reply),
        })?,
    )?;
    let calling = Rc::clone(caller);
    redis.set(
        "pcall",
        lua.create_function(move |lua, words: MultiValue| to_lua(lua, call(&calling, &words)))?,
    )?;
    redis.set(
        "error_reply",
        lua.create_function(|lua, words: Variadic<Value>| labelled(lua, "err", &words))?,
    )?;
    redis.set(
        "status_reply",
        lua.create_function(|lua, words: Variadic<Value>| labelled(lua, "ok", &words))?,
    )?;
    redis.set(
        "sha1hex",
        lua.create_function(|_, words: Variadic<Value>| sha1hex(&words))?,
    )?;
    let logged = |_: &Lua, words: Variadic<Value>| {
        log(&words);
        Ok(())
    };
    redis.set("log", lua.create_function(logged)?)?;
    redis.set("setresp", lua.create_function(|_, version: Value| setresp(&version))?)?;
    // Scripts have always been replicated by their effects since Redis 7, and there is nobody to replicate to.
    redis.set("replicate_commands", lua.create_function(|_, _: MultiValue| Ok(true))?)?;
    redis.set("set_repl", lua.create_function(|_, _: MultiValue| Ok(()))?)?;
    for (name, number) in LEVELS {
        redis.set(name, number)?;
    }
    redis.set("REDIS_VERSION", version)?;
    Ok(redis)
}

fn call(caller: &Caller, words: &MultiValue) -> Reply {
    if words.is_empty() {
        return Reply::Error(Failure::of(
            "ERR Please specify at least one argument for this redis lib call",
        ));
    }
    match copied(words) {
        Ok(words) => caller.call(&words),
        Err(failure) => Reply::Error(failure),
    }
}

/// The words of a command. A script may name one long string many times, which takes room here for each.
fn copied(words: &MultiValue) -> Result<Vec<Vec<u8>>, Failure> {
    let mut bytes = 0;
    let copy = |word: &Value| {
        if let Value::String(text) = word {
            bytes += text.as_bytes().len();
        }
        if bytes > MEMORY_BYTES_MAX {
            return Err(Failure::of("ERR the command is longer than 256 MB"));
        }
        argument(word).ok_or(Failure::of(
            "ERR Lua redis lib command arguments must be strings or integers",
        ))
    };
    words.iter().map(copy).collect()
}

fn labelled(lua: &Lua, name: &str, words: &[Value]) -> mlua::Result<Table> {
    match words {
        [Value::String(text)] => one_field(lua, name, &text.as_bytes()),
        _ => one_field(lua, "err", b"ERR wrong number or type of arguments"),
    }
}

fn sha1hex(words: &[Value]) -> mlua::Result<String> {
    let text = match words {
        [word] => argument(word).unwrap_or_default(),
        _ => return Err(Thrown::by_command(Failure::of("ERR wrong number of arguments"))),
    };
    Ok(sha1_of(&text))
}

fn log(words: &[Value]) {
    let mut line = Vec::new();
    for text in words.iter().skip(1).filter_map(argument) {
        if !line.is_empty() {
            line.push(b' ');
        }
        line.extend_from_slice(&text[..text.len().min(LOGGED_BYTES_MAX)]);
        if line.len() >= LOGGED_BYTES_MAX {
            line.truncate(LOGGED_BYTES_MAX);
            break;
        }
    }
    let text = String::from_utf8_lossy(&line);
    tracing::info!(%text, "a script says");
}

fn setresp(version: &Value) -> mlua::Result<()> {
    if version.as_f64() == Some(2.0) {
        Ok(())
    } else {
        Err(Thrown::by_command(Failure::of(
            "ERR scripts get answers of RESP 2 only here",
        )))
    }
}
