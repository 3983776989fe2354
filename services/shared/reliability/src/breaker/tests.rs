//! What a breaker promises, and the bugs of other libraries that it must not have.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::config::Share;

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

/// What somebody does to a breaker.
#[derive(Debug, Clone)]
enum Step {
    Pass(u64),
    Acquire,
    End { which: usize, failed: bool, slow: bool },
    Drop { which: usize },
    Trip,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (0..1_500_u64).prop_map(Step::Pass),
        6 => Just(Step::Acquire),
        5 => (any::<usize>(), any::<bool>(), any::<bool>()).prop_map(|(which, failed, slow)| Step::End { which, failed, slow }),
        2 => any::<usize>().prop_map(|which| Step::Drop { which }),
        1 => Just(Step::Trip),
    ];
    prop::collection::vec(step, 1..300)
}

/// The specification, written for reading: it keeps every call of the present state.
struct Model {
    settings: BreakerSettings,
    state: BreakerState,
    since: Duration,
    /// Ended in this state: when, failed, slow.
    ended: Vec<(Duration, bool, bool)>,
    /// Permits of this state that are out.
    out: usize,
}

impl Model {
    fn change(&mut self, now: Duration, state: BreakerState) {
        (self.state, self.since, self.out) = (state, now, 0);
        self.ended.clear();
    }

    fn acquire(&mut self, now: Duration) -> bool {
        if self.state == BreakerState::Open && now >= self.since + self.settings.open {
            self.change(now, BreakerState::HalfOpen);
        }
        let permitted = match self.state {
            BreakerState::Closed => true,
            BreakerState::Open => false,
            BreakerState::HalfOpen => self.out + self.ended.len() < self.settings.probes as usize,
        };
        self.out += usize::from(permitted);
        permitted
    }

    fn end(&mut self, now: Duration, failed: bool, slow: bool) {
        self.out -= 1;
        self.ended.push((now, failed, slow));
        let looked_at: Vec<_> = match (self.state, self.settings.window) {
            (BreakerState::HalfOpen, _) => self.ended.clone(),
            (_, CallWindow::Calls(calls)) => self.ended.iter().rev().take(calls as usize).copied().collect(),
            (_, CallWindow::Time(time)) => {
                let slice = |at: Duration| at.as_nanos() / (time / 10).as_nanos();
                self.ended
                    .iter()
                    .filter(|(at, ..)| slice(*at) + 10 > slice(now))
                    .copied()
                    .collect()
            }
        };
        let needed = if self.state == BreakerState::HalfOpen {
            self.settings.probes
        } else {
            self.settings.min
        };
        if looked_at.len() < needed as usize {
            return;
        }
        let share = |count: usize| count as f64 / looked_at.len() as f64 * 1e6;
        let failures = share(looked_at.iter().filter(|(_, failed, _)| *failed).count());
        let slow_calls = share(looked_at.iter().filter(|(.., slow)| *slow).count());
        let over = |got: f64, limit: Share| got >= f64::from(limit.millionths()) - 1e-6;
        if over(failures, self.settings.failures) || over(slow_calls, self.settings.slow_calls) {
            self.change(now, BreakerState::Open);
        } else if self.state == BreakerState::HalfOpen {
            self.change(now, BreakerState::Closed);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn it_does_what_its_specification_says(
        steps in steps(), by_time: bool, size in 1..20_u32, min in 1..10_u32, probes in 1..5_u32,
        failures in 1..=100_u32, slow_calls in 1..=100_u32,
    ) {
        let settings = BreakerSettings {
            window: if by_time { CallWindow::Time(Duration::from_secs(10)) } else { CallWindow::Calls(size.max(min)) },
            min, probes,
            failures: Share::percent(failures),
            slow_calls: Share::percent(slow_calls),
            slow_after: 10 * MS,
            open: 2_000 * MS,
        };
        let breaker = Breaker::new(settings);
        let mut model = Model {
            settings, state: BreakerState::Closed, since: Duration::ZERO, ended: Vec::new(), out: 0,
        };
        let (mut now, mut out, mut generation) = (Duration::ZERO, Vec::new(), 0_u32);
        for step in steps {
            let before = model.state;
            match step {
                Step::Pass(ms) => now += MS * u32::try_from(ms).unwrap(),
                Step::Acquire => {
                    let permit = breaker.acquire(now);
                    prop_assert_eq!(permit.is_ok(), model.acquire(now));
                    if let Err(Rejected { retry_after: Some(wait) }) = permit {
                        prop_assert_eq!(now + wait, model.since + settings.open);
                    }
                    generation += u32::from(model.state != before);
                    out.extend(permit.ok().map(|permit| (generation, permit)));
                }
                Step::End { which, failed, slow } if !out.is_empty() => {
                    let (of, permit) = out.remove(which % out.len());
                    let took = if slow { 11 * MS } else { 10 * MS };
                    if failed { permit.failed(now, took) } else { permit.succeeded(now, took) }
                    if of == generation {
                        model.end(now, failed, slow);
                        generation += u32::from(model.state != before);
                    }
                }
                Step::Drop { which } if !out.is_empty() => {
                    let (of, _) = out.remove(which % out.len());
                    model.out -= usize::from(of == generation);
                }
                Step::Trip => {
                    breaker.trip(now);
                    if model.state != BreakerState::Open || now >= model.since + settings.open {
                        model.change(now, BreakerState::Open);
                        generation += 1;
                    }
                }
                Step::End { .. } | Step::Drop { .. } => {}
            }
            prop_assert_eq!(breaker.state(), model.state);
            if model.state == BreakerState::HalfOpen {
                let probing = out.iter().filter(|(of, _)| *of == generation).count();
                prop_assert!(probing <= probes as usize, "{probing} probes at once");
                prop_assert_eq!(probing, model.out, "no permit is lost");
            }
        }
    }
}
