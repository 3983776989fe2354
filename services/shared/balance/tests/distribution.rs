//! Laws that every registered policy keeps. A new policy is covered by its line in the registry.

use std::time::Duration;

use balance::{Endpoint, PolicyKind, PolicyRng, Pool, REGISTRY, Request};
use hash::mix;
use proptest::collection::vec;
use proptest::prelude::*;
use rand::SeedableRng;

fn any_endpoint() -> impl Strategy<Value = Endpoint> {
    let times = (0..5_000_u64, 0..5_000_u64, 0..5_000_u64);
    (any::<u64>(), 1..100_u32, 0..50_u32, times, 0.0..=1.0_f32, any::<bool>()).prop_map(
        |(id, weight, in_flight, (mean_ms, peak_ms, observed_ms), failure_share, healthy)| Endpoint {
            id,
            weight,
            in_flight,
            latency_ewma: Duration::from_millis(mean_ms),
            latency_peak: Duration::from_millis(peak_ms),
            failure_share,
            observed: Duration::from_millis(observed_ms),
            healthy,
        },
    )
}

fn any_kind() -> impl Strategy<Value = PolicyKind> {
    (0..REGISTRY.len()).prop_map(|index| REGISTRY[index])
}

fn any_request() -> impl Strategy<Value = Request> {
    (any::<Option<u64>>(), 0..9_000_u64).prop_map(|(key, now_ms)| Request {
        key,
        now: Duration::from_millis(now_ms),
    })
}

fn keyed(number: u64) -> Request {
    Request {
        key: Some(mix(number)),
        ..Request::default()
    }
}

proptest! {
    #[test]
    fn picks_a_healthy_index_and_none_exactly_when_nobody_is_healthy(
        kind in any_kind(),
        rounds in vec((vec(any_endpoint(), 0..12), any_request()), 1..20),
        seed in any::<u64>(),
    ) {
        // One policy over pools that change in length and content from pick to pick, as when instances come and go.
        let mut policy = kind.build();
        let mut rng = PolicyRng::seed_from_u64(seed);
        for (endpoints, request) in rounds {
            let pool = Pool::new(endpoints);
            match policy.pick(&pool, &request, &mut rng) {
                Some(index) => {
                    prop_assert!(index < pool.endpoints().len(), "{kind} picked {index} of {}", pool.endpoints().len());
                    prop_assert!(pool.endpoints()[index].healthy, "{kind} picked an unhealthy endpoint");
                }
                None => prop_assert!(pool.healthy().is_empty(), "{kind} overlooked a healthy endpoint"),
            }
        }
    }

    #[test]
    fn the_same_seed_and_history_give_the_same_picks(
        kind in any_kind(),
        rounds in vec((vec(any_endpoint(), 0..8), any_request()), 1..20),
        seed in any::<u64>(),
    ) {
        let run = || {
            let mut policy = kind.build();
            let mut rng = PolicyRng::seed_from_u64(seed);
            rounds
                .iter()
                .map(|(endpoints, request)| policy.pick(&Pool::new(endpoints.clone()), request, &mut rng))
                .collect::<Vec<_>>()
        };
        prop_assert_eq!(run(), run());
    }

    #[test]
    fn idle_equals_share_evenly(kind in any_kind(), healthy in 1..9_usize, dead in 0..4_usize, seed in any::<u64>()) {
        let mut endpoints: Vec<_> = (0..).map(Endpoint::numbered).take(healthy + dead).collect();
        for endpoint in &mut endpoints[healthy..] {
            endpoint.healthy = false;
        }
        // Rotate, so that dead ones also stand before and between healthy ones.
        let by = (seed % endpoints.len() as u64) as usize;
        endpoints.rotate_left(by);
        let pool = Pool::new(endpoints);

        let mut policy = kind.build();
        let mut rng = PolicyRng::seed_from_u64(seed);
        let picks = 2_000 * healthy;
        let mut got = vec![0_u32; pool.endpoints().len()];
        for key in 0..picks as u64 {
            got[policy.pick(&pool, &keyed(key), &mut rng).expect("someone is healthy")] += 1;
        }
        for (index, endpoint) in pool.endpoints().iter().enumerate() {
            if endpoint.healthy {
                // An even draw has mean 2,000 and standard deviation below 45: six of them.
                let slack = 270 + (2_000.0 * kind.unevenness()) as u32;
                prop_assert!(got[index].abs_diff(2_000) <= slack, "{kind}: shares {got:?}");
            } else {
                prop_assert_eq!(got[index], 0);
            }
        }
    }

    #[test]
    fn a_key_stays_where_it_is_whatever_the_latencies(
        kind in any_kind().prop_filter("looks at no answers", |kind| kind.is_keyed() && !kind.reads_answers()),
        endpoints in vec(any_endpoint(), 1..12),
        key in any::<u64>(),
        now_ms in 0..9_000_u64,
    ) {
        let mut pool = Pool::new(endpoints);
        let mut policy = kind.build();
        let mut rng = PolicyRng::seed_from_u64(1);
        let first = policy.pick(&pool, &keyed(key), &mut rng);
        for index in 0..pool.endpoints().len() {
            pool.update(index, |endpoint| {
                endpoint.latency_ewma = Duration::from_millis(now_ms) / (index as u32 + 1);
                endpoint.latency_peak = Duration::from_millis(now_ms);
                endpoint.failure_share = 0.5;
            });
        }
        let request = Request { now: Duration::from_millis(now_ms), ..keyed(key) };
        prop_assert_eq!(policy.pick(&pool, &request, &mut rng), first);
    }
}

/// The law of each weighted policy: shares in proportion to the weights.
#[test]
fn policies_that_know_weights_follow_them() {
    let weights = [1_u32, 2, 5];
    let numbered = weights.iter().zip(0..);
    let idle: Pool = numbered
        .map(|(weight, number)| Endpoint {
            weight: *weight,
            ..Endpoint::numbered(number)
        })
        .collect();
    for kind in REGISTRY.iter().filter(|kind| kind.follows_weights()) {
        let mut policy = kind.build();
        let mut rng = PolicyRng::seed_from_u64(1);
        let mut pool = idle.clone();
        let mut got = [0_u32; 3];
        let picks = 8_000;
        for key in 0..picks {
            let index = policy.pick(&pool, &keyed(key), &mut rng).expect("all are healthy");
            got[index] += 1;
            // Nobody ever answers, so that policies which look at the load have one to look at.
            pool.enter(index);
        }
        for (got, weight) in got.into_iter().zip(weights) {
            let expected = picks as f64 * f64::from(weight) / 8.0;
            assert!(
                (f64::from(got) / expected - 1.0).abs() < 0.20,
                "{kind}: {got} of {expected}"
            );
        }
    }
}
