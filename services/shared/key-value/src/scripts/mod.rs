//! Scripts in Lua: the real Lua 5.1, with what Redis lets scripts see.
//!
//! A script runs as a whole before anything else does. It may run for [`RUN_MAX`]; Redis lets it run on and answers BUSY
//! to everybody, and an operator then kills it. What it wrote until then stays, as with Redis when it is shut down.

mod convert;
mod digest;
mod failure;
mod library;

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use mlua::chunk::ChunkMode;
use mlua::{Function, HookTriggers, Lua, LuaOptions, StdLib, Table, Value, VmState};

pub(crate) use digest::sha1_of;

use crate::protocol::Answer;
use crate::protocol::{Failure, Reply};
use failure::Thrown;

/// How long a script may run.
const RUN_MAX: Duration = Duration::from_secs(5);
const TOO_LONG: Failure = Failure::of("ERR Script ran for more than 5 seconds and was stopped; what it wrote stays");
/// How many instructions pass between two looks at the clock.
const INSTRUCTIONS: u32 = 1_000;
/// What all scripts together may keep.
const MEMORY_BYTES_MAX: usize = 256 * 1024 * 1024;
const PRELUDE: &str = include_str!("prelude.lua");

/// What a script is called with.
pub(crate) struct Call<'a> {
    pub(crate) database: usize,
    pub(crate) keys: &'a [Vec<u8>],
    pub(crate) arguments: &'a [Vec<u8>],
}

/// Runs a command in a database.
type Run = dyn Fn(usize, &[Vec<u8>]) -> Answer;

/// Runs commands for the script that runs.
struct Caller {
    call: Box<Run>,
    database: Cell<usize>,
    until: Cell<Option<Instant>>,
}

impl Caller {
    fn call(&self, words: &[Vec<u8>]) -> Reply {
        (self.call)(self.database.get(), words).into()
    }
}

/// Lua, and the scripts that were loaded.
pub(crate) struct Scripts {
    lua: Lua,
    kept: HashMap<String, Function>,
    caller: Rc<Caller>,
    /// Where scripts look names up.
    visible: Table,
    /// Runs a function; says where it failed.
    run: Function,
}

impl Scripts {
    /// `call` runs a command on one of the databases.
    pub(crate) fn new(version: &str, call: impl Fn(usize, &[Vec<u8>]) -> Answer + 'static) -> mlua::Result<Self> {
        let caller = Rc::new(Caller {
            call: Box::new(call),
            database: Cell::new(0),
            until: Cell::new(None),
        });
        let libraries = StdLib::MATH | StdLib::STRING | StdLib::TABLE;
        let lua = Lua::new_with(libraries, LuaOptions::default())?;
        lua.set_memory_limit(MEMORY_BYTES_MAX)?;
        let timed = Rc::clone(&caller);
        lua.set_global_hook(
            HookTriggers::new().every_nth_instruction(INSTRUCTIONS),
            move |_, _| match timed.until.get() {
                Some(until) if Instant::now() >= until => Err(Thrown::stop(TOO_LONG)),
                _ => Ok(VmState::Continue),
            },
        )?;
        let prelude = lua.load(PRELUDE).set_name("=prelude");
        let (globals, visible, run) = prelude.call((
            library::redis(&lua, &caller, version)?,
            lua.create_function(|_, value: Value| Ok(failure::is_stop(&value)))?,
            lua.create_function(|lua, value: Value| failure::caught(lua, value))?,
            lua.create_function(|lua, value: Value| failure::located(lua, &value))?,
        ))?;
        lua.set_globals(globals)?;
        Ok(Self {
            lua,
            kept: HashMap::new(),
            caller,
            visible,
            run,
        })
    }

    /// Keeps a script; gives the hash by which it is run.
    pub(crate) fn load(&mut self, body: &[u8]) -> Result<String, Failure> {
        let sha = sha1_of(body);
        if !self.has(&sha) {
            let chunk = self.lua.load(body).set_name("@user_script").set_mode(ChunkMode::Text);
            let script = chunk.into_function().map_err(|error| {
                let reason = match error {
                    mlua::Error::SyntaxError { message, .. } => message,
                    other => other.to_string(),
                };
                Failure::new(format!("ERR Error compiling script (new function): {reason}"))
            })?;
            self.kept.insert(sha.clone(), script);
        }
        Ok(sha)
    }

    pub(crate) fn has(&self, sha: &str) -> bool {
        self.kept.contains_key(sha)
    }

    pub(crate) fn forget(&mut self) {
        self.kept.clear();
    }

    /// Runs a script that is kept.
    pub(crate) fn run(&self, sha: &str, call: &Call<'_>) -> Answer {
        self.caller.database.set(call.database);
        self.caller.until.set(Some(Instant::now() + RUN_MAX));
        let answer = self.kept.get(sha).map(|script| self.outcome(sha, script, call));
        self.caller.until.set(None);
        match answer {
            Some(Ok(reply)) => Ok(reply),
            // What Lua itself cannot do, such as to take more memory.
            Some(Err(error)) => Err(Failure::new(format!("ERR {error} script: {sha}"))),
            None => Err(Failure::of("NOSCRIPT No matching script. Please use EVAL.")),
        }
    }

    fn outcome(&self, sha: &str, script: &Function, call: &Call<'_>) -> mlua::Result<Reply> {
        self.visible.raw_set("KEYS", self.texts(call.keys)?)?;
        self.visible.raw_set("ARGV", self.texts(call.arguments)?)?;
        let (is_done, value): (bool, Value) = self.run.call(script)?;
        match value {
            value if is_done => convert::to_reply(&value),
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
