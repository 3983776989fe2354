//! One try: the circuit breakers are asked, the request is sent, and waited for until its timeout.

use super::context::Call;
use super::outcome::{CallFailure, Outcome, Rejection};

/// Makes one try.
pub(crate) async fn attempt(call: &Call<'_>) -> Outcome {
    let chain = call.chain;
    let mut message = call.message.clone();
    let mut permits = None;
    if let Some(breakers) = &chain.breakers {
        let asked = breakers.acquire(chain.breaker_for(), call.now());
        let acquired = asked.map_err(|rejected| call.rejected(Rejection::Breaker(rejected)))?;
        acquired.avoid(&mut message.headers);
        permits = Some(acquired);
    }
    call.counts.attempts.count();
    let started = call.now();
    let outcome = call
        .callee
        .send_within(chain.timeout, message)
        .await
        .map_err(CallFailure::Failed);
    if let Some(permits) = permits {
        let now = call.now();
        permits.record(&outcome, now, now - started);
    }
    outcome
}
