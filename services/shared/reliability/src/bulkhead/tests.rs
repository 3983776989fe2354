//! What a bulkhead promises, wherever its callers leave.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::limit::{Outcome, limit};
use crate::queue::queue;

const LONG: Duration = Duration::from_secs(60);

fn bulkhead(settings: &str) -> Bulkhead {
    let settings: BulkheadSettings = settings.parse().unwrap();
    let origin = std::time::Instant::now();
    Bulkhead::new(settings.places().unwrap(), settings.wait, move || origin.elapsed())
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

#[tokio::test]
async fn its_places_then_its_queue_then_nobody() {
    let bulkhead = bulkhead("max=1 length=1 wait=60s");
    let first = bulkhead.enter().await.unwrap();
    let second = tokio::spawn({
        let bulkhead = bulkhead.clone();
        async move { bulkhead.enter().await }
    });
    while bulkhead.waiting() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bulkhead.enter().await.unwrap_err(), Refused::Full);
    first.ended(Outcome::Done);
    let second = second.await.unwrap().unwrap();
    assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (1, 0));
    drop(second);
    assert_eq!(bulkhead.in_flight(), 0);
}

/// failsafe#393, #400: a waiter that timed out stayed in the queue, and got a place that nobody used.
#[tokio::test]
async fn a_waiter_that_times_out_gives_its_place_back() {
    let bulkhead = bulkhead("max=1 length=1 wait=1ms");
    let first = bulkhead.enter().await.unwrap();
    for _ in 0..3 {
        assert_eq!(
            bulkhead.enter().await.unwrap_err(),
            Refused::TimedOut,
            "the queue of one is free again"
        );
        assert_eq!(bulkhead.waiting(), 0);
    }
    drop(first);
    assert_eq!(bulkhead.in_flight(), 0);
    assert!(bulkhead.enter().await.is_ok());
}

/// Hystrix#1867: the caller's timeout freed the place, and the thread worked on.
#[tokio::test]
async fn a_place_is_not_free_while_its_work_goes_on() {
    let bulkhead = bulkhead("max=1 length=0");
    let permit = bulkhead.enter().await.unwrap();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let work = tokio::spawn(permit.hold(ended));
    let caller = tokio::time::timeout(Duration::from_millis(1), work);
    assert!(caller.await.is_err(), "the caller leaves");
    assert_eq!(bulkhead.enter().await.unwrap_err(), Refused::Full);
    end.send(()).unwrap();
    while bulkhead.in_flight() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(bulkhead.enter().await.is_ok());
}

#[tokio::test]
async fn a_limit_that_moves_is_told_what_ended_and_not_what_was_cancelled() {
    let clock = Arc::new(AtomicU64::new(0));
    let limit = limit("aimd min=1 max=4 start=4 keep=50%").unwrap();
    let read = clock.clone();
    let now = move || Duration::from_millis(read.load(Ordering::Relaxed));
    let bulkhead = Bulkhead::new(Places::new(limit, queue("fifo length=0").unwrap()), LONG, now);
    let enter = async || bulkhead.enter().await.unwrap();
    let permits = (enter().await, enter().await, enter().await, enter().await);
    clock.store(10, Ordering::Relaxed);
    drop(permits.0);
    let again = enter().await;
    permits.1.ended(Outcome::Overloaded);
    assert_eq!(
        bulkhead.enter().await.unwrap_err(),
        Refused::Full,
        "three are under way, and two may be"
    );
    drop((permits.2, again));
    let last = enter().await;
    assert_eq!(bulkhead.in_flight(), 2);
    drop((permits.3, last));
}

/// What somebody does, to a caller or a permit that is drawn.
#[derive(Debug, Clone, Copy)]
enum Step {
    Pass(u64),
    Enter,
    Poll(usize),
    Leave(usize),
    End(usize),
    Drop(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (0..80_u64).prop_map(Step::Pass),
        5 => Just(Step::Enter),
        3 => any::<usize>().prop_map(Step::Poll),
        2 => any::<usize>().prop_map(Step::Leave),
        3 => any::<usize>().prop_map(Step::End),
        1 => any::<usize>().prop_map(Step::Drop),
    ];
    prop::collection::vec(step, 1..200)
}

