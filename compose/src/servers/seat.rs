//! Where an instance of a server is, and what it is configured by.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::wiring::Environment;

/// A server that is configured by a file, which is made from the environment of its instance.
pub trait Configured: Send + Sync {
    /// The text of the file. `stamp` tells one configuration from the next, for a server that can be asked for it.
    ///
    /// # Errors
    /// Why the server cannot do what is asked for, as the end of a sentence.
    fn render(&self, place: &Place<'_>, environment: &Environment, stamp: Option<&str>) -> Result<String, String>;
}

/// The place of an instance that a process of the lab becomes.
#[derive(Clone, Copy, Debug)]
pub struct Seat<'a> {
    /// The instance's name.
    pub instance: &'a str,
    /// Where it is to listen; port 0 is any free one.
    pub address: SocketAddr,
    /// The folder that it runs in, which is its system's.
    pub folder: &'a Path,
    /// What it is told.
    pub environment: &'a Environment,
}

impl Seat<'_> {
    /// The folder of the instance's data, where nothing names another one.
    pub(crate) fn data(&self) -> PathBuf {
        Path::new("data").join(self.instance)
    }
}

/// Where a server is that is configured by a file.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whom its workers run as, for one that is started by root.
    pub user: Option<&'a str>,
}

impl Place<'_> {
    /// On this machine.
    pub(crate) fn on_this_machine(listen: SocketAddr) -> Self {
        Self {
            listen,
            // As root a server may make somebody else of its workers, who may not enter the folder.
            user: rustix::process::geteuid().is_root().then_some("root"),
        }
    }

    /// In a container.
    pub(crate) const fn in_container(port: u16) -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port),
            user: None,
        }
    }
}
