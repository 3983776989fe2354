//! What became of the calls to one service: for `GET /resilience`, and as metrics.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use contract::Program;
use metrics::Counter;
use reliability::retry::GiveUp;

use super::outcome::{CallFailure, Outcome, Rejection, is_failure};

/// A number that is also a metric.
pub(crate) struct Tally {
    value: AtomicU64,
    metric: Counter,
}

impl Tally {
    fn new(metric: Counter) -> Self {
        Self {
            value: AtomicU64::new(0),
            metric,
        }
    }

    pub(crate) fn count(&self) {
        self.value.fetch_add(1, Relaxed);
        self.metric.increment(1);
    }

    pub(crate) fn value(&self) -> u64 {
        self.value.load(Relaxed)
    }
}

/// Numbers by a reason.
pub(crate) struct ByReason(BTreeMap<&'static str, Tally>);

impl ByReason {
    fn count(&self, reason: &str) {
        if let Some(tally) = self.0.get(reason) {
            tally.count();
        }
    }

    pub(crate) fn values(&self) -> BTreeMap<String, u64> {
        let values = self.0.iter();
        values
            .map(|(reason, tally)| ((*reason).to_owned(), tally.value()))
            .collect()
    }

    fn sum(&self) -> u64 {
        self.0.values().map(Tally::value).sum()
    }
}

const GIVEN_UP: [&str; 4] = ["not_idempotent", "attempts", "deadline", "budget"];

/// All numbers of one service.
pub(crate) struct Counts {
    pub(crate) calls: Tally,
    pub(crate) succeeded: Tally,
    pub(crate) failed: Tally,
    pub(crate) abandoned: Tally,
    pub(crate) rejections: ByReason,
    pub(crate) attempts: Tally,
    pub(crate) retries: Tally,
    pub(crate) given_up: ByReason,
    pub(crate) hedges: Tally,
    pub(crate) hedges_won: Tally,
}

impl Counts {
    pub(crate) fn of(upstream: Program) -> Self {
        describe();
        let name = upstream.as_str();
        let outcome = |outcome| {
            Tally::new(metrics::counter!("upstream_call_outcomes_total", "upstream" => name, "outcome" => outcome))
        };
        let rejection =
            |reason| Tally::new(metrics::counter!("upstream_rejections_total", "upstream" => name, "reason" => reason));
        let given_up = |reason| {
            Tally::new(metrics::counter!("upstream_retries_given_up_total", "upstream" => name, "reason" => reason))
        };
        Self {
            calls: Tally::new(metrics::counter!("upstream_calls_total", "upstream" => name)),
            succeeded: outcome("succeeded"),
            failed: outcome("failed"),
            abandoned: outcome("abandoned"),
            rejections: ByReason(Rejection::REASONS.map(|reason| (reason, rejection(reason))).into()),
            attempts: Tally::new(metrics::counter!("upstream_attempts_total", "upstream" => name)),
            retries: Tally::new(metrics::counter!("upstream_retries_total", "upstream" => name)),
            given_up: ByReason(GIVEN_UP.map(|reason| (reason, given_up(reason))).into()),
            hedges: Tally::new(metrics::counter!("upstream_hedges_total", "upstream" => name)),
            hedges_won: Tally::new(metrics::counter!("upstream_hedges_won_total", "upstream" => name)),
        }
    }

    /// A call begins. It counts as abandoned if what this gives is dropped before the call ended.
    pub(crate) fn begin(&self) -> Began<'_> {
        self.calls.count();
        Began {
            counts: self,
            has_ended: false,
        }
    }

    /// Why a call is not tried again.
    pub(crate) fn give_up(&self, why: GiveUp) {
        self.given_up.count(match why {
            GiveUp::NotIdempotent => "not_idempotent",
            GiveUp::Attempts => "attempts",
            GiveUp::Deadline => "deadline",
            GiveUp::Budget => "budget",
        });
    }

    /// Calls that have begun and not ended.
    pub(crate) fn in_flight(&self) -> u64 {
        // What has ended is read first, so that a call which ends meanwhile is not missing.
        let ended = self.succeeded.value() + self.failed.value() + self.abandoned.value() + self.rejections.sum();
        self.calls.value().saturating_sub(ended)
    }
}

/// A call that has begun.
pub(crate) struct Began<'a> {
    counts: &'a Counts,
    has_ended: bool,
}

impl Began<'_> {
    pub(crate) fn ended(mut self, outcome: &Outcome) {
        self.has_ended = true;
        match outcome {
            Err(CallFailure::Rejected { rejection, .. }) => self.counts.rejections.count(rejection.reason()),
            Ok(_) if !is_failure(outcome) => self.counts.succeeded.count(),
            _ => self.counts.failed.count(),
        }
    }
}

impl Drop for Began<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.counts.abandoned.count();
        }
    }
}

fn describe() {
    metrics::describe_counter!("upstream_calls_total", "Calls of a service that were begun.");
    metrics::describe_counter!(
        "upstream_call_outcomes_total",
        "Calls that ended: succeeded with an answer below 500, failed, or abandoned by their callers."
    );
    metrics::describe_counter!("upstream_rejections_total", "Calls that a policy did not let be made.");
    metrics::describe_counter!("upstream_attempts_total", "Requests that were sent for these calls.");
    metrics::describe_counter!(
        "upstream_retries_total",
        "Requests that were sent because one before them failed."
    );
    metrics::describe_counter!(
        "upstream_retries_given_up_total",
        "Failed calls that were not tried again."
    );
    metrics::describe_counter!(
        "upstream_hedges_total",
        "Second requests that were sent because the first was slow."
    );
    metrics::describe_counter!("upstream_hedges_won_total", "Second requests whose answer was taken.");
}
