//! A process that belongs to a system, whoever started it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use contract::Program;
use rustix::process::{Signal, kill_process};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::child::{Followers, OwnChild};
use super::error::ProcessError;
use super::recorded;
use super::tools::NAME;
use crate::backend::InstanceStats;
use crate::backend::core::{self, Exit};
use crate::capability::Capability;
use crate::error::Error;
use crate::servers;
use crate::stamp::ProcessStamp;

/// How long a killed process may take to vanish.
pub(super) const KILL_TIMEOUT: Duration = Duration::from_secs(2);
/// How often a process that is not a child is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How long a signal may take to show.
const STOP_SIGNAL_TIMEOUT: Duration = Duration::from_millis(500);
/// How often a process that was told to stop is looked at.
const STOPPED_EVERY: Duration = Duration::from_millis(2);

/// A process of a system.
#[derive(Clone)]
pub(super) enum Handle {
    /// A child of this process.
    Own(Arc<OwnChild>),
    /// A process that another lab started.
    Foreign(ProcessStamp),
}

impl Handle {
    fn stamp(&self) -> &ProcessStamp {
        match self {
            Self::Own(child) => &child.stamp,
            Self::Foreign(stamp) => stamp,
        }
    }

    /// Sends a signal to exactly this process; nothing happens when it has ended.
    fn signal(&self, signal: Signal) -> io::Result<()> {
        match self {
            Self::Own(child) => child.signal(signal),
            Self::Foreign(stamp) => signal_foreign(stamp, signal),
        }
    }

    /// Ends the process at once, stopped or not.
    pub(super) fn end(&self) -> io::Result<()> {
        self.expect_exit();
        self.signal(Signal::KILL)
    }

    fn expect_exit(&self) {
        if let Self::Own(child) = self {
            child.expect_exit();
        }
    }

    /// Waits until the process has ended; `false` when the deadline came first.
    pub(super) async fn has_exited_by(&self, deadline: Instant) -> bool {
        timeout_at(deadline, self.exited()).await.is_ok()
    }

    async fn exited(&self) {
        match self {
            Self::Own(child) => child.exited().await,
            Self::Foreign(stamp) => {
                while stamp.is_alive() {
                    sleep(LOOK_EVERY).await;
                }
            }
        }
    }
}

impl core::Handle for Handle {
    fn platform_id(&self) -> Value {
        recorded::value_of(self.stamp())
    }

    fn pid(&self) -> Option<u32> {
        Some(self.stamp().pid)
    }

    fn exit(&self) -> Option<Exit> {
        match self {
            Self::Own(child) => child.exit(),
            Self::Foreign(stamp) => (!stamp.is_alive()).then(Exit::default),
        }
    }

    fn recorded(&self) {
        if let Self::Own(child) = self {
            child.recorded();
        }
    }

    async fn is_paused(&self) -> bool {
        self.stamp().is_stopped()
    }

    /// With what it has started: an nginx answers nobody while its worker stands still.
    async fn stands_still(&self) -> bool {
        let stamp = self.stamp();
        let stopped = |pid: &u32| ProcessStamp::of(*pid).is_some_and(|child| child.is_stopped());
        stamp.is_stopped() || stamp.children().unwrap_or_default().iter().any(stopped)
    }

    async fn pause(&self, instance: &str) -> Result<(), Error> {
        self.signal(Signal::STOP).map_err(self.failed(instance, "pause"))?;
        // The kernel stops a process when it next leaves kernel mode, which is soon but not at once.
        let deadline = Instant::now() + STOP_SIGNAL_TIMEOUT;
        while !self.stamp().is_stopped() && self.exit().is_none() && Instant::now() < deadline {
            sleep(STOPPED_EVERY).await;
        }
        // What it started until it stopped was not told yet.
        self.signal(Signal::STOP).map_err(self.failed(instance, "pause"))
    }

    async fn resume(&self, instance: &str) -> Result<(), Error> {
        self.signal(Signal::CONT).map_err(self.failed(instance, "resume"))
    }

