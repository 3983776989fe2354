//! What the circuit breakers of one service tell of themselves: a line in the log, metrics, and a list of the last changes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use contract::{BreakerChange, Program};
use reliability::breaker::{Breaker, BreakerSettings, BreakerState, Transition};

use super::lock::lock;

/// Changes that are remembered.
const REMEMBERED: usize = 100;
const STATES: [BreakerState; 3] = [BreakerState::Closed, BreakerState::Open, BreakerState::HalfOpen];

/// A state as metrics and reports name it.
pub(crate) const fn word(state: BreakerState) -> &'static str {
    match state {
        BreakerState::Closed => "closed",
        BreakerState::Open => "open",
        BreakerState::HalfOpen => "half_open",
    }
}

#[derive(Default)]
struct Pages {
    /// Counts the settings that breakers had. Breakers of earlier ones may still end calls, and have nothing to tell.
    edition: u64,
    /// The number of the last change that was told of each breaker. Observers on several threads may come in another order.
    told: BTreeMap<String, u64>,
    recent: VecDeque<BreakerChange>,
}

/// The journal of one service.
#[derive(Clone)]
pub(crate) struct Journal {
    upstream: Program,
    pages: Arc<Mutex<Pages>>,
}

/// The part of a journal that belongs to the breakers of one line of settings.
#[derive(Clone)]
pub(crate) struct Edition {
    journal: Journal,
    number: u64,
}

impl Journal {
    pub(crate) fn of(upstream: Program) -> Self {
        metrics::describe_gauge!(
            "breaker_state",
            "1 for the state that a circuit breaker is in, 0 for the others."
        );
        metrics::describe_counter!(
            "breaker_transitions_total",
            "Changes of a circuit breaker, by the state that it changed to."
        );
        Self {
            upstream,
            pages: Arc::default(),
        }
    }

    /// Breakers of other settings follow, or none: those that there were are forgotten, and closed.
    pub(crate) fn start_anew(&self) -> Edition {
        let mut pages = lock(&self.pages);
        pages.edition += 1;
        for (name, _) in std::mem::take(&mut pages.told) {
            self.show(&name, BreakerState::Closed);
        }
        Edition {
            journal: self.clone(),
            number: pages.edition,
        }
    }

    /// The last changes, oldest first.
    pub(crate) fn recent(&self) -> Vec<BreakerChange> {
        lock(&self.pages).recent.iter().cloned().collect()
    }

    fn show(&self, name: &str, state: BreakerState) {
        for each in STATES {
            let gauge = metrics::gauge!(
                "breaker_state",
                "upstream" => self.upstream.as_str(), "breaker" => name.to_owned(), "state" => word(each)
            );
            gauge.set(if each == state { 1.0 } else { 0.0 });
        }
    }
}

impl Edition {
    pub(crate) const fn upstream(&self) -> &'static str {
        self.journal.upstream.as_str()
    }

    /// A closed breaker of this name, whose changes are told here.
    pub(crate) fn breaker(&self, settings: BreakerSettings, name: &str) -> Breaker {
        lock(&self.journal.pages).told.insert(name.to_owned(), 0);
        self.journal.show(name, BreakerState::Closed);
        let (edition, name) = (self.clone(), name.to_owned());
        Breaker::observed(settings, move |transition| edition.tell(&name, transition))
    }

    fn tell(&self, name: &str, transition: &Transition) {
        let (from, to) = (word(transition.from), word(transition.to));
        let cause = transition.cause.to_string();
        let upstream = self.upstream();
        let mut pages = lock(&self.journal.pages);
        if pages.edition != self.number {
            return;
        }
        tracing::info!(
            upstream,
            breaker = name,
            from,
            to,
            cause,
            number = transition.number,
            "a circuit breaker changed"
        );
        metrics::counter!(
            "breaker_transitions_total",
            "upstream" => upstream, "breaker" => name.to_owned(), "to" => to
        )
        .increment(1);
        let told = pages.told.entry(name.to_owned()).or_default();
        if transition.number > *told {
            *told = transition.number;
            self.journal.show(name, transition.to);
        }
        if pages.recent.len() == REMEMBERED {
            pages.recent.pop_front();
        }
        pages.recent.push_back(BreakerChange {
            name: name.to_owned(),
            at_unix_ms: chassis::unix_ms().unsigned_abs(),
            from: from.to_owned(),
            to: to.to_owned(),
            cause,
        });
    }
}
