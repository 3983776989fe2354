//! A second request beside one that is slow: see [`reliability::hedge`].

use std::pin::pin;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::{Either, select};
use reliability::hedge::Hedge;

use super::attempt::attempt;
use super::context::Call;
use super::lock::lock;
use super::outcome::{CallFailure, Outcome, is_failure};

/// Makes a call, and a second one besides when the policy says so.
pub(crate) async fn hedged(call: &Call<'_>) -> Outcome {
    let Some(policy) = &call.chain.hedge else {
        return attempt(call).await;
    };
    let started = call.now();
    let pause = lock(policy).first(call.is_idempotent(), started);
    let outcome = match pause {
        None => attempt(call).await,
        Some(pause) => race(call, policy, pause).await,
    };
    if outcome.is_ok() {
        lock(policy).observe(call.now() - started);
    }
    outcome
}

/// The first good answer is taken. The other request is dropped, which closes its connection: the service sees that nobody waits.
async fn race(call: &Call<'_>, policy: &Mutex<Hedge>, pause: Duration) -> Outcome {
    let mut first = pin!(attempt(call));
    if let Ok(outcome) = tokio::time::timeout(pause, &mut first).await {
        return outcome;
    }
    if !lock(policy).second(call.deadline, call.now()) {
        return first.await;
    }
    call.counts.hedges.count();
    let second = pin!(attempt(call));
    let (outcome, other, was_second) = match select(first, second).await {
        Either::Left((outcome, second)) => (outcome, second, false),
        Either::Right((outcome, first)) => (outcome, first, true),
    };
    let (outcome, was_second) = if is_good(&outcome) {
        (outcome, was_second)
    } else {
        better(outcome, other.await, was_second)
    };
    if was_second {
        call.counts.hedges_won.count();
    }
    outcome
}

fn is_good(outcome: &Outcome) -> bool {
    outcome.is_ok() && !is_failure(outcome)
}

/// Of two that ended after one another: the later one is better, unless it was not made at all.
fn better(earlier: Outcome, later: Outcome, earlier_was_second: bool) -> (Outcome, bool) {
    match &later {
        Err(CallFailure::Rejected { .. }) => (earlier, earlier_was_second),
        _ => (later, !earlier_was_second),
    }
}
