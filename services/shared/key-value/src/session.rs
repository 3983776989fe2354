//! What the server knows of one client.

use crate::keyspace::Changed;
use crate::protocol::Protocol;

/// The most bytes of the commands of one transaction.
const TRANSACTION_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The state of a connection.
#[derive(Debug, Default)]
pub(crate) struct Session {
    pub(crate) id: u64,
    pub(crate) database: usize,
    pub(crate) protocol: Protocol,
    pub(crate) transaction: Option<Transaction>,
    /// Database and key of what is watched.
    pub(crate) watched: Vec<(usize, Vec<u8>)>,
    /// Whether something that is watched has changed.
    pub(crate) changed: Changed,
    /// Whether the connection ends once this answer is sent.
    pub(crate) is_ending: bool,
}

/// Commands that wait for EXEC.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    pub(crate) commands: Vec<Vec<Vec<u8>>>,
    /// Whether a command was refused, so that EXEC does nothing.
    pub(crate) is_broken: bool,
    bytes: usize,
}

impl Transaction {
    /// Keeps a command for EXEC; says whether there was room for it.
    pub(crate) fn queue(&mut self, command: Vec<Vec<u8>>) -> bool {
        self.bytes += command.iter().map(Vec::len).sum::<usize>() + size_of_val(command.as_slice());
        let fits = self.bytes <= TRANSACTION_BYTES_MAX;
        if fits {
            self.commands.push(command);
        }
        self.is_broken |= !fits;
        fits
    }
}