    /// A stopped process cannot hear that it is to end, so it is let go on as well.
    async fn terminate(&self, instance: &str, program: Program) -> Result<(), Error> {
        self.expect_exit();
        self.signal(servers::end_signal(program))
            .and_then(|()| self.signal(Signal::CONT))
            .map_err(self.failed(instance, "stop"))
    }

    async fn kill(&self, instance: &str) -> Result<(), Error> {
        self.end().map_err(self.failed(instance, "kill"))?;
        if self.has_exited_by(Instant::now() + KILL_TIMEOUT).await {
            Ok(())
        } else {
            Err(self.failed(instance, "kill")(io::ErrorKind::TimedOut.into()))
        }
    }

    async fn exited_by(&self, deadline: Instant) -> bool {
        self.has_exited_by(deadline).await
    }

    async fn processes(&self) -> Option<usize> {
        self.stamp().children().map(|children| children.len() + 1)
    }

    async fn stats(&self, instance: &str) -> InstanceStats {
        // With what it has started: the work of an nginx is done by its worker.
        let children = self.stamp().children().unwrap_or_default().into_iter();
        let children = children.filter_map(ProcessStamp::of).filter_map(|child| child.look());
        let sightings: Vec<_> = self.stamp().look().into_iter().chain(children).collect();
        InstanceStats {
            instance: instance.to_owned(),
            cpu_ms: sightings
                .iter()
                .filter_map(|sighting| sighting.cpu_ms)
                .reduce(|a, b| a + b),
            resident_bytes: sightings
                .iter()
                .filter_map(|sighting| sighting.resident_bytes)
                .reduce(|a, b| a + b),
        }
    }

    async fn limit_cpu(&self, _instance: &str, _cores: Option<f64>) -> Result<(), Error> {
        Err(Error::Unsupported {
            backend: NAME,
            capability: Capability::Limits,
        })
    }

    async fn connect(&self, _instance: &str, _connected: bool) -> Result<(), Error> {
        Err(Error::Unsupported {
            backend: NAME,
            capability: Capability::Disconnect,
        })
    }
}

impl Handle {
    /// Asks a server to read its configuration again.
    pub(super) fn reload(&self, instance: &str) -> Result<(), Error> {
        self.signal(Signal::HUP).map_err(self.failed(instance, "reload"))
    }

    /// Makes a [`ProcessError`]; for `map_err`.
    fn failed(&self, instance: &str, action: &'static str) -> impl FnOnce(io::Error) -> Error {
        let (instance, pid) = (instance.to_owned(), self.stamp().pid);
        move |source| {
            ProcessError {
                instance,
                pid,
                action,
                source,
            }
            .into()
        }
    }
}

/// A process descriptor names one process for good: opened first and checked second, it cannot hit a later process
/// that was given the same id.
#[cfg(target_os = "linux")]
pub(super) fn signal_foreign(stamp: &ProcessStamp, signal: Signal) -> io::Result<()> {
    use rustix::io::Errno;
    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};

    let Some(pid) = stamp.id() else { return Ok(()) };
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(descriptor) if stamp.is_alive() => {
            let followers = Followers::of(stamp, signal);
            ignore_gone(pidfd_send_signal(&descriptor, signal))?;
            followers.signal();
            Ok(())
        }
        // A kernel before 5.3, or a sandbox that does not know the call.
        Err(Errno::NOSYS) if stamp.is_alive() => {
            let followers = Followers::of(stamp, signal);
            ignore_gone(kill_process(pid, signal))?;
            followers.signal();
            Ok(())
        }
        Ok(_) | Err(Errno::SRCH | Errno::NOSYS) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn signal_foreign(stamp: &ProcessStamp, signal: Signal) -> io::Result<()> {
    match stamp.id() {
        Some(pid) if stamp.is_alive() => ignore_gone(kill_process(pid, signal)),
        _ => Ok(()),
    }
}

fn ignore_gone(result: rustix::io::Result<()>) -> io::Result<()> {
    match result {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
