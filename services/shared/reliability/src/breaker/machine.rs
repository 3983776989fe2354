//! The states of a breaker and what leads from one to the next. No lock, no clock, no permit that is dropped: those are in
//! `permit.rs`.

use std::fmt;
use std::time::Duration;

use super::outcomes::Outcomes;
use super::settings::BreakerSettings;
use super::transition::{BreakerState, Calls, Cause, Transition};

/// A call that may not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejected {
    /// How long from now until a probe may be made. `None` when probes are under way, whose results decide.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.retry_after {
            Some(wait) => write!(f, "the circuit breaker is open for another {wait:?}"),
            None => f.write_str("the circuit breaker is half open, and its probes are under way"),
        }
    }
}

impl std::error::Error for Rejected {}

#[derive(Debug)]
enum State {
    Closed(Outcomes),
    Open { until: Duration },
    HalfOpen { permits: u32, ended: Calls },
}

/// What every operation gives besides its own result: the change of state that it caused.
type Changed = Option<Transition>;

#[derive(Debug)]
pub(super) struct Machine {
    settings: BreakerSettings,
    state: State,
    /// Changes of state so far. A permit belongs to the generation in which it was given.
    generation: u64,
}

impl Machine {
    pub(super) fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            state: State::Closed(Outcomes::new(settings.window)),
            generation: 0,
        }
    }

    pub(super) fn state(&self) -> BreakerState {
        match self.state {
            State::Closed(_) => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// Asks for a call, and gets the generation of its permit.
    pub(super) fn acquire(&mut self, now: Duration) -> (Result<u64, Rejected>, Changed) {
        let changed = match self.state {
            State::Open { until } if now >= until => {
                let permits = self.settings.probes;
                Some(self.change(
                    now,
                    State::HalfOpen {
                        permits,
                        ended: Calls::default(),
                    },
                    Cause::TimeOver,
                ))
            }
            State::Open { .. } | State::Closed(_) | State::HalfOpen { .. } => None,
        };
        let permitted = match &mut self.state {
            State::Closed(_) => Ok(self.generation),
            State::Open { until } => Err(Rejected {
                retry_after: Some(*until - now),
            }),
            State::HalfOpen { permits: 0, .. } => Err(Rejected { retry_after: None }),
            State::HalfOpen { permits, .. } => {
                *permits -= 1;
                Ok(self.generation)
            }
        };
        (permitted, changed)
    }

    /// A call ended. One that began in an earlier generation tells about another time, and does not count.
    pub(super) fn record(&mut self, generation: u64, now: Duration, failed: bool, took: Duration) -> Changed {
        if generation != self.generation {
            return None;
        }
        let slow = took > self.settings.slow_after;
        let call = Calls {
            all: 1,
            failed: failed.into(),
            slow: slow.into(),
        };
        match &mut self.state {
            State::Closed(outcomes) => {
                let calls = outcomes.add(now, call);
                let enough = calls.all >= u64::from(self.settings.min);
                let cause = enough.then(|| self.reached(calls)).flatten()?;
                Some(self.open(now, cause))
            }
            State::HalfOpen { ended, .. } => {
                *ended += call;
                let calls = *ended;
                if calls.all < u64::from(self.settings.probes) {
                    return None;
                }
                Some(match self.reached(calls) {
                    Some(cause) => self.open(now, cause),
                    None => {
                        let closed = State::Closed(Outcomes::new(self.settings.window));
                        self.change(now, closed, Cause::Recovered(calls))
                    }
                })
            }
            // Nobody has a permit of this generation.
            State::Open { .. } => None,
        }
    }

    /// A permit comes back without a result.
    pub(super) fn release(&mut self, generation: u64) {
        if generation == self.generation
            && let State::HalfOpen { permits, .. } = &mut self.state
        {
            *permits += 1;
        }
    }

    /// Opens it, unless it is open: then it stays open until the same time as before.
    pub(super) fn trip(&mut self, now: Duration) -> Changed {
        match self.state {
            State::Open { until } if now < until => None,
            State::Open { .. } | State::Closed(_) | State::HalfOpen { .. } => Some(self.open(now, Cause::Tripped)),
        }
    }

    fn reached(&self, calls: Calls) -> Option<Cause> {
        if self.settings.failures.is_reached(calls.failed, calls.all) {
            return Some(Cause::Failures(calls));
        }
        let slow = self.settings.slow_calls.is_reached(calls.slow, calls.all);
        slow.then_some(Cause::SlowCalls(calls))
    }

    fn open(&mut self, now: Duration, cause: Cause) -> Transition {
        self.change(
            now,
            State::Open {
                until: now + self.settings.open,
            },
            cause,
        )
    }

    fn change(&mut self, now: Duration, state: State, cause: Cause) -> Transition {
        let from = self.state();
        self.state = state;
        self.generation += 1;
        Transition {
            number: self.generation,
            at: now,
            from,
            to: self.state(),
            cause,
        }
    }
}
