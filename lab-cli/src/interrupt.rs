//! The signals that ask the lab to end: Ctrl-C (INT), TERM, HUP (the terminal went away) and QUIT (Ctrl-\).

use std::future::{Future, poll_fn};
use std::task::Poll;

use futures_util::FutureExt;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;
use crate::output;

/// Listens for those signals from its making on, so that none is lost between two waits. All mean the same: end in order.
pub struct Interrupts {
    signals: Vec<Signal>,
}

impl Interrupts {
    /// Starts to listen. Whoever waits for the signals may itself wait for a reader of the output: so somebody else
    /// tells the output, which then waits no longer than it must.
    ///
    /// # Errors
    /// When the system does not take the handlers.
    pub fn listen() -> Result<Self, Failure> {
        let mut first = Self::handlers()?;
        tokio::spawn(async move {
            first.next().await;
            output::end_is_asked_for();
        });
        Self::handlers()
    }

    fn handlers() -> Result<Self, Failure> {
        let hangup = (!hangup_is_ignored()).then(SignalKind::hangup);
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::quit()];
        let signals = kinds.into_iter().chain(hangup).map(signal);
        Ok(Self {
            signals: signals
                .collect::<Result<_, _>>()
                .map_err(|error| Failure::unexpected(format!("cannot listen for signals: {error}")))?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        poll_fn(|context| {
            let came = |signal: &mut Signal| signal.poll_recv(context).is_ready();
            if self.signals.iter_mut().any(came) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// Whether one came that nobody has waited for.
    pub fn came(&mut self) -> bool {
        self.next().now_or_never().is_some()
    }

    /// Does the work to its end, or until a signal comes: then the work is dropped, and there is no result.
    pub async fn unless_interrupted<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.next() => None,
            done = work => Some(done),
        }
    }
}

/// Whether this process was started with HUP ignored, as `nohup` does: whoever does that wants it to go on.
#[cfg(target_os = "linux")]
fn hangup_is_ignored() -> bool {
    /// The bit of SIGHUP, which is signal 1, in the kernel's masks (proc(5)).
    const HANGUP: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & HANGUP != 0))
}

/// Elsewhere it cannot be asked for, and HUP ends the lab.
#[cfg(not(target_os = "linux"))]
fn hangup_is_ignored() -> bool {
    false
}
