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
    /// What each breaker has told, of those that there are.
    told: BTreeMap<String, Told>,
    recent: VecDeque<BreakerChange>,
}

/// What one breaker has told.
struct Told {
    state: BreakerState,
    /// The number of the change to this state. Observers on several threads may come in another order.
    number: u64,
    /// How often it changed to each state, by its word.
    changes: BTreeMap<&'static str, u64>,
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
        Self {
            upstream,
            pages: Arc::default(),
        }
    }

    /// Breakers of other settings follow, or none: those that there were are forgotten.
    pub(crate) fn start_anew(&self) -> Edition {
        let mut pages = lock(&self.pages);
        pages.edition += 1;
        pages.told.clear();
        Edition {
            journal: self.clone(),
            number: pages.edition,
        }
    }

    /// The last changes, oldest first.
    pub(crate) fn recent(&self) -> Vec<BreakerChange> {
        lock(&self.pages).recent.iter().cloned().collect()
    }

    /// Records the breakers that there are as metrics of this moment. One that is gone has none.
    pub(crate) fn record(&self) {
        metrics::describe_gauge!(
            "breaker_state",
            "1 for the state that a circuit breaker is in, 0 for the others."
        );
        metrics::describe_counter!(
            "breaker_transitions_total",
            "Changes of a circuit breaker, by the state that it changed to."
        );
        let upstream = self.upstream.as_str();
        for (name, told) in &lock(&self.pages).told {
            for state in STATES {
                metrics::gauge!(
                    "breaker_state", "upstream" => upstream, "breaker" => name.clone(), "state" => word(state)
                )
                .set(f64::from(u8::from(state == told.state)));
            }
            for (to, changes) in &told.changes {
                metrics::counter!(
                    "breaker_transitions_total", "upstream" => upstream, "breaker" => name.clone(), "to" => *to
                )
                .absolute(*changes);
            }
        }
    }
}

impl Edition {
    pub(crate) const fn upstream(&self) -> &'static str {
        self.journal.upstream.as_str()
    }

    /// A closed breaker of this name, whose changes are told here.
    pub(crate) fn breaker(&self, settings: BreakerSettings, name: &str) -> Breaker {
        let told = Told {
            state: BreakerState::Closed,
            number: 0,
            changes: BTreeMap::new(),
        };
        let mut pages = lock(&self.journal.pages);
        if pages.edition == self.number {
            pages.told.insert(name.to_owned(), told);
        }
        drop(pages);
        let (edition, name) = (self.clone(), name.to_owned());
        Breaker::observed(settings, move |transition| edition.tell(&name, transition))
    }

    /// The breaker of this name is not asked any more.
    pub(crate) fn forget(&self, name: &str) {
        let mut pages = lock(&self.journal.pages);
        if pages.edition == self.number {
            pages.told.remove(name);
        }
    }

    fn tell(&self, name: &str, transition: &Transition) {
        let (from, to) = (word(transition.from), word(transition.to));
        let cause = transition.cause.to_string();
        let upstream = self.upstream();
        let mut pages = lock(&self.journal.pages);
        if pages.edition != self.number {
            return;
        }
        // Calls that began before it was forgotten may still end.
        let Some(told) = pages.told.get_mut(name) else {
            return;
        };
        *told.changes.entry(to).or_default() += 1;
        if transition.number > told.number {
            told.number = transition.number;
            told.state = transition.to;
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
