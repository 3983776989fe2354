//! What the lab has to know of a server of others.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::Program;
use futures_util::future::BoxFuture;
use rustix::process::Signal;
use url::Url;

use super::error::ServerError;
use super::found::Found;
use super::image::{Contained, Image, Origin};
use super::tenant::Tenant;
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

    /// What its instance is told so that it is the same one when it is started again.
    fn noted(&self, _found: &Found) -> Vec<(&'static str, String)> {
        Vec::new()
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

    /// Whether it refuses to listen while a host that it was told of has no address.
    fn needs_addresses(&self) -> bool {
        false
    }

    /// The image of a container of it.
    fn image(&self) -> &'static Image;

    /// What such a container is told.
    fn contained(&self, origin: &Origin, instance: &str) -> Contained;
}

/// A server that services keep something in. The user may have one that runs already.
pub trait Backing: Send + Sync {
    /// The variable in which the user names one that runs already.
    fn variable(&self) -> &'static str;

    /// The address that the user wrote there, as clients of the server are told it.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence about it.
    fn address(&self, text: &str) -> Result<String, String>;

    /// What to do where it cannot be used.
    fn remedy(&self) -> &'static str;

    /// The password that clients of its official image are told; `None` where that wants none.
    fn password(&self) -> Option<&'static str> {
        None
    }

    /// Where a server of this address is asked; any of them will do.
    fn urls(&self, address: &str) -> Vec<Url> {
        Url::parse(address).into_iter().collect()
    }

    /// What a service that uses it is told, beside what the server's own variables say: where it is, by this address, and
    /// what there is the system's.
    fn told(&self, tenant: &Tenant, service: &str, door: &Url) -> Vec<(&'static str, String)>;

    /// What it must hold before any service starts, in a word; `None` for one that services furnish themselves.
    fn furniture(&self) -> Option<&'static str> {
        None
    }

    /// Makes that for these services.
    fn furnish<'a>(
        &'a self,
        _tenant: &'a Tenant,
        _url: &'a Url,
        _services: &'a [String],
        _wait: Duration,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }

    /// Removes what these services of a system keep in a server that stays, within a bounded time.
    fn forget<'a>(
        &'a self,
        _tenant: &'a Tenant,
        _url: &'a Url,
        _services: &'a [String],
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }

    /// Asks it for a sign of life, in its own protocol. The reason is the end of a sentence about the server.
    fn ping<'a>(&'a self, url: &'a Url, wait: Duration) -> BoxFuture<'a, Result<(), String>>;

    /// What tells one start of it from the next; `None` for one that has no such mark.
    fn birth<'a>(&'a self, _url: &'a Url, _wait: Duration) -> Option<BoxFuture<'a, Result<String, String>>> {
        None
    }
}

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

/// How the lab finds out whether a server is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignOfLife {
    /// It answers a GET of this path with 200.
    Http(&'static str),
    /// It answers [`Backing::ping`]; this says in a word what that does.
    Ping(&'static str),
}

/// What is asked with no more machinery than a socket, and how the start of the answer is judged.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// What is sent.
    pub words: &'static [u8],
    /// What is wrong with an answer, as the end of a sentence about the server.
    pub judge: fn(&[u8]) -> Result<(), String>,
}

impl Question {
    /// One whose answer holds this in its first line.
    pub(crate) fn said(answer: &[u8], good: &str) -> Result<(), String> {
        let answer = String::from_utf8_lossy(answer);
        let first = answer.lines().next().unwrap_or_default();
        match first.contains(good) {
            true => Ok(()),
            false => Err(format!("it answers {first:?}")),
        }
    }

    /// A GET in HTTP, given as the whole request, that is answered with 200.
    pub(crate) const fn http(request: &'static str) -> Self {
        Self {
            words: request.as_bytes(),
            judge: |answer| Self::said(answer, " 200 "),
        }
    }
}
