//! The circuit breakers of one service: see [`reliability::breaker`].
//!
//! There is one for the service, and one for each instance of it if that is wanted. Before a balancer a caller does not choose the
//! instance. It learns from the header `x-instance` of an answer who gave it, and asks the balancer in `x-avoid-instances` to pass by
//! those whose breaker is open. A balancer that answers itself names the instance at fault in `x-upstream`. What has no answer, such
//! as a timeout, has no name either, and counts against the service as a whole.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chassis::{CallError, Reply};
use contract::{AVOID_HEADER, BreakerFor, BreakerReport, NO_UPSTREAM, UPSTREAM_HEADER};
use http::{HeaderMap, HeaderValue};
use reliability::breaker::{Breaker, BreakerSettings, Permit, Rejected};

use super::journal::{Edition, word};
use super::lock::lock;
use super::outcome::{CallFailure, Outcome, is_failure};

const X_INSTANCE: &str = "x-instance";
/// Instances that are remembered: names come from answers, and must not fill the memory.
const INSTANCES_MAX: usize = 64;

/// The breakers of one service.
pub(crate) struct Breakers {
    settings: BreakerSettings,
    journal: Edition,
    service: Breaker,
    instances: Mutex<BTreeMap<Arc<str>, Breaker>>,
}

impl Breakers {
    /// All closed. Their changes are told to `journal`.
    pub(crate) fn new(settings: BreakerSettings, journal: Edition) -> Self {
        Self {
            settings,
            service: journal.breaker(settings, journal.upstream()),
            journal,
            instances: Mutex::default(),
        }
    }

    /// Asks for one try. Of the instances' breakers, those that reject only say whom to avoid.
    pub(crate) fn acquire(self: &Arc<Self>, of: BreakerFor, now: Duration) -> Result<Permits, Rejected> {
        let service = self.service.acquire(now)?;
        let mut permits = Permits {
            breakers: Arc::clone(self),
            of,
            service,
            instances: Vec::new(),
            avoided: Vec::new(),
        };
        if of == BreakerFor::Instance {
            for (name, breaker) in &*lock(&self.instances) {
                match breaker.acquire(now) {
                    Ok(permit) => permits.instances.push((name.clone(), permit)),
                    Err(_) => permits.avoided.push(name.clone()),
                }
            }
        }
        Ok(permits)
    }

    /// The breaker of an instance, a new one where it is heard of for the first time.
    fn instance(&self, name: &str) -> Option<Breaker> {
        let mut instances = lock(&self.instances);
        if let Some(known) = instances.get(name) {
            return Some(known.clone());
        }
        (instances.len() < INSTANCES_MAX).then(|| {
            let breaker = self.journal.breaker(self.settings, name);
            instances.insert(name.into(), breaker.clone());
            breaker
        })
    }

    pub(crate) fn report(&self) -> Vec<BreakerReport> {
        let of = |name: &str, breaker: &Breaker| BreakerReport {
            name: name.to_owned(),
            state: word(breaker.state()).to_owned(),
        };
        let service = of(self.journal.upstream(), &self.service);
        let instances = lock(&self.instances);
        let instances = instances.iter().map(|(name, breaker)| of(name, breaker));
        std::iter::once(service).chain(instances).collect()
    }
}

/// The right to one try. A request goes to one instance, so the permits of all others go back unused.
pub(crate) struct Permits {
    breakers: Arc<Breakers>,
    of: BreakerFor,
    service: Permit,
    instances: Vec<(Arc<str>, Permit)>,
    avoided: Vec<Arc<str>>,
}

impl Permits {
    /// Says in a request whom to pass by.
    pub(crate) fn avoid(&self, headers: &mut HeaderMap) {
        if self.avoided.is_empty() {
            return;
        }
        // Names were read from headers, so they fit into one.
        if let Ok(names) = HeaderValue::try_from(self.avoided.join(",")) {
            headers.insert(AVOID_HEADER, names);
        }
    }

    /// The try ended.
    pub(crate) fn record(mut self, outcome: &Outcome, now: Duration, took: Duration) {
        if matches!(outcome, Err(CallFailure::Failed(CallError::NotConfigured { .. }))) {
            return;
        }
        let failed = is_failure(outcome);
        let name = outcome.as_ref().ok().and_then(instance_of);
        let Some(name) = name.filter(|_| self.of == BreakerFor::Instance) else {
            return end(self.service, failed, now, took);
        };
        // The way to it works, whatever it answered.
        self.service.succeeded(now, took);
        let known = self.instances.iter().position(|(instance, _)| **instance == *name);
        let permit = match known {
            Some(at) => Some(self.instances.swap_remove(at).1),
            // It is new, or answered although it was to be passed by: then its breaker is open, and wants to hear nothing.
            None => self
                .breakers
                .instance(name)
                .and_then(|breaker| breaker.acquire(now).ok()),
        };
        if let Some(permit) = permit {
            end(permit, failed, now, took);
        }
    }
}

fn end(permit: Permit, failed: bool, now: Duration, took: Duration) {
    if failed {
        permit.failed(now, took);
    } else {
        permit.succeeded(now, took);
    }
}

/// Who gave an answer, or did not give one to a balancer that says so.
fn instance_of(reply: &Reply) -> Option<&str> {
    let named = |header| {
        reply
            .headers
            .get(header)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    match named(UPSTREAM_HEADER) {
        Some(NO_UPSTREAM) => None,
        Some(asked) => Some(asked),
        None => named(X_INSTANCE),
    }
}
