//! What scripts see of Lua, and what keeps them in bounds.

use std::rc::Rc;

use mlua::{Function, HookTriggers, Lua, LuaOptions, StdLib, Table, Value, VmState};

use super::bounds::{CODE_BYTES_MAX, MEMORY_BYTES_MAX};
use super::caller::Caller;
use super::{failure, library, strings};

/// How many instructions pass between two looks at the clock. Each call is one more, since a single instruction or function
/// may work on all the memory that there is.
const INSTRUCTIONS: u32 = 100;
const READONLY: &str = "Attempt to modify a readonly table";

/// Lua as scripts find it.
pub(super) struct Prepared {
    pub(super) lua: Lua,
    /// Where scripts look names up.
    pub(super) visible: Table,
    /// Runs a function; says where it failed.
    pub(super) run: Function,
}

pub(super) fn prepare(caller: &Rc<Caller>, version: &str) -> mlua::Result<Prepared> {
    let libraries = StdLib::MATH | StdLib::STRING | StdLib::TABLE;
    let lua = Lua::new_with(libraries, LuaOptions::default())?;
    lua.set_memory_limit(MEMORY_BYTES_MAX)?;
    let timed = Rc::clone(caller);
    let triggers = HookTriggers::new().on_calls().every_nth_instruction(INSTRUCTIONS);
    lua.set_global_hook(triggers, move |_, _| timed.check().map(|()| VmState::Continue))?;
    let (globals, visible, run) = load(&lua, caller, version)?;
    lua.set_globals(globals)?;
    Ok(Prepared { lua, visible, run })
}

/// Runs the parts of the prelude, each of which brings some functions of Lua in bounds, and the last one hides the rest.
fn load(lua: &Lua, caller: &Rc<Caller>, version: &str) -> mlua::Result<(Table, Table, Function)> {
    let chunk = |text: &'static str| lua.load(text).set_name(failure::PRELUDE);
    let protected = lua.create_table()?;
    let (find, search) = strings::searches(lua, caller)?;
    chunk(include_str!("lua/strings.lua")).call::<()>((find, search, MEMORY_BYTES_MAX))?;
    let run = chunk(include_str!("lua/calls.lua")).call((
        lua.create_function(|_, value: Value| Ok(failure::is_stop(&value)))?,
        lua.create_function(|lua, value: Value| failure::caught(lua, value))?,
        lua.create_function(|lua, value: Value| failure::located(lua, &value))?,
    ))?;
    chunk(include_str!("lua/tables.lua")).call::<()>((protected.clone(), READONLY))?;
    let (globals, visible) = chunk(include_str!("lua/prelude.lua")).call((
        library::redis(lua, caller, version)?,
        protected,
        READONLY,
        CODE_BYTES_MAX,
    ))?;
    Ok((globals, visible, run))
}
