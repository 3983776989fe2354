//! What a caller does to stay of use while a service that it calls is not, at `GET /resilience`, and how that is changed while it
//! runs, with `POST /resilience`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Program, Validate, Violation};

/// What a policy that is not used is written as.
pub const OFF: &str = "off";
/// Longest timeout of a call, in milliseconds.
const TIMEOUT_MS_MAX: u64 = 3_600_000;

/// What a circuit breaker stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BreakerFor {
    /// A called service as a whole.
    Upstream,
    /// Each instance of it.
    Instance,
}

/// The policies of calls to one service. Each is a line of settings as a team writes it, or [`OFF`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallPolicies {
    /// How long one try may take.
    pub timeout_ms: u64,
    /// Places for the calls to this service: `max=10 length=10 wait=1s`.
    pub bulkhead: String,
    /// A limit of concurrency that may move, and its queue: `gradient max=100; codel length=50`.
    pub limit: String,
    /// Places for the calls to all services together.
    pub pool: String,
    /// Throttling by the caller: `k=2 window=2m`.
    pub throttle: String,
    /// Retries: `attempts=3 base=50ms max=1s budget=20%`.
    pub retry: String,
    /// Second requests to what is slow: `after=p95 budget=5%`.
    pub hedge: String,
    /// Circuit breakers: `window=10s failures=50% min=20 open=5s probes=3`.
    pub breaker: String,
    /// What they stand for.
    pub breaker_for: BreakerFor,
}

/// What `POST /resilience` changes: whatever is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyChange {
    /// For the calls to which service; for all where it is absent.
    pub upstream: Option<Program>,
    /// As in [`CallPolicies`], like all that follow.
    pub timeout_ms: Option<u64>,
    /// Places for this service.
    pub bulkhead: Option<String>,
    /// A limit that may move.
    pub limit: Option<String>,
    /// Places for all services.
    pub pool: Option<String>,
    /// Throttling.
    pub throttle: Option<String>,
    /// Retries.
    pub retry: Option<String>,
    /// Second requests.
    pub hedge: Option<String>,
    /// Circuit breakers.
    pub breaker: Option<String>,
    /// What they stand for.
    pub breaker_for: Option<BreakerFor>,
}

impl PolicyChange {
    /// The policies after this change.
    #[must_use]
    pub fn apply(&self, before: &CallPolicies) -> CallPolicies {
        let line = |after: &Option<String>, before: &String| after.as_ref().unwrap_or(before).clone();
        CallPolicies {
            timeout_ms: self.timeout_ms.unwrap_or(before.timeout_ms),
            bulkhead: line(&self.bulkhead, &before.bulkhead),
            limit: line(&self.limit, &before.limit),
            pool: line(&self.pool, &before.pool),
            throttle: line(&self.throttle, &before.throttle),
            retry: line(&self.retry, &before.retry),
            hedge: line(&self.hedge, &before.hedge),
            breaker: line(&self.breaker, &before.breaker),
            breaker_for: self.breaker_for.unwrap_or(before.breaker_for),
        }
    }
}

impl Validate for PolicyChange {
    fn validate(&self) -> Result<(), Vec<Violation>> {
        match self.timeout_ms {
            Some(ms) if !(1..=TIMEOUT_MS_MAX).contains(&ms) => Err(vec![Violation {
                field: "timeout_ms",
                rule: format!("must be from 1 to {TIMEOUT_MS_MAX}, not {ms}"),
            }]),
            _ => Ok(()),
        }
    }
}

/// What an instance did with its calls since it started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resilience {
    /// Who tells this.
    pub instance: String,
    /// By the service that was called.
    pub upstreams: BTreeMap<Program, CallsReport>,
}

/// The calls to one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallsReport {
    /// How they are made.
    pub policies: CallPolicies,
    /// Calls that were begun.
    pub calls: u64,
    /// Calls that are under way, or wait for a place.
    pub in_flight: u64,
    /// Calls that brought an answer below 500.
    pub succeeded: u64,
    /// Calls that brought another one, or none.
    pub failed: u64,
    /// Calls that were not made, by the reason.
    pub rejections: BTreeMap<String, u64>,
    /// Calls that whoever wanted them left.
    pub abandoned: u64,
    /// Requests that were sent for these calls.
    pub attempts: u64,
    /// Those of them that were retries.
    pub retries: u64,
    /// Failed calls that were not tried again, by the reason.
    pub given_up: BTreeMap<String, u64>,
    /// Second requests that were sent.
    pub hedges: u64,
    /// Those of them whose answer was taken.
    pub hedges_won: u64,
    /// The circuit breakers.
    pub breakers: Vec<BreakerReport>,
    /// Their last changes, oldest first.
    pub transitions: Vec<BreakerChange>,
    /// The places for this service.
    pub bulkhead: Option<PlacesReport>,
    /// The limit that moves.
    pub limit: Option<PlacesReport>,
    /// The places for all services.
    pub pool: Option<PlacesReport>,
    /// Retries that the budget has left.
    pub retry_budget_left: Option<f64>,
    /// Second requests that the budget has left.
    pub hedge_budget_left: Option<f64>,
    /// After how long a second request is sent, in milliseconds.
    pub hedge_after_ms: Option<f64>,
    /// The probability with which the next call is dropped.
    pub throttle_rejection: Option<f64>,
}

/// One circuit breaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerReport {
    /// What it stands for: the service or an instance of it.
    pub name: String,
    /// `closed`, `open` or `half_open`.
    pub state: String,
}

/// A change of a circuit breaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerChange {
    /// What it stands for.
    pub name: String,
    /// When, in milliseconds since 1970.
    pub at_unix_ms: u64,
    /// The state before.
    pub from: String,
    /// The state from then on.
    pub to: String,
    /// Why.
    pub cause: String,
}

/// Places, and who wants one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacesReport {
    /// Places that there are at the moment.
    pub limit: u32,
    /// Places that are taken.
    pub in_flight: u32,
    /// How many wait for one.
    pub waiting: u64,
}
