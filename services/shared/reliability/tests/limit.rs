//! Laws that every registered limit of concurrency keeps, and how the adaptive ones behave beside a server.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use reliability::limit::{ConcurrencyLimit, Outcome, REGISTRY, Sample, limit};

const MS: Duration = Duration::from_millis(1);
/// What a request takes by itself.
const SERVICE: Duration = Duration::from_millis(20);

fn any_sample() -> impl Strategy<Value = Sample> {
    let times = (0..100_000_u64, prop_oneof![Just(0), 0..10_u64, 0..100_000_u64]);
    (times, 0..500_u32, any::<bool>()).prop_map(|((began_us, took_us), in_flight, overloaded)| Sample {
        began: Duration::from_micros(began_us),
        ended: Duration::from_micros(began_us + took_us),
        in_flight,
        outcome: if overloaded { Outcome::Overloaded } else { Outcome::Done },
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn it_stays_within_its_bounds_whatever_it_is_told(
        samples in vec(any_sample(), 0..500), index in 0..REGISTRY.len(), min in 1..50_u32, more in 0..100_u32
    ) {
        let (name, max) = (REGISTRY[index].name(), min + more);
        let bounds = if name == "static" { format!("max={max}") } else { format!("min={min} max={max}") };
        let mut limit = limit(&format!("{name} {bounds}")).unwrap();
        for sample in samples {
            limit.observe(&sample);
            prop_assert!((1..=max).contains(&limit.limit()));
            prop_assert!(name == "static" || limit.limit() >= min);
        }
    }

    #[test]
    fn the_time_of_an_overload_is_not_looked_at(
        samples in vec(any_sample(), 0..200), index in 0..REGISTRY.len(), took_ms in 0..100_u32
    ) {
        let (mut one, mut other) = (limit(REGISTRY[index].name()).unwrap(), limit(REGISTRY[index].name()).unwrap());
        for sample in samples {
            one.observe(&sample);
            // The same end: a cut is made at the time of now. For AIMD the start says which round trip it was.
            let look_away = sample.outcome == Outcome::Overloaded && REGISTRY[index].name() != "aimd";
            let began = if look_away { sample.ended.saturating_sub(MS * took_ms) } else { sample.began };
            other.observe(&Sample { began, ..sample });
            prop_assert_eq!(one.limit(), other.limit());
        }
    }
}

/// A server that works on some requests at once, and shares its time when there are more, under callers who always have
/// another request.
struct Server {
    limit: Box<dyn ConcurrencyLimit>,
    now: Duration,
}

impl Server {
    fn new(settings: &str) -> Self {
        Self {
            limit: limit(settings).unwrap(),
            now: Duration::from_secs(1),
        }
    }

    /// Lets it work for so long, with so many places, and gives the mean limit of the second half.
    fn work(&mut self, time: Duration, places: u32) -> f64 {
        let (begin, end) = (self.now, self.now + time);
        let (mut sum, mut count) = (0.0, 0.0);
        while self.now < end {
            let in_flight = self.limit.limit();
            let latency = SERVICE.mul_f64(f64::from(in_flight.max(places)) / f64::from(places));
            for _ in 0..in_flight {
                let ended = self.now + latency;
                self.limit.observe(&Sample {
                    began: self.now,
                    ended,
                    in_flight,
                    outcome: Outcome::Done,
                });
            }
            self.now += latency;
            if self.now > begin + time / 2 {
                sum += f64::from(self.limit.limit());
                count += 1.0;
            }
        }
        sum / count
    }
}

#[test]
fn aimd_follows_capacity_down_and_up_again() {
    // It may take three times as long as by itself, so three times the places are as many as fit.
    let mut server = Server::new("aimd min=1 max=100 start=10 timeout=60ms");
    for (places, what) in [(10, "at first"), (2, "after it fell"), (10, "after it came back")] {
        let limit = server.work(Duration::from_secs(4), places);
        let fits = f64::from(3 * places);
        assert!(
            (0.8 * fits..=1.1 * fits).contains(&limit),
            "{limit} {what}, where {fits} fit"
        );
    }
}

#[test]
fn aimd_cuts_once_in_a_round_trip() {
    let mut limit = limit("aimd start=100 timeout=50ms").unwrap();
    let late = Sample {
        began: 100 * MS,
        ended: 200 * MS,
        in_flight: 100,
        outcome: Outcome::Done,
    };
    (0..100).for_each(|_| limit.observe(&late));
    assert_eq!(limit.limit(), 90);
    limit.observe(&Sample {
        began: 200 * MS,
        ended: 300 * MS,
        ..late
    });
    assert_eq!(limit.limit(), 81);
}

#[test]
fn gradient_falls_when_latency_rises_and_recovers_when_the_rise_is_over() {
    let mut limit = limit("gradient min=2 max=40 start=20 queue=1").unwrap();
    let mut told = |latency: Duration, answers: u32| {
        for _ in 0..answers {
            let in_flight = limit.limit();
            limit.observe(&Sample {
                began: MS,
                ended: MS + latency,
                in_flight,
                outcome: Outcome::Done,
            });
        }
        limit.limit()
    };
    let usual = told(SERVICE, 300);
    assert_eq!(usual, 40, "without any delay it grows to its maximum");
    let overload = told(10 * SERVICE, 30);
    assert!(overload <= 5, "{overload} after 30 slow answers");
    let after = told(SERVICE, 300);
    assert!(after >= 35, "{after} after 300 fast ones");
}

/// concurrency-limits#137: where every request takes as long as the timeout, latency is constant, which looked healthy.
#[test]
fn constant_timeouts_shrink_an_adaptive_limit_to_its_minimum() {
    for name in ["aimd", "gradient"] {
        let mut limit = limit(&format!("{name} min=2 max=100 start=50")).unwrap();
        for number in 0..200 {
            let began = MS * 500 * number;
            let sample = Sample {
                began,
                ended: began + 500 * MS,
                in_flight: 50,
                outcome: Outcome::Overloaded,
            };
            limit.observe(&sample);
        }
        assert_eq!(limit.limit(), 2, "{name}");
    }
}

/// Rejections come back at once. As latencies they would say that the server is fast.
#[test]
fn rejections_do_not_look_like_a_fast_server() {
    let mut limit = limit("gradient min=1 max=100 start=20 queue=1").unwrap();
    let told = |limit: &mut Box<dyn ConcurrencyLimit>, latency: Duration, outcome| {
        let in_flight = limit.limit();
        limit.observe(&Sample {
            began: Duration::ZERO,
            ended: latency,
            in_flight,
            outcome,
        });
    };
    (0..100).for_each(|_| told(&mut limit, SERVICE, Outcome::Done));
    (0..50).for_each(|_| told(&mut limit, Duration::ZERO, Outcome::Overloaded));
    assert_eq!(limit.limit(), 1);
    // What is usual is as it was: the same latency as before is well, and the limit grows again.
    (0..100).for_each(|_| told(&mut limit, SERVICE, Outcome::Done));
    assert!(limit.limit() > 15, "{}", limit.limit());
}

#[test]
fn a_limit_that_is_not_used_does_not_grow() {
    for name in ["aimd", "gradient"] {
        let mut limit = limit(&format!("{name} max=100 start=20")).unwrap();
        let idle = Sample {
            began: MS,
            ended: 2 * MS,
            in_flight: 9,
            outcome: Outcome::Done,
        };
        (0..1_000).for_each(|_| limit.observe(&idle));
        assert_eq!(limit.limit(), 20, "{name}");
    }
}

#[test]
fn settings_are_checked() {
    for wrong in [
        "aimd min=5 max=4",
        "aimd start=0",
        "aimd keep=100%",
        "gradient tolerance=0.9",
        "gradient smoothing=0",
        "gradient window=9",
        "static min=1",
        "vegas",
        "",
    ] {
        assert!(limit(wrong).is_err(), "{wrong}");
    }
    let unknown = limit("vegas").unwrap_err().to_string();
    assert_eq!(
        unknown,
        "there is no limit of concurrency named \"vegas\"; use one of static, aimd, gradient"
    );
}
