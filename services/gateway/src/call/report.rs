//! What `GET /resilience` tells of the calls to one service.

use std::time::Duration;

use contract::{CallsReport, PlacesReport};
use reliability::bulkhead::Bulkhead;

use super::chain::Chain;
use super::counts::Counts;
use super::journal::Journal;
use super::lock::lock;

/// Everything, at `now`.
pub(crate) fn report(chain: &Chain, counts: &Counts, journal: &Journal, now: Duration) -> CallsReport {
    let hedge = chain.hedge.as_deref();
    CallsReport {
        policies: chain.policies.clone(),
        in_flight: counts.in_flight(),
        calls: counts.calls.value(),
        succeeded: counts.succeeded.value(),
        failed: counts.failed.value(),
        rejections: counts.rejections.values(),
        abandoned: counts.abandoned.value(),
        attempts: counts.attempts.value(),
        retries: counts.retries.value(),
        given_up: counts.given_up.values(),
        hedges: counts.hedges.value(),
        hedges_won: counts.hedges_won.value(),
        breakers: chain
            .breakers
            .as_ref()
            .map(|breakers| breakers.report())
            .unwrap_or_default(),
        transitions: journal.recent(),
        bulkhead: chain.bulkhead.as_ref().map(places),
        limit: chain.limit.as_ref().map(places),
        pool: chain.pool.as_ref().map(places),
        retry_budget_left: chain.retry.as_ref().map(|retry| lock(retry).budget_left(now)),
        hedge_budget_left: hedge.map(|hedge| lock(hedge).budget_left(now)),
        hedge_after_ms: hedge
            .and_then(|hedge| lock(hedge).pause())
            .map(|pause| pause.as_secs_f64() * 1_000.0),
        throttle_rejection: chain.throttle.as_ref().map(|throttle| lock(throttle).rejection(now)),
    }
}

fn places(bulkhead: &Bulkhead) -> PlacesReport {
    PlacesReport {
        limit: bulkhead.limit(),
        in_flight: bulkhead.in_flight(),
        waiting: bulkhead.waiting() as u64,
    }
}
