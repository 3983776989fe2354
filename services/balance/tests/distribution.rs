//! Laws that every registered policy keeps. A new policy is covered by its line in the registry.

use std::time::Duration;

use balance::{Endpoint, PolicyKind, PolicyRng, REGISTRY, Request};
use proptest::collection::vec;
use proptest::prelude::*;
use rand::SeedableRng;

fn any_endpoint() -> impl Strategy<Value = Endpoint> {
    (1..100_u32, 0..50_u32, 0..5_000_u64, any::<bool>()).prop_map(|(weight, in_flight, latency_ms, healthy)| Endpoint {
        weight,
        in_flight,
        latency_ewma: Duration::from_millis(latency_ms),
        healthy,
    })
}

fn any_kind() -> impl Strategy<Value = PolicyKind> {
    (0..REGISTRY.len()).prop_map(|index| REGISTRY[index])
}

fn any_request() -> impl Strategy<Value = Request> {
    any::<Option<u64>>().prop_map(|key| Request { key })
}

proptest! {
    #[test]
    fn picks_a_healthy_index_and_none_exactly_when_nobody_is_healthy(
        kind in any_kind(),
        rounds in vec((vec(any_endpoint(), 0..12), any_request()), 1..40),
        seed in any::<u64>(),
    ) {
        // One policy over slices that change in length and content from pick to pick, as when instances come and go.
        let policy = kind.build();
        let mut rng = PolicyRng::seed_from_u64(seed);
        for (endpoints, request) in &rounds {
            match policy.pick(endpoints, request, &mut rng) {
                Some(index) => {
                    prop_assert!(index < endpoints.len(), "{kind} picked {index} of {}", endpoints.len());
                    prop_assert!(endpoints[index].healthy, "{kind} picked an unhealthy endpoint");
                }
                None => prop_assert!(endpoints.iter().all(|endpoint| !endpoint.healthy), "{kind} overlooked a healthy endpoint"),
            }
        }
    }

    #[test]
    fn the_same_seed_and_history_give_the_same_picks(
        kind in any_kind(),
        rounds in vec((vec(any_endpoint(), 0..8), any_request()), 1..60),
        seed in any::<u64>(),
    ) {
        let run = || {
            let policy = kind.build();
            let mut rng = PolicyRng::seed_from_u64(seed);
            rounds.iter().map(|(endpoints, request)| policy.pick(endpoints, request, &mut rng)).collect::<Vec<_>>()
        };
        prop_assert_eq!(run(), run());
    }

    #[test]
    fn idle_equals_share_evenly(kind in any_kind(), healthy in 1..9_usize, dead in 0..4_usize, seed in any::<u64>()) {
        let mut endpoints = vec![Endpoint::IDLE; healthy];
        endpoints.extend(vec![Endpoint { healthy: false, ..Endpoint::IDLE }; dead]);
        // Rotate, so that dead ones also stand before and between healthy ones.
        let by = (seed % endpoints.len() as u64) as usize;
        endpoints.rotate_left(by);

        let policy = kind.build();
        let mut rng = PolicyRng::seed_from_u64(seed);
        let picks = 2_000 * healthy;
        let mut got = vec![0_u32; endpoints.len()];
        for key in 0..picks as u64 {
            // Keys spread by a multiplicative hash, for policies that follow the key alone.
            let request = Request { key: Some(key.wrapping_mul(0x9E37_79B9_7F4A_7C15)) };
            got[policy.pick(&endpoints, &request, &mut rng).expect("someone is healthy")] += 1;
        }
        for (index, endpoint) in endpoints.iter().enumerate() {
            if endpoint.healthy {
                // An even draw has mean 2,000 and standard deviation below 45: six of them.
                prop_assert!(got[index].abs_diff(2_000) <= 270, "{kind}: shares {got:?}");
            } else {
                prop_assert_eq!(got[index], 0);
            }
        }
    }
}

/// The fairness law is not kept by chance of timing: several threads that share one policy still share evenly.
#[test]
fn a_policy_shared_by_threads_still_shares_evenly() {
    const THREADS: usize = 4;
    const PICKS_PER_THREAD: usize = 3_000;
    for kind in REGISTRY {
        let policy = kind.build();
        let endpoints = [Endpoint::IDLE; 3];
        let mut got = [0_usize; 3];
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|seed| {
                    let policy = &policy;
                    scope.spawn(move || {
                        let mut rng = PolicyRng::seed_from_u64(seed as u64);
                        let mut got = [0_usize; 3];
                        for key in 0..PICKS_PER_THREAD as u64 {
                            let request = Request {
                                key: Some(key.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
                            };
                            got[policy.pick(&endpoints, &request, &mut rng).expect("all are healthy")] += 1;
                        }
                        got
                    })
                })
                .collect();
            for thread in threads {
                for (sum, part) in got.iter_mut().zip(thread.join().expect("the thread only picks")) {
                    *sum += part;
                }
            }
        });
        for share in got {
            assert!(
                share.abs_diff(THREADS * PICKS_PER_THREAD / 3) <= 330,
                "{kind}: shares {got:?}"
            );
        }
    }
}
