//! A call that whoever wanted it leaves.

use std::future::{Future, poll_fn};
use std::task::Poll;

use super::*;

/// Longer than any test.
const LONG: Duration = Duration::from_secs(600);

/// Polls a future so often, and drops it. What it gave, if it ended.
async fn polled<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = polls;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => {
            left -= 1;
            if left == 0 { Poll::Ready(None) } else { Poll::Pending }
        }
    })
    .await
}

/// Whatever await a call is dropped at, every place and every permit is back.
#[tokio::test]
async fn a_call_may_be_dropped_at_any_await() {
    let address = service(|n| Some(if n % 2 == 0 { 500 } else { 200 })).await;
    let users = caller(
        &address,
        &[
            ("CALL_BULKHEAD", "max=1 length=1"),
            ("CALL_POOL", "max=1 length=1"),
            ("CALL_LIMIT", "static max=1; fifo length=1"),
            (
                "CALL_RETRY",
                "attempts=9 base=1ms max=1ms budget=100% reserve_per_s=1000",
            ),
            ("CALL_HEDGE", "after=p50 min=1 budget=100%"),
            ("CALL_BREAKER", "window=1 min=1 failures=1% open=1us probes=1"),
        ],
    );
    let mut ended = 0;
    let mut polls = 1;
    while ended < 20 {
        let outcome = Due::after(LONG).scope(polled(users.get("/"), polls)).await;
        assert_at_rest(&users.report());
        match outcome {
            None => polls += 1,
            // With one probe at a time, a permit that was lost would reject all that follow.
            Some(outcome) => {
                assert!(rejection(&outcome).is_none(), "{outcome:?}");
                ended += 1;
                polls = 1 + polls % 7;
            }
        }
    }
}