type Entering<'b> = Pin<Box<dyn Future<Output = Result<Permit, Refused>> + 'b>>;

fn poll(entering: &mut Entering<'_>) -> Poll<Result<Permit, Refused>> {
    entering.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

proptest! {
    /// Callers come, are polled or not, leave at any await, and end or drop their permits in any order. A permit that was
    /// granted to a caller that was not polled since is in neither list.
    #[test]
    fn no_place_is_lost_and_none_is_given_twice(
        steps in steps(), max in 1..5_u32, length in 0..6_u32, discipline in 0..3_usize
    ) {
        let runtime = runtime();
        let _within = runtime.enter();
        let clock = Arc::new(AtomicU64::new(0));
        let name = crate::queue::REGISTRY[discipline].name();
        let queue = queue(&format!("{name} length={length}")).unwrap();
        let places = Places::new(limit(&format!("static max={max}")).unwrap(), queue);
        let bulkhead = Bulkhead::new(places, LONG, {
            let clock = clock.clone();
            move || Duration::from_millis(clock.load(Ordering::Relaxed))
        });
        let (mut entering, mut permits): (Vec<Entering<'_>>, Vec<Permit>) = (Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::Pass(ms) => _ = clock.fetch_add(ms, Ordering::Relaxed),
                Step::Enter => {
                    let mut caller: Entering<'_> = Box::pin(bulkhead.enter());
                    let room = bulkhead.in_flight() < max;
                    match poll(&mut caller) {
                        Poll::Ready(Ok(permit)) => permits.push(permit),
                        Poll::Ready(Err(refused)) => {
                            prop_assert_eq!(refused, Refused::Full);
                            prop_assert!(!room && bulkhead.waiting() == length as usize);
                        }
                        Poll::Pending => entering.push(caller),
                    }
                }
                Step::Poll(which) if !entering.is_empty() => {
                    let which = which % entering.len();
                    if let Poll::Ready(answer) = poll(&mut entering[which]) {
                        prop_assert!(!matches!(answer, Err(Refused::Full | Refused::TimedOut)));
                        permits.extend(answer);
                        drop(entering.remove(which));
                    }
                }
                Step::Leave(which) if !entering.is_empty() => drop(entering.remove(which % entering.len())),
                Step::End(which) if !permits.is_empty() => {
                    permits.remove(which % permits.len()).ended(Outcome::Done);
                }
                Step::Drop(which) if !permits.is_empty() => drop(permits.remove(which % permits.len())),
                Step::Poll(_) | Step::Leave(_) | Step::End(_) | Step::Drop(_) => {}
            }
            // Of those who do not wait and did not hear it yet, first in, first out turned nobody away.
            let (taken, unheard) = (bulkhead.in_flight() as usize, entering.len() - bulkhead.waiting());
            prop_assert!((permits.len()..=permits.len() + unheard).contains(&taken));
            prop_assert!(name != "fifo" || taken == permits.len() + unheard);
            prop_assert!(bulkhead.in_flight() <= max);
            prop_assert!(bulkhead.waiting() == 0 || bulkhead.in_flight() == max, "somebody waits for a free place");
        }
        for mut caller in entering {
            if let Poll::Ready(answer) = poll(&mut caller) {
                permits.extend(answer);
            }
            prop_assert!(permits.len() <= bulkhead.in_flight() as usize);
        }
        prop_assert_eq!(bulkhead.in_flight() as usize, permits.len(), "all have heard it, or left");
        drop(permits);
        prop_assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (0, 0));
    }
}

/// The same under several threads, where a caller may leave in the very moment in which it gets a place.
#[test]
fn callers_that_leave_at_any_moment_leave_nothing_behind() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(4)
        .enable_time()
        .build()
        .unwrap();
    let bulkhead = bulkhead("max=2 length=20 wait=60s");
    runtime.block_on(async {
        let callers = (0..4_000_u32).map(|number| {
            let bulkhead = bulkhead.clone();
            tokio::spawn(async move {
                let call = async {
                    if let Ok(permit) = bulkhead.enter().await {
                        permit.hold(tokio::task::yield_now()).await;
                    }
                };
                let _ = tokio::time::timeout(Duration::from_micros(u64::from(number % 50) * 40), call).await;
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.unwrap();
        }
    });
    assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (0, 0));
}
