//! Scripts in Lua: the real Lua 5.1, with what Redis lets scripts see.
//!
//! A script runs as a whole before anything else does. It may run for [`RUN_MAX`]; Redis lets it run on and answers BUSY
//! to everybody, and an operator then kills it. What it wrote until then stays, as with Redis when it is shut down.
//!
//! All scripts together may keep [`MEMORY_BYTES_MAX`]. Those that are loaded count as well: when they alone take more than
//! half of it, the server forgets them, as Redis may do at any time, and clients send them again. Of those that were only
//! run by EVAL it keeps the newest, as Redis does since 7.4. A script, and code that a
//! script loads, has at most [`CODE_BYTES_MAX`]. A pattern that would need more than a bounded number of choices at a time
//! is refused as too complex, and an answer that is too long as such.

mod bounds;
mod caller;
mod convert;
mod digest;
mod failure;
mod kept;
mod library;
mod pattern;
mod setup;
mod strings;

use std::rc::Rc;
use std::time::{Duration, Instant};

use mlua::chunk::ChunkMode;
use mlua::{Function, Lua, LuaString, Table, Value};

use bounds::{CODE_BYTES_MAX, MEMORY_BYTES_MAX, RUN_MAX};
use caller::Caller;
pub(crate) use digest::sha1_of;

use crate::protocol::Answer;
use crate::protocol::{Failure, Reply};
use failure::Thrown;
use kept::Kept;
pub(crate) use kept::Origin;
use setup::{Prepared, prepare};

const CODE_TOO_LONG: Failure = Failure::of("ERR Error compiling script (new function): it is longer than 64 KB");
/// What Lua calls scripts.
const NAME: &str = "@user_script";

/// What a script is called with.
pub(crate) struct Call<'a> {
    pub(crate) database: usize,
    pub(crate) keys: &'a [Vec<u8>],
    pub(crate) arguments: &'a [Vec<u8>],
}

/// Lua, and the scripts that were loaded.
pub(crate) struct Scripts {
    lua: Lua,
    kept: Kept,
    caller: Rc<Caller>,
    /// Where scripts look names up.
    visible: Table,
    /// Runs a function; says where it failed.
    run: Function,
    run_max: Duration,
    /// Lua does not hold the name of what it compiles while it does, and may collect it.
    _name: LuaString,
}

impl Scripts {
    /// `call` runs a command on one of the databases.
    pub(crate) fn new(version: &str, call: impl Fn(usize, &[Vec<u8>]) -> Answer + 'static) -> mlua::Result<Self> {
        let caller = Rc::new(Caller::new(call));
        let Prepared { lua, visible, run } = prepare(&caller, version)?;
        let name = lua.create_string(NAME)?;
        Ok(Self {
            kept: Kept::new(&lua)?,
            lua,
            caller,
            visible,
            run,
            run_max: RUN_MAX,
            _name: name,
        })
    }

    /// Keeps a script; gives the hash by which it is run.
    pub(crate) fn load(&mut self, body: &[u8], origin: Origin) -> Result<String, Failure> {
        let sha = sha1_of(body);
        if self.has(&sha) {
            if origin == Origin::Loaded {
                self.kept.stay(&sha);
            }
        } else {
            if body.len() > CODE_BYTES_MAX {
                return Err(CODE_TOO_LONG);
            }
            self.make_room();
            let chunk = self.lua.load(body).set_name(NAME).set_mode(ChunkMode::Text);
            let kept = chunk
                .into_function()
                .and_then(|script| self.kept.keep(&sha, script, origin));
            kept.map_err(|error| {
                let reason = match error {
                    mlua::Error::SyntaxError { message, .. } => message,
                    other => other.to_string(),
                };
                Failure::new(format!("ERR Error compiling script (new function): {reason}"))
            })?;
        }
        Ok(sha)
    }

    pub(crate) fn has(&self, sha: &str) -> bool {
        self.kept.has(sha)
    }

    pub(crate) fn forget(&mut self) {
        if let Err(error) = self.kept.forget() {
            tracing::warn!(%error, "scripts were not forgotten");
        }
    }

    /// Takes out what nobody needs any more once half of the memory is used: Lua 5.1 itself fails when all of it is, even
    /// if most could be collected.
    fn make_room(&mut self) {
        for is_last in [false, true] {
            if self.lua.used_memory() < MEMORY_BYTES_MAX / 2 {
                return;
            }
            if is_last {
                self.forget();
            }
            // The first time frees what is unreachable, the second one what that has held until it was destroyed.
            for _ in 0..2 {
                if let Err(error) = self.lua.gc_collect() {
                    tracing::warn!(%error, "the memory of scripts was not collected");
                }
            }
        }
    }

    /// Runs a script that is kept.
    pub(crate) fn run(&mut self, sha: &str, call: &Call<'_>) -> Answer {
        self.caller.database.set(call.database);
        self.caller.until.set(Some(Instant::now() + self.run_max));
        let answer = match self.kept.take(sha) {
            Ok(Some(script)) => Some(self.outcome(sha, &script, call)),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        };
        self.caller.until.set(None);
        self.make_room();
        match answer {
            Some(Ok(reply)) => Ok(reply),
            // What Lua itself cannot do, such as to take more memory, or what ended it outside of the script.
            Some(Err(error)) => Err(error.downcast_ref::<Thrown>().map_or_else(
                || Failure::new(format!("ERR {error} script: {sha}")),
                |thrown| thrown.failure.clone(),
            )),
            None => Err(Failure::of("NOSCRIPT No matching script. Please use EVAL.")),
        }
    }

    fn outcome(&self, sha: &str, script: &Function, call: &Call<'_>) -> mlua::Result<Reply> {
        self.visible.raw_set("KEYS", self.texts(call.keys)?)?;
        self.visible.raw_set("ARGV", self.texts(call.arguments)?)?;
        let ran = self.run.call(script);
        // What one script was called with takes no room from the next.
        self.visible.raw_set("KEYS", Value::Nil)?;
        self.visible.raw_set("ARGV", Value::Nil)?;
        let (is_done, value): (bool, Value) = ran?;
        match value {
            value if is_done => convert::to_reply(&value, &|| self.caller.check()),
            Value::Table(failed) => {
                let mut text = failed.raw_get::<mlua::LuaString>("err")?.as_bytes().to_vec();
                if let Some(place) = failed.raw_get::<Option<String>>("place")? {
                    text.extend_from_slice(format!(" script: {sha}, on {place}.").as_bytes());
                }
                Ok(Reply::Error(Failure::new(text)))
            }
            // The handler itself ran out of something.
            other => Ok(Reply::Error(Failure::new(format!("ERR {}", other.to_string()?)))),
        }
    }

    fn texts(&self, texts: &[Vec<u8>]) -> mlua::Result<Table> {
        let texts: mlua::Result<Vec<_>> = texts.iter().map(|text| self.lua.create_string(text)).collect();
        self.lua.create_sequence_from(texts?)
    }
}

#[cfg(test)]
mod tests;
