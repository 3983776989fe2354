//! What a script that runs may ask of the server, and for how long.

use std::cell::Cell;
use std::time::Instant;

use super::failure::Thrown;
use crate::protocol::{Answer, Failure, Reply};

const TOO_LONG: Failure = Failure::of("ERR Script ran for more than 5 seconds and was stopped; what it wrote stays");

/// Runs a command in a database.
type Run = dyn Fn(usize, &[Vec<u8>]) -> Answer;

/// Runs commands for the script that runs.
pub(super) struct Caller {
    call: Box<Run>,
    pub(super) database: Cell<usize>,
    /// When the script that runs must have ended.
    pub(super) until: Cell<Option<Instant>>,
}

impl Caller {
    /// `call` runs a command on one of the databases.
    pub(super) fn new(call: impl Fn(usize, &[Vec<u8>]) -> Answer + 'static) -> Self {
        Self {
            call: Box::new(call),
            database: Cell::new(0),
            until: Cell::new(None),
        }
    }

    pub(super) fn call(&self, words: &[Vec<u8>]) -> Reply {
        (self.call)(self.database.get(), words).into()
    }

    /// Ends the script whose time is over. It is told so once: nothing that it runs in can catch that.
    pub(super) fn check(&self) -> mlua::Result<()> {
        match self.until.get() {
            Some(until) if Instant::now() >= until => {
                self.until.set(None);
                Err(Thrown::stop(TOO_LONG))
            }
            _ => Ok(()),
        }
    }
}
