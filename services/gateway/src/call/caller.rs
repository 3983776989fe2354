//! Calls one service, with the policies around each call.

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use chassis::{CallError, Callee, Check, Due, Message};
use contract::{BreakerFor, CallPolicies, CallsReport, Program};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use reliability::deadline::Deadline;
use serde::Serialize;

use super::chain::{Chain, PolicyError};
use super::context::Call;
use super::counts::Counts;
use super::journal::Journal;
use super::lock::lock;
use super::outcome::{Outcome, Rejection, is_accepted};
use super::pool::Pools;
use super::report;
use super::{places, retrying};

/// The way to one service. Clones are the same way.
#[derive(Clone)]
pub(crate) struct Caller(Arc<Inner>);

struct Inner {
    callee: Callee,
    chain: RwLock<Arc<Chain>>,
    pools: Arc<Pools>,
    journal: Journal,
    counts: Counts,
}

impl Caller {
    /// # Errors
    /// When a policy is not understood.
    pub(crate) fn new(callee: Callee, policies: CallPolicies, pools: &Arc<Pools>) -> Result<Self, PolicyError> {
        let journal = Journal::of(callee.service());
        let chain = Chain::new(policies, None, pools, &journal)?;
        Ok(Self(Arc::new(Inner {
            counts: Counts::of(callee.service()),
            callee,
            chain: RwLock::new(Arc::new(chain)),
            pools: Arc::clone(pools),
            journal,
        })))
    }

    pub(crate) fn service(&self) -> Program {
        self.0.callee.service()
    }

    /// Asks for `path`.
    pub(crate) async fn get(&self, path: &str) -> Outcome {
        self.send(Method::GET, path, None, Bytes::new()).await
    }

    /// Sends a value as JSON.
    pub(crate) async fn post<T: Serialize + Sync>(&self, path: &str, value: &T) -> Outcome {
        let body = serde_json::to_vec(value).map_err(|error| CallError::Unusable {
            service: self.service(),
            reason: error.to_string(),
        })?;
        let json = HeaderValue::from_static("application/json");
        self.send(Method::POST, path, Some(json), body.into()).await
    }

    /// Sends a body as it is.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: Option<HeaderValue>,
        body: Bytes,
    ) -> Outcome {
        let headers: HeaderMap = content_type.map(|value| (CONTENT_TYPE, value)).into_iter().collect();
        let message = Message {
            method,
            path,
            headers,
            body,
        };
        let began = self.0.counts.begin();
        let outcome = self.through_the_chain(message).await;
        began.ended(&outcome);
        outcome
    }

    async fn through_the_chain(&self, message: Message<'_>) -> Outcome {
        let chain = self.chain();
        let mut call = Call {
            chain: &chain,
            callee: &self.0.callee,
            counts: &self.0.counts,
            clock: self.0.pools.clock,
            message,
            deadline: None,
        };
        if let Some(due) = Due::current() {
            let left = due.left().map_err(|_| call.rejected(Rejection::Deadline))?;
            call.deadline = Some(Deadline::after(call.now(), left));
        }
        let places = places::enter(&call)
            .await
            .map_err(|rejection| call.rejected(rejection))?;
        let outcome = throttled(&call).await;
        places.ended(&outcome);
        outcome
    }

    fn chain(&self) -> Arc<Chain> {
        Arc::clone(&self.0.chain.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The policies at this moment.
    pub(crate) fn policies(&self) -> CallPolicies {
        self.chain().policies.clone()
    }

    /// Whether these policies are understood.
    pub(crate) fn check_policies(&self, policies: CallPolicies) -> Result<(), PolicyError> {
        // The chain is thrown away, and nobody hears of it.
        Chain::new(policies, None, &Pools::new(), &Journal::of(self.service())).map(drop)
    }

    /// Changes the policies for all calls that begin from now on.
    pub(crate) fn set_policies(&self, policies: CallPolicies) -> Result<(), PolicyError> {
        let mut chain = self.0.chain.write().unwrap_or_else(PoisonError::into_inner);
        let next = Chain::new(policies, Some(&chain), &self.0.pools, &self.0.journal)?;
        if chain.breakers.is_some() && next.breakers.is_none() {
            self.0.journal.start_anew();
        }
        if next.breaker_for() == BreakerFor::Upstream
            && let Some(breakers) = &next.breakers
        {
            breakers.forget_instances();
        }
        *chain = Arc::new(next);
        Ok(())
    }

    /// The readiness check, which asks the service itself: whether it is well is no question of how it is called.
    pub(crate) fn check(&self) -> Option<Check> {
        self.0.callee.check()
    }

    /// Records its breakers as metrics of this moment.
    pub(crate) fn record(&self) {
        self.0.journal.record();
    }

    /// What it did.
    pub(crate) fn report(&self) -> CallsReport {
        report::report(&self.chain(), &self.0.counts, &self.0.journal, self.0.pools.clock.now())
    }
}

/// Drops a call that the service would most likely reject.
async fn throttled(call: &Call<'_>) -> Outcome {
    let Some(throttle) = &call.chain.throttle else {
        return retrying::tried(call).await;
    };
    if !lock(throttle).admit(call.now(), &mut rand::rng()) {
        return Err(call.rejected(Rejection::Throttle));
    }
    let outcome = retrying::tried(call).await;
    if is_accepted(&outcome) {
        lock(throttle).accepted(call.now());
    }
    outcome
}
