//! Places for calls: who finds none waits, or is refused.
//!
//! The bulkhead of a service is asked first, then its limit, then the pool of all services: who waits for its own service must not
//! hold a place that others need.

use std::time::Duration;

use reliability::bulkhead::{Bulkhead, Permit, Refused};
use reliability::limit;

use super::context::Call;
use super::outcome::{Outcome, Rejection, is_overload};

/// The places of one call. Dropped, they are free.
pub(crate) struct Places {
    limit: Option<Permit>,
    _bulkhead: Option<Permit>,
    _pool: Option<Permit>,
}

impl Places {
    /// The limit learns how the call went. Of one that was not made, or found nobody, it learns nothing.
    pub(crate) fn ended(self, outcome: &Outcome) {
        let Some(permit) = self.limit else { return };
        if is_overload(outcome) {
            permit.ended(limit::Outcome::Overloaded);
        } else if outcome.is_ok() {
            permit.ended(limit::Outcome::Done);
        }
    }
}

/// Waits for all places that a call needs, but not past its deadline.
///
/// # Errors
/// Which place it did not get.
pub(crate) async fn enter(call: &Call<'_>) -> Result<Places, Rejection> {
    let chain = call.chain;
    let bulkhead = place(call, chain.bulkhead.as_ref(), Rejection::Bulkhead).await?;
    let limit = place(call, chain.limit.as_ref(), Rejection::Limit).await?;
    let pool = place(call, chain.pool.as_ref(), Rejection::Pool).await?;
    // Time has passed in the queues.
    left(call)?;
    Ok(Places {
        limit,
        _bulkhead: bulkhead,
        _pool: pool,
    })
}

async fn place(
    call: &Call<'_>,
    places: Option<&Bulkhead>,
    refusal: fn(Refused) -> Rejection,
) -> Result<Option<Permit>, Rejection> {
    let Some(places) = places else { return Ok(None) };
    let entered = match left(call)? {
        None => places.enter().await,
        Some(left) => tokio::time::timeout(left, places.enter())
            .await
            .map_err(|_| Rejection::Deadline)?,
    };
    entered.map(Some).map_err(refusal)
}

/// How long the call is still waited for; `None` is for ever.
fn left(call: &Call<'_>) -> Result<Option<Duration>, Rejection> {
    let left = call.deadline.map(|deadline| deadline.check(call.now())).transpose();
    left.map_err(|_| Rejection::Deadline)
}
