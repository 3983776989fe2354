//! A process that belongs to a system, whoever started it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Signal, kill_process};
use tokio::time::{Instant, sleep, timeout_at};

use super::child::{Exit, OwnChild};
use super::identity::ProcessStamp;

/// How often a process that is not a child is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A process of a system.
#[derive(Clone)]
pub(super) enum Handle {
    /// A child of this process.
    Own(Arc<OwnChild>),
    /// A process that another lab started.
    Foreign(ProcessStamp),
}

impl Handle {
    pub(super) fn stamp(&self) -> &ProcessStamp {
        match self {
            Self::Own(child) => &child.stamp,
            Self::Foreign(stamp) => stamp,
        }
    }

    /// How it ended, or `None` while it runs.
    pub(super) fn exit(&self) -> Option<Exit> {
        match self {
            Self::Own(child) => child.exit(),
            Self::Foreign(stamp) => (!stamp.is_alive()).then(Exit::default),
        }
    }

    /// Sends a signal to exactly this process; nothing happens when it has ended.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        match self {
            Self::Own(child) => child.signal(signal),
            Self::Foreign(stamp) => signal_foreign(stamp, signal),
        }
    }

    /// Asks for an orderly end. A stopped process cannot hear that, so it is let go on as well.
    pub(super) fn terminate(&self) -> io::Result<()> {
        self.expect_exit();
        self.signal(Signal::TERM)?;
        self.signal(Signal::CONT)
    }

    /// Ends the process at once, stopped or not.
    pub(super) fn kill(&self) -> io::Result<()> {
        self.expect_exit();
        self.signal(Signal::KILL)
    }

    fn expect_exit(&self) {
        if let Self::Own(child) = self {
            child.expect_exit();
        }
    }

    /// Waits until the process has ended; `false` when the deadline came first.
    pub(super) async fn exited_by(&self, deadline: Instant) -> bool {
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

/// A process descriptor names one process for good: opened first and checked second, it cannot hit a later process
/// that was given the same id.
#[cfg(target_os = "linux")]
fn signal_foreign(stamp: &ProcessStamp, signal: Signal) -> io::Result<()> {
    use rustix::io::Errno;
    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};

    let Some(pid) = stamp.id() else { return Ok(()) };
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(descriptor) if stamp.is_alive() => ignore_gone(pidfd_send_signal(&descriptor, signal)),
        // A kernel before 5.3, or a sandbox that does not know the call.
        Err(Errno::NOSYS) if stamp.is_alive() => ignore_gone(kill_process(pid, signal)),
        Ok(_) | Err(Errno::SRCH | Errno::NOSYS) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn signal_foreign(stamp: &ProcessStamp, signal: Signal) -> io::Result<()> {
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
