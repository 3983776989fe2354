//! Trying again what failed: see [`reliability::retry()`].

use reliability::retry;

use super::context::Call;
use super::hedging::hedged;
use super::lock::lock;
use super::outcome::{CallFailure, Outcome, is_transient};

/// Makes a call as often as the policy allows and it takes.
pub(crate) async fn tried(call: &Call<'_>) -> Outcome {
    let Some(policy) = &call.chain.retry else {
        return hedged(call).await;
    };
    let known = retry::Call {
        idempotent: call.is_idempotent(),
        deadline: call.deadline,
    };
    lock(policy).call(call.now());
    let mut failed = 0;
    let mut before: Option<Outcome> = None;
    loop {
        let outcome = hedged(call).await;
        // A try that a breaker did not let be made says less than the one before it, which failed.
        if let (Err(CallFailure::Rejected { .. }), Some(before)) = (&outcome, before.take()) {
            return before;
        }
        if !is_transient(&outcome) {
            return outcome;
        }
        failed += 1;
        let next = lock(policy).failed(&known, failed, call.now(), &mut rand::rng());
        match next {
            Ok(pause) => tokio::time::sleep(pause).await,
            Err(why) => {
                call.counts.give_up(why);
                return outcome;
            }
        }
        call.counts.retries.count();
        before = Some(outcome);
    }
}
