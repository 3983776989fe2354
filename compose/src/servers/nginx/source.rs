//! Where an nginx is to be had.

use std::path::PathBuf;

use contract::Program;

use crate::host::Host;
use crate::servers::ServerError;

const PROGRAM: &str = "nginx";
const ABSENT: ServerError = ServerError::Absent {
    program: Program::Nginx,
    words: "there is no nginx on this machine; either install it (apt-get install nginx-light), or take the lab's own \
            balancer (--set balancer=lab)",
};

/// The host's program.
pub(super) fn program(host: &Host) -> Result<PathBuf, ServerError> {
    host.program(PROGRAM).ok_or(ABSENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_program_both_ways_are_named() {
        let message = program(&Host::default()).unwrap_err().to_string();
        assert!(
            message.contains("apt-get install nginx-light") && message.contains("--set balancer=lab"),
            "{message}"
        );
    }
}
