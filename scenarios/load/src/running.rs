//! A generator at work.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::engine::{Control, Engine};
use crate::mailbox::{Samples, mailbox};
use crate::plan::{LoadPlan, StartError};
use crate::totals::Totals;

/// Time that the thread gets to come up before the plan begins.
const LEAD: Duration = Duration::from_millis(2);

/// Starts the generator in its own thread and returns at once.
///
/// # Errors
/// A plan that makes no sense, a target without an address, or a system that is out of resources; nothing was sent then.
pub fn start(plan: LoadPlan) -> Result<Running, StartError> {
    let (writer, samples) = mailbox();
    let epoch = Instant::now() + LEAD;
    let engine = Engine::new(plan, epoch, writer)?;
    let control = engine.control();
    let thread = std::thread::Builder::new()
        .name("load".into())
        .spawn(move || engine.run())
        .map_err(|source| StartError::System {
            what: "a thread",
            source,
        })?;
    Ok(Running {
        epoch,
        control,
        samples: Some(samples),
        thread: Some(thread),
    })
}

/// A generator at work. Dropping it without [`join`](Self::join) ends the load at once.
pub struct Running {
    epoch: Instant,
    control: Arc<Control>,
    samples: Option<Samples>,
    thread: Option<JoinHandle<io::Result<Totals>>>,
}

impl Running {
    /// The moment that all times of the plan and of the samples count from.
    #[must_use]
    pub fn epoch(&self) -> Instant {
        self.epoch
    }

    /// The samples. There is one stream of them: a second call gives one that has ended.
    pub fn samples(&mut self) -> Samples {
        self.samples.take().unwrap_or_else(|| mailbox().1)
    }

    /// Changes the rate of the open loops of a class, requests per second and above 0, from now to the end of the plan. Their
    /// schedule is then no longer that of the seed alone: it depends on when this was called.
    pub fn set_rate(&self, class: &str, rate_per_s: f64) {
        self.control.set_rate(class, rate_per_s);
    }

    /// Stops sending; what is in flight is waited for, at most `drain_max` and at most half a second. What the schedule
    /// has asked for by then and has not been sent stays unsent.
    pub fn stop(&self) {
        self.control.stop();
    }

    /// Waits for the end of the run and returns its sum.
    ///
    /// # Panics
    /// When the generator's thread panicked, or the operating system took its event queue away.
    #[must_use]
    pub fn join(mut self) -> Totals {
        let thread = self
            .thread
            .take()
            .expect("only join takes the thread, and it takes self");
        match thread.join() {
            Ok(result) => result.expect("waiting on an event queue of one's own does not fail"),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.control.abort();
        }
    }
}
