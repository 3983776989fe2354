//! What a command is.

use crate::arguments::{Arguments, wrong_number};
use crate::keyspace::Keyspace;
use crate::protocol::{Answer, Failure};
use crate::server::Server;
use crate::session::Session;

/// How a command is run.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    /// On the keys of one database; scripts may run it, too.
    Keys(fn(&mut Keyspace, Arguments<'_>) -> Answer),
    /// On the server and the connection.
    Server(fn(&mut Server, &mut Session, Arguments<'_>) -> Answer),
    /// The same, and never put off until EXEC.
    AtOnce(fn(&mut Server, &mut Session, Arguments<'_>) -> Answer),
    /// On what is known of commands.
    Commands(fn(&'static [Command], Arguments<'_>) -> Answer),
    /// EXEC: it runs what was queued.
    Queued,
}

/// A command. What is told of it is in the words of COMMAND.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// How many words it has, with its name; a negative number means at least so many.
    pub(crate) arity: i64,
    pub(crate) flags: &'static [&'static str],
    /// Positions of the first and the last key, and how many words there are from one to the next.
    pub(crate) keys: [i64; 3],
    pub(crate) group: &'static str,
    pub(crate) run: Run,
}

impl Command {
    /// Refuses what has too few or too many words.
    pub(crate) fn check(&self, words: usize) -> Result<(), Failure> {
        let words = i64::try_from(words).unwrap_or(i64::MAX);
        if words == self.arity || (self.arity < 0 && words >= -self.arity) {
            Ok(())
        } else {
            Err(wrong_number(self.name))
        }
    }
}
