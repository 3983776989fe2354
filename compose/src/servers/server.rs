//! What the lab has to know of a server of others.

use std::path::{Path, PathBuf};

use contract::Program;
use futures_util::future::BoxFuture;
use rustix::process::Signal;

use super::backing::Backing;
use super::balancing::Balancing;
use super::durable::Durable;
use super::error::ServerError;
use super::exported::{Exported, Exporting};
use super::found::Found;
use super::image::{Contained, Image, Origin};
use super::question::{Question, SignOfLife};
use super::seat::{Configured, Seat};
use crate::error::Error;
use crate::host::Host;
use crate::wiring::Environment;

/// The port that a server speaks HTTP at in its container.
pub(crate) const HTTP_PORT: u16 = 8080;

/// The description of a server of others: what is true of it and of no other one. Everything else reads it from here.
pub trait Server: Send + Sync {
    /// Which program it is.
    fn program(&self) -> Program;

    /// What people call it.
    fn name(&self) -> &'static str;

    /// What it is there for, as a part of a sentence: "for locks".
    fn purpose(&self) -> &'static str;

    /// Its program on this machine, or the folder of its programs.
    ///
    /// # Errors
    /// When there is none; how to get one.
    fn find(&self, host: &Host) -> Result<PathBuf, ServerError>;

    /// The version of what [`find`](Self::find) found; `None` when that does not say one in time.
    fn version<'a>(&'a self, found: &'a Path) -> BoxFuture<'a, Option<String>>;

    /// Whether the lab's own stand-in runs in its place, on this machine and with what its instance is told.
    ///
    /// # Errors
    /// When that asks for something that there is not.
    fn stands_in(&self, _host: &Host, _told: &Environment) -> Result<bool, ServerError> {
        Ok(false)
    }

    /// Whether a container of its image is taken rather than the stand-in, where the engine has that image or can get it.
    ///
    /// # Errors
    /// When what its instance is told asks for something that there is not.
    fn prefers_image(&self, _host: &Host, _told: &Environment) -> Result<bool, ServerError> {
        Ok(false)
    }

    /// What its instance is told so that it is the same one when it is started again.
    fn noted(&self, _found: &Found) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Which one a running system has, from what its instance is told, and what that one does not do, in a sentence; `None`
    /// where that makes no difference to what a system shows.
    fn sentence(&self, _told: &Environment) -> Option<String> {
        None
    }

    /// The port that it listens on in its container.
    fn port(&self) -> u16 {
        HTTP_PORT
    }

    /// Where it is reached on this host, as a URL.
    fn address(&self, host: &str, port: u16) -> String {
        format!("http://{host}:{port}")
    }

    /// How the lab finds out whether it is ready.
    fn sign_of_life(&self) -> SignOfLife;

    /// How its container finds out whether it is well.
    fn question(&self) -> Question;

    /// What an instance of this name is told in a container, beside what every instance is.
    fn surroundings(&self, _instance: &str) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// What it is for the services that use it; `None` for a server that none of them knows.
    fn backing(&self) -> Option<&'static dyn Backing> {
        None
    }

    /// Whether it is told of every instance of its system that has metrics, and so starts after all others.
    fn watches(&self) -> bool {
        false
    }

    /// Which kind of source of figures Grafana knows it as; `None` for one that has none.
    fn data_source(&self) -> Option<&'static str> {
        None
    }

    /// Whether it carries what services still work on after everybody was answered, so that a system with it comes to rest
    /// later than its load.
    fn carries_events(&self) -> bool {
        false
    }

    /// The kind of it that does more than the lab's stand-in, for scenarios that need that; `None` where there is one kind.
    fn durable(&self) -> Option<&'static Durable> {
        None
    }

    /// What it can do in front of a service; `None` for one that does not stand there.
    fn balances(&self) -> Option<&'static dyn Balancing> {
        None
    }

    /// The file that it is configured by and reads again when it is told to; `None` for one that is not.
    fn configured(&self) -> Option<&'static dyn Configured> {
        None
    }

    /// What a process has to do before it becomes the server, before it starts any other thread and before its life is bound
    /// to its parent's.
    ///
    /// # Errors
    /// An environment error when it cannot.
    fn prepare(&self, _seat: &Seat<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Turns this process into the server: same process id, same parent, same log, same binding of its life to its
    /// parent's on Linux. Where it listens it says beforehand on stdout, in the line by which every service does.
    ///
    /// Returns only when it failed, with an environment error.
    fn take_over(&self, host: &Host, seat: &Seat<'_>) -> Error;

    /// The signal that makes it end in good order.
    fn end_signal(&self) -> Signal {
        Signal::TERM
    }

    /// The signal that the kernel sends to it when the lab that it belongs to dies.
    fn orphan_signal(&self) -> Signal {
        Signal::KILL
    }

    /// The name of a program that writes its title over its environment, so that only the folder it works in says whose
    /// its processes are.
    fn titled(&self) -> Option<&'static str> {
        None
    }

    /// The variable that names the folder of its data, for a server that keeps them where nobody else writes: in a folder
    /// of its own, and in a volume of its own.
    fn own_data(&self) -> Option<&'static str> {
        None
    }

    /// Gives back what a server that was killed still has of the machine, beside its data folder.
    fn give_back(&self, _data: &Path) {}

    /// What the names of blocks of shared memory begin with that it may leave on this machine when it is killed.
    fn shared_memory(&self) -> Option<&'static str> {
        None
    }

    /// Whether it refuses to listen while a host that it was told of has no address.
    fn needs_addresses(&self) -> bool {
        false
    }

    /// The image of a container of it.
    fn image(&self) -> &'static Image;

    /// What such a container is told.
    fn contained(&self, origin: &Origin, instance: &str) -> Contained;

    /// How another tool starts its official image; `None` for one that no exported system has.
    fn exported(&self, _exporting: &Exporting<'_>) -> Option<Exported> {
        None
    }
}
