//! The scripts that are kept, by the hash of their text.

use std::collections::HashSet;

use indexmap::IndexSet;
use mlua::{Function, Lua, Table};

/// How many scripts are kept that were only run by EVAL; as with Redis since 7.4. Those of SCRIPT LOAD stay.
const EVALUATED_MAX: usize = 500;

/// How a script came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// By SCRIPT LOAD, to be run by its hash.
    Loaded,
    /// By EVAL.
    Evaluated,
}

pub(super) struct Kept {
    /// In a table of Lua: what Rust holds of Lua takes one of some 8,000 places each.
    functions: Table,
    loaded: HashSet<String>,
    /// Those that were run the longest ago come first.
    evaluated: IndexSet<String>,
}

impl Kept {
    pub(super) fn new(lua: &Lua) -> mlua::Result<Self> {
        Ok(Self {
            functions: lua.create_table()?,
            loaded: HashSet::new(),
            evaluated: IndexSet::new(),
        })
    }

    pub(super) fn has(&self, sha: &str) -> bool {
        self.loaded.contains(sha) || self.evaluated.contains(sha)
    }

    /// Keeps a script, and drops the one of EVAL that was run the longest ago when there are too many.
    ///
    /// # Errors
    /// When Lua has no memory for it.
    pub(super) fn keep(&mut self, sha: &str, script: Function, origin: Origin) -> mlua::Result<()> {
        self.functions.raw_set(sha, script)?;
        match origin {
            Origin::Loaded => drop(self.loaded.insert(sha.to_owned())),
            Origin::Evaluated => drop(self.evaluated.insert(sha.to_owned())),
        }
        if self.evaluated.len() > EVALUATED_MAX
            && let Some(oldest) = self.evaluated.shift_remove_index(0)
        {
            self.functions.raw_remove(oldest)?;
        }
        Ok(())
    }

    /// Marks a script that is kept as loaded, so that it stays.
    pub(super) fn stay(&mut self, sha: &str) {
        if self.evaluated.shift_remove(sha) {
            self.loaded.insert(sha.to_owned());
        }
    }

    /// The script of a hash, to be run now.
    ///
    /// # Errors
    /// When Lua has no memory to look it up.
    pub(super) fn take(&mut self, sha: &str) -> mlua::Result<Option<Function>> {
        if self.evaluated.last().is_none_or(|newest| newest != sha) && self.evaluated.shift_remove(sha) {
            self.evaluated.insert(sha.to_owned());
        }
        self.functions.raw_get(sha)
    }

    /// Forgets all of them.
    ///
    /// # Errors
    /// When Lua fails.
    pub(super) fn forget(&mut self) -> mlua::Result<()> {
        self.loaded.clear();
        self.evaluated.clear();
        self.functions.clear()
    }
}
