//! Where the server of a system comes from.

use std::path::PathBuf;

/// Where the server of a system comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// One that runs already and that the user named: its address, as its clients are told it.
    Named(String),
    /// The lab's own stand-in.
    StandIn,
    /// The program of this machine, started for each system.
    Host(PathBuf),
    /// The official image of this name, likewise.
    Image(&'static str),
}
