//! Why a service did not come up.

use std::error::Error;
use std::io;
use std::net::SocketAddr;

use crate::SettingsError;

/// Why a service did not come up.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A setting is wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {source}{}", hint(source))]
    Bind {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The runtime or its signal handlers could not be had.
    #[error("cannot start the runtime: {0}")]
    Runtime(#[source] io::Error),
    /// Something that the service needs from the start could not be had.
    #[error("cannot open {what}: {source}")]
    Start {
        /// What it was.
        what: String,
        /// Why not.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl ServeError {
    /// Something that the service needs from the start could not be had.
    pub fn start(what: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Start {
            what: what.into(),
            source: source.into(),
        }
    }
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; choose another PORT, or 0 for any free one",
        io::ErrorKind::AddrNotAvailable => "; HOST must be an address of this machine",
        io::ErrorKind::PermissionDenied => "; ports below 1024 may need more rights",
        _ => "",
    }
}
