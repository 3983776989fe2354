//! How much declared work was done, and for whom.

use std::time::{Duration, Instant};

use metrics::Counter;
use observability::SecondsTotal;

/// Counts the declared work of an instance.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    started: Counter,
    useful: SecondsTotal,
    wasted: SecondsTotal,
}

impl Meter {
    /// The meter of this process.
    pub(crate) fn register() -> Self {
        metrics::describe_counter!("work_started_total", "Pieces of declared work that were begun.");
        let seconds = |result| {
            let help =
                "Time spent on declared work: useful where the request was answered, wasted where its client left.";
            SecondsTotal::register_with("work_seconds_total", help, "result", result)
        };
        Self {
            started: metrics::counter!("work_started_total"),
            useful: seconds("useful"),
            wasted: seconds("wasted"),
        }
    }

    /// Begins the work of a request.
    pub(crate) fn begin(&self) -> Effort {
        self.started.increment(1);
        Effort {
            meter: self.clone(),
            spent: Duration::ZERO,
            since: None,
            answered: false,
        }
    }
}

/// What the work of one request has taken so far. It was wasted unless the request is answered before this is dropped.
#[derive(Debug)]
pub struct Effort {
    meter: Meter,
    spent: Duration,
    /// Since when the work goes on.
    since: Option<Instant>,
    answered: bool,
}

impl Effort {
    /// The work goes on from this moment.
    pub(crate) fn go_on(&mut self, from: Instant) {
        self.since = Some(from);
    }

    /// The work rests.
    pub(crate) fn rest(&mut self) {
        if let Some(since) = self.since.take() {
            self.spent += since.elapsed();
        }
    }

    /// Adds work that was done at once.
    pub(crate) fn add(&mut self, spent: Duration) {
        self.spent += spent;
    }

    /// The request has an answer, and the client is still there.
    pub fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for Effort {
    fn drop(&mut self) {
        self.rest();
        let total = if self.answered {
            &self.meter.useful
        } else {
            &self.meter.wasted
        };
        total.add(self.spent);
    }
}
