//! The policies of the calls to one service at one time. A change makes a new chain, which takes over what did not change.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use contract::{BreakerFor, CallPolicies, OFF};
use reliability::SettingsError;
use reliability::bulkhead::Bulkhead;
use reliability::hedge::Hedge;
use reliability::retry::RetryPolicy;
use reliability::throttle::Throttle;

use super::breakers::Breakers;
use super::journal::Journal;
use super::pool::{self, Pools};

/// A policy that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{policy}: {reason}")]
pub(crate) struct PolicyError {
    /// Which one, as in [`CallPolicies`].
    pub(crate) policy: &'static str,
    pub(crate) reason: SettingsError,
}

/// Every policy that is on, with its state.
#[derive(Clone)]
pub(crate) struct Chain {
    pub(crate) policies: CallPolicies,
    pub(crate) timeout: Duration,
    pub(crate) bulkhead: Option<Bulkhead>,
    pub(crate) limit: Option<Bulkhead>,
    pub(crate) pool: Option<Bulkhead>,
    pub(crate) throttle: Option<Arc<Mutex<Throttle>>>,
    pub(crate) retry: Option<Arc<Mutex<RetryPolicy>>>,
    pub(crate) hedge: Option<Arc<Mutex<Hedge>>>,
    pub(crate) breakers: Option<Arc<Breakers>>,
}

impl Chain {
    /// The chain of these policies. Those that read as in the chain `before` go on with what they know.
    pub(crate) fn new(
        policies: CallPolicies,
        before: Option<&Self>,
        pools: &Pools,
        journal: &Journal,
    ) -> Result<Self, PolicyError> {
        let clock = pools.clock;
        let timeout = Duration::from_millis(policies.timeout_ms);
        let making = Making {
            policies: &policies,
            before,
        };
        Ok(Self {
            timeout,
            bulkhead: making.policy(
                "bulkhead",
                |of| &of.bulkhead,
                |chain| &chain.bulkhead,
                |line| pool::bulkhead(line, clock),
            )?,
            limit: making.policy(
                "limit",
                |of| &of.limit,
                |chain| &chain.limit,
                |line| pool::limit(line, timeout, clock),
            )?,
            pool: making.policy("pool", |of| &of.pool, |chain| &chain.pool, |line| pools.get(line))?,
            throttle: making.policy(
                "throttle",
                |of| &of.throttle,
                |chain| &chain.throttle,
                |line| Ok(shared(Throttle::new(line.parse()?))),
            )?,
            retry: making.policy(
                "retry",
                |of| &of.retry,
                |chain| &chain.retry,
                |line| Ok(shared(RetryPolicy::new(&line.parse()?))),
            )?,
            hedge: making.policy(
                "hedge",
                |of| &of.hedge,
                |chain| &chain.hedge,
                |line| Ok(shared(Hedge::new(line.parse()?))),
            )?,
            // The last one, as it is the only one that tells others of its end.
            breakers: making.policy(
                "breaker",
                |of| &of.breaker,
                |chain| &chain.breakers,
                |line| {
                    let settings = line.parse()?;
                    Ok(Arc::new(Breakers::new(settings, journal.start_anew())))
                },
            )?,
            policies,
        })
    }

    pub(crate) const fn breaker_for(&self) -> BreakerFor {
        self.policies.breaker_for
    }
}

fn shared<T>(policy: T) -> Arc<Mutex<T>> {
    Arc::new(Mutex::new(policy))
}

struct Making<'a> {
    policies: &'a CallPolicies,
    before: Option<&'a Chain>,
}

impl Making<'_> {
    /// One policy: that of the chain before where its line is the same, else a new one, or none.
    fn policy<T: Clone>(
        &self,
        name: &'static str,
        line: impl Fn(&CallPolicies) -> &String,
        state: impl Fn(&Chain) -> &Option<T>,
        make: impl FnOnce(&str) -> Result<T, SettingsError>,
    ) -> Result<Option<T>, PolicyError> {
        let wanted = line(self.policies);
        if let Some(same) = self.before.filter(|before| line(&before.policies) == wanted) {
            return Ok(state(same).clone());
        }
        if wanted.trim() == OFF {
            return Ok(None);
        }
        make(wanted)
            .map(Some)
            .map_err(|reason| PolicyError { policy: name, reason })
    }
}
