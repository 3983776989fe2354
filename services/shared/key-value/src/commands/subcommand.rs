//! What is answered to a subcommand that there is not, or that got too few or too many arguments.

use crate::arguments;
use crate::protocol::Failure;

/// There is no such subcommand.
pub(super) fn unknown(command: &str, subcommand: &[u8]) -> Failure {
    let shown = String::from_utf8_lossy(&subcommand[..subcommand.len().min(128)]).into_owned();
    Failure::new(format!("ERR unknown subcommand '{shown}'. Try {command} HELP."))
}

/// It takes another number of arguments.
pub(super) fn wrong_number(command: &str, subcommand: &[u8]) -> Failure {
    arguments::wrong_number(&format!("{command}|{}", String::from_utf8_lossy(subcommand)))
}
