//! Where an nginx is to be had.

use std::path::PathBuf;

use crate::error::Error;
use crate::host;

const PROGRAM: &str = "nginx";

/// What is looked at to find an nginx.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NginxLookup {
    /// The folders that may hold the program.
    pub folders: Vec<PathBuf>,
}

impl NginxLookup {
    /// Where this process finds programs.
    #[must_use]
    pub fn of_process() -> Self {
        Self {
            folders: host::program_folders(),
        }
    }

    /// The host's program.
    ///
    /// # Errors
    /// An environment error that says how to get one.
    pub fn program(&self) -> Result<PathBuf, Error> {
        host::find_program(PROGRAM, &self.folders).ok_or(Error::NoNginx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Family;

    #[test]
    fn without_a_program_both_ways_are_named() {
        let error = NginxLookup::default().program().unwrap_err();
        assert_eq!(error.family(), Family::Environment);
        let message = error.to_string();
        assert!(
            message.contains("apt-get install nginx-light") && message.contains("--backend docker"),
            "{message}"
        );
    }
}
