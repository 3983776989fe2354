//! What a breaker promises, and the bugs of other libraries that it must not have.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;

const MS: Duration = Duration::from_millis(1);

fn breaker(settings: &str) -> (Breaker, Arc<Mutex<Vec<Transition>>>) {
    let told: Arc<Mutex<Vec<Transition>>> = Arc::default();
    let observer = told.clone();
    let settings = settings.parse().unwrap();
    (
        Breaker::observed(settings, move |transition| observer.lock().unwrap().push(*transition)),
        told,
    )
}

fn call(breaker: &Breaker, now: Duration, failed: bool) {
    let permit = breaker.acquire(now).unwrap();
    if failed {
        permit.failed(now, MS);
    } else {
        permit.succeeded(now, MS);
    }
}

/// An open one, for one second.
fn opened() -> (Breaker, Arc<Mutex<Vec<Transition>>>) {
    let (breaker, told) = breaker("window=4 min=4 open=1s probes=2");
    for _ in 0..4 {
        call(&breaker, Duration::ZERO, true);
    }
    assert_eq!(breaker.state(), BreakerState::Open);
    (breaker, told)
}

#[test]
fn it_opens_tells_how_long_probes_and_closes() {
    let (breaker, told) = opened();
    let rejected = breaker.acquire(300 * MS).unwrap_err();
    assert_eq!(rejected.retry_after, Some(700 * MS));
    assert_eq!(rejected.to_string(), "the circuit breaker is open for another 700ms");
    let probes = (
        breaker.acquire(1_000 * MS).unwrap(),
        breaker.acquire(1_000 * MS).unwrap(),
    );
    assert_eq!(breaker.acquire(1_001 * MS).unwrap_err().retry_after, None);
    probes.0.succeeded(1_010 * MS, 10 * MS);
    assert_eq!(
        breaker.state(),
        BreakerState::HalfOpen,
        "one of two probes does not decide"
    );
    probes.1.succeeded(1_020 * MS, 20 * MS);
    let words: Vec<String> = told.lock().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [
            "closed → open: 4 of 4 calls failed",
            "open → half open: it is time for a probe",
            "half open → closed: 2 probes were well enough",
        ]
    );
    assert_eq!(
        told.lock().unwrap().iter().map(|told| told.number).collect::<Vec<_>>(),
        [1, 2, 3]
    );
}

#[test]
fn slow_calls_open_it_as_failures_do() {
    let (breaker, told) = breaker("window=4 min=4 slow_after=100ms slow_calls=50%");
    for took in [100, 100, 101, 101] {
        breaker.acquire(Duration::ZERO).unwrap().succeeded(MS, took * MS);
    }
    let calls = Calls {
        all: 4,
        failed: 0,
        slow: 2,
    };
    assert_eq!(
        told.lock().unwrap()[0].cause,
        Cause::SlowCalls(calls),
        "exactly 100 ms is not slow"
    );
}

/// opossum#119, smallrye-fault-tolerance#319: when half open, all callers came through.
#[test]
fn half_open_is_not_a_flood() {
    let (breaker, _) = opened();
    let permits: Vec<_> = (0..100).filter_map(|_| breaker.acquire(1_000 * MS).ok()).collect();
    assert_eq!(permits.len(), 2);
}

/// resilience4j#903, #935: a permit that nobody gave back left the breaker half open for ever.
#[test]
fn a_probe_that_is_dropped_gives_its_permit_back() {
    let (breaker, _) = opened();
    for _ in 0..10 {
        drop(breaker.acquire(1_000 * MS).unwrap());
    }
    call(&breaker, 1_000 * MS, false);
    call(&breaker, 1_000 * MS, false);
    assert_eq!(breaker.state(), BreakerState::Closed);
}

/// opossum#276: the minimum of calls applied to probes, so the breaker stayed half open.
#[test]
fn probes_decide_whatever_the_minimum_is() {
    let (breaker, _) = breaker("window=100 min=100 open=1s probes=1");
    breaker.trip(Duration::ZERO);
    call(&breaker, 1_000 * MS, true);
    assert_eq!(breaker.state(), BreakerState::Open);
    call(&breaker, 2_000 * MS, false);
    assert_eq!(breaker.state(), BreakerState::Closed);
}

/// opossum#385: a second `open()` cancelled the timer, and the breaker stayed open.
#[test]
fn opening_it_twice_changes_nothing() {
    let (breaker, told) = opened();
    breaker.trip(900 * MS);
    assert_eq!(breaker.acquire(900 * MS).unwrap_err().retry_after, Some(100 * MS));
    assert!(breaker.acquire(1_000 * MS).is_ok());
    assert_eq!(told.lock().unwrap().len(), 2);
    breaker.trip(1_000 * MS);
    assert_eq!(breaker.state(), BreakerState::Open, "a half open one opens again");
}

/// Polly#223: results of calls from before were counted, and closed or opened the breaker.
#[test]
fn late_results_of_an_earlier_state_do_not_count() {
    let (breaker, _) = breaker("window=4 min=2 open=1s probes=2");
    let late: Vec<_> = (0..9).map(|_| breaker.acquire(Duration::ZERO).unwrap()).collect();
    call(&breaker, Duration::ZERO, true);
    call(&breaker, Duration::ZERO, true);
    let mut late = late.into_iter();
    late.next().unwrap().failed(500 * MS, 500 * MS);
    assert_eq!(
        breaker.acquire(500 * MS).unwrap_err().retry_after,
        Some(500 * MS),
        "the time is not prolonged"
    );
    let probe = breaker.acquire(1_000 * MS).unwrap();
    for permit in late.by_ref().take(4) {
        permit.succeeded(1_000 * MS, 1_000 * MS);
    }
    // A dropped one gives nothing back either: it was no probe.
    drop(late.next());
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    let second = breaker.acquire(1_000 * MS).unwrap();
    assert!(breaker.acquire(1_000 * MS).is_err());
    probe.succeeded(1_001 * MS, MS);
    second.succeeded(1_001 * MS, MS);
    assert_eq!(breaker.state(), BreakerState::Closed);
    for permit in late {
        permit.failed(1_002 * MS, MS);
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
}

/// A number of errors without a share: 20 errors trip it, although 14,000 calls were well.
#[test]
fn a_small_share_of_many_calls_does_not_open_it() {
    let (breaker, _) = breaker("window=10s min=20 failures=50%");
    for number in 0..14_000 {
        call(&breaker, Duration::ZERO, number % 700 == 699);
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn a_window_of_time_forgets() {
    let (breaker, _) = breaker("window=10s min=4 failures=50%");
    for _ in 0..3 {
        call(&breaker, Duration::ZERO, true);
    }
    call(&breaker, Duration::from_secs(10), true);
    assert_eq!(breaker.state(), BreakerState::Closed, "three are ten seconds old");
    for _ in 0..3 {
        call(&breaker, Duration::from_secs(19), true);
    }
    assert_eq!(breaker.state(), BreakerState::Open);
}
