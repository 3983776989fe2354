//! The circuit breakers of one service: see [`reliability::breaker`].
//!
//! There is one for the service, and one for each instance of it if that is wanted. Before a balancer a caller does not choose the
//! instance. It learns from the header `x-instance` of an answer who gave it, and asks the balancer in `x-avoid-instances` to pass by
//! those whose breaker is open. A balancer that answers itself names the instance at fault in `x-upstream`. What has no answer, such
//! as a timeout, has no name either, and counts against the service as a whole.
//!
//! Nobody tells a caller that an instance is gone, either. It is taken for gone when it has not answered for a while, and the others
//! have answered often: see [`SILENCE`].

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
/// An instance that has not answered for so long is gone, if [`SILENT_SHARES`] says so, too. It may take that long to start again.
const SILENCE: Duration = Duration::from_secs(60);
/// So many answers of the service for each instance that is known have to have come without one from an instance that is gone. Where
/// few requests come, a minute says nothing. Of equals, one is left out so often about once in nine million times.
const SILENT_SHARES: u64 = 16;

/// The breakers of one service.
pub(crate) struct Breakers {
    settings: BreakerSettings,
    journal: Edition,
    service: Breaker,
    instances: Mutex<Instances>,
}

/// The instances that are there, as far as answers tell.
#[derive(Default)]
struct Instances {
    known: BTreeMap<Arc<str>, Known>,
    /// Answers of all of them so far.
    answers: u64,
}

struct Known {
    breaker: Breaker,
    heard: Heard,
}

/// When an instance was last heard of, or could not be because nobody asks it while its breaker is open.
#[derive(Clone, Copy)]
struct Heard {
    at: Duration,
    /// How many answers there had been.
    answers: u64,
}

impl Instances {
    const fn heard(&self, now: Duration) -> Heard {
        Heard {
            at: now,
            answers: self.answers,
        }
    }

    /// Takes out those that are gone, and gives their names.
    fn take_gone(&mut self, now: Duration) -> Vec<Arc<str>> {
        let (answers, shares) = (self.answers, SILENT_SHARES * self.known.len() as u64);
        let is_gone =
            |known: &Known| now.saturating_sub(known.heard.at) > SILENCE && answers - known.heard.answers >= shares;
        let gone = self.known.extract_if(.., |_, known| is_gone(known));
        gone.map(|(name, _)| name).collect()
    }
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
            let mut instances = lock(&self.instances);
            let heard = instances.heard(now);
            for (name, known) in &mut instances.known {
                match known.breaker.acquire(now) {
                    Ok(permit) => permits.instances.push((name.clone(), permit)),
                    Err(_) => {
                        known.heard = heard;
                        permits.avoided.push(name.clone());
                    }
                }
            }
        }
        Ok(permits)
    }

    /// An instance answered: its breaker, a new one where it is heard of for the first time. Those that are gone are forgotten.
    fn hear(&self, name: &str, now: Duration) -> Option<Breaker> {
        let mut instances = lock(&self.instances);
        instances.answers += 1;
        let heard = instances.heard(now);
        let known = instances.known.get_mut(name).map(|known| {
            known.heard = heard;
            known.breaker.clone()
        });
        for gone in instances.take_gone(now) {
            self.journal.forget(&gone);
        }
        if known.is_some() || instances.known.len() >= INSTANCES_MAX {
            return known;
        }
        let breaker = self.journal.breaker(self.settings, name);
        let new = Known {
            breaker: breaker.clone(),
            heard,
        };
        instances.known.insert(name.into(), new);
        Some(breaker)
    }

    /// Forgets all instances, as their breakers are not asked any more.
    pub(crate) fn forget_instances(&self) {
        for name in std::mem::take(&mut *lock(&self.instances)).known.keys() {
            self.journal.forget(name);
        }
    }

    pub(crate) fn report(&self) -> Vec<BreakerReport> {
        let of = |name: &str, breaker: &Breaker| BreakerReport {
            name: name.to_owned(),
            state: word(breaker.state()).to_owned(),
        };
        let service = of(self.journal.upstream(), &self.service);
        let instances = lock(&self.instances);
        let instances = instances.known.iter().map(|(name, known)| of(name, &known.breaker));
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
        let breaker = self.breakers.hear(name, now);
        let known = self.instances.iter().position(|(instance, _)| **instance == *name);
        let permit = match known {
            Some(at) => Some(self.instances.swap_remove(at).1),
            // It is new, or answered although it was to be passed by: then its breaker is open, and wants to hear nothing.
            None => breaker.and_then(|breaker| breaker.acquire(now).ok()),
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
