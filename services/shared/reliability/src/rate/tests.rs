//! Laws that every registered limit of a rate keeps. A new one is covered by its line in the registry.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Decision, Quota, REGISTRY, RateLimit, RateLimitKind};

const MS: Duration = Duration::from_millis(1);
const US: Duration = Duration::from_micros(1);

fn any_kind() -> impl Strategy<Value = RateLimitKind> {
    (0..REGISTRY.len()).prop_map(|index| REGISTRY[index])
}

fn any_quota() -> impl Strategy<Value = Quota> {
    (1..8_u32, 100..20_000_u64, 1..8_u32).prop_map(|(limit, window_us, burst)| Quota {
        limit,
        window: Duration::from_micros(window_us),
        burst,
    })
}

/// Gaps between requests: often none at all, and sometimes longer than a window.
fn any_gaps() -> impl Strategy<Value = Vec<Duration>> {
    let gap = prop_oneof![Just(0), 0..500_u64, 0..5_000_u64, 0..50_000_u64];
    vec(gap.prop_map(Duration::from_micros), 1..150)
}

fn kind(name: &str) -> RateLimitKind {
    *REGISTRY.iter().find(|kind| kind.name() == name).unwrap()
}

/// The most in any half-open interval as long as a window.
fn most_in_a_window(admitted: &[Duration], window: Duration) -> u64 {
    let within = |begin: &Duration| {
        admitted
            .iter()
            .filter(|at| *at >= begin && **at < *begin + window)
            .count()
    };
    admitted.iter().map(within).max().unwrap_or(0) as u64
}

/// A limit that was asked at these times.
fn asked(kind: RateLimitKind, quota: Quota, times: &[Duration]) -> Box<dyn RateLimit> {
    let mut limit = kind.build(quota);
    for now in times {
        limit.admit(*now);
    }
    limit
}

/// When a client gets through that begins at `begin` and then asks every millisecond, again and again while it is admitted.
fn greedy(kind: RateLimitKind, quota: Quota, begin: Duration) -> Vec<Duration> {
    let mut limit = kind.build(quota);
    let mut admitted = Vec::new();
    for step in 0..30_000 {
        let now = begin + MS * step;
        while limit.admit(now).is_admitted() {
            admitted.push(now);
        }
    }
    admitted
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_window_holds_more_than_is_promised(kind in any_kind(), quota in any_quota(), gaps in any_gaps()) {
        let mut limit = kind.build(quota);
        let mut now = Duration::ZERO;
        let mut admitted = Vec::new();
        for gap in gaps {
            now += gap;
            if limit.admit(now).is_admitted() {
                admitted.push(now);
            }
        }
        let most = most_in_a_window(&admitted, quota.window);
        prop_assert!(most <= kind.most(&quota), "{kind:?} admitted {most} of {quota:?}");
    }

    #[test]
    fn the_wait_that_it_names_is_enough_and_no_shorter_one_is(
        kind in any_kind(), quota in any_quota(), gaps in any_gaps()
    ) {
        let mut now = Duration::ZERO;
        let mut times = Vec::new();
        let mut limit = kind.build(quota);
        for gap in gaps {
            now += gap;
            times.push(now);
            if let Decision::Refused { retry_after } = limit.admit(now) {
                prop_assert!(!retry_after.is_zero());
                let at = now + retry_after;
                prop_assert!(asked(kind, quota, &times).admit(at).is_admitted(), "{kind:?} {quota:?} at {at:?}");
                prop_assert!(!asked(kind, quota, &times).admit(at - US).is_admitted(), "{kind:?} {quota:?} before {at:?}");
            }
        }
    }

    #[test]
    fn so_many_as_remain_are_admitted_at_once(kind in any_kind(), quota in any_quota(), gaps in any_gaps()) {
        let mut now = Duration::ZERO;
        let mut times = Vec::new();
        let mut limit = kind.build(quota);
        for gap in gaps {
            now += gap;
            times.push(now);
            if let Decision::Admitted { remaining } = limit.admit(now) {
                let mut again = asked(kind, quota, &times);
                let at_once = (0..100).take_while(|_| again.admit(now).is_admitted()).count();
                prop_assert_eq!(at_once, remaining as usize, "{:?} {:?}", kind, quota);
            }
        }
    }

    #[test]
    fn a_refused_request_does_not_count(kind in any_kind(), quota in any_quota(), gaps in any_gaps()) {
        let mut now = Duration::ZERO;
        let (mut all, mut admitted_only) = (kind.build(quota), kind.build(quota));
        for gap in gaps {
            now += gap;
            let decision = all.admit(now);
            if decision.is_admitted() {
                prop_assert_eq!(admitted_only.admit(now), decision);
            }
        }
    }

    #[test]
    fn one_that_is_fresh_decides_as_a_new_one(
        kind in any_kind(), quota in any_quota(), before in any_gaps(), after in any_gaps()
    ) {
        let mut now = Duration::ZERO;
        let mut limit = kind.build(quota);
        prop_assert!(limit.is_fresh(now));
        for gap in before {
            now += gap;
            limit.admit(now);
        }
        // It is at the latest when everything that it admitted is two bursts and two windows ago.
        let longest = quota.window * (2 + 2 * quota.burst);
        prop_assert!(limit.is_fresh(now + longest), "{kind:?}");
        now += after[0];
        if limit.is_fresh(now) {
            let mut new = kind.build(quota);
            for gap in after {
                now += gap;
                prop_assert_eq!(limit.admit(now), new.admit(now), "{:?} {:?}", kind, quota);
            }
        }
    }

    #[test]
    fn gcra_is_a_token_bucket(limit in 1..8_u32, interval_us in 1..5_000_u64, burst in 1..8_u32, gaps in any_gaps()) {
        // Where the limit divides the window.
        let quota = Quota { limit, window: Duration::from_micros(interval_us) * limit, burst };
        let (mut gcra, mut bucket) = (kind("gcra").build(quota), kind("token_bucket").build(quota));
        let mut now = Duration::ZERO;
        for gap in gaps {
            now += gap;
            prop_assert_eq!(gcra.admit(now), bucket.admit(now));
        }
    }

    #[test]
    fn each_decides_as_its_specification(kind in any_kind(), quota in any_quota(), gaps in any_gaps()) {
        let mut limit = kind.build(quota);
        let (mut now, mut admitted) = (Duration::ZERO, Vec::new());
        for gap in gaps {
            now += gap;
            let got = limit.admit(now).is_admitted();
            let has_room = (kind.build.specification)(&quota, &admitted, now);
            prop_assert_eq!(got, has_room, "{:?} {:?} at {:?} after {:?}", kind, quota, now, admitted);
            if got {
                admitted.push(now);
            }
        }
    }
}

/// Five in ten seconds: what a client gets in some ten seconds if it tries. The promises are not only kept but reached.
#[test]
fn a_client_that_tries_gets_as_many_as_is_said() {
    let quota = Quota::new(5, Duration::from_secs(10));
    for kind in REGISTRY {
        let begins = [Duration::ZERO, quota.window - MS];
        let got = begins.map(|begin| most_in_a_window(&greedy(*kind, quota, begin), quota.window));
        assert_eq!(got.into_iter().max(), Some(kind.most(&quota)), "{kind:?}");
    }
    for (name, most) in [
        ("fixed_window", 10),
        ("sliding_counter", 9),
        ("sliding_log", 5),
        ("token_bucket", 9),
        ("gcra", 9),
    ] {
        assert_eq!(kind(name).most(&quota), most, "{name}");
    }
}

/// governor#249: with a tolerance of a whole burst, one request more than the burst is free.
#[test]
fn a_burst_is_not_one_more_than_it_says() {
    for name in ["token_bucket", "gcra"] {
        for burst in 1..10 {
            let mut limit = kind(name).build(Quota {
                burst,
                ..Quota::new(5, Duration::from_secs(10))
            });
            let at_once = (0..100)
                .take_while(|_| limit.admit(Duration::from_secs(3)).is_admitted())
                .count();
            assert_eq!(at_once, burst as usize, "{name}");
        }
    }
}

#[test]
fn two_requests_in_the_same_microsecond_are_two() {
    for kind in REGISTRY {
        let mut limit = kind.build(Quota::new(2, Duration::from_secs(1)));
        let decisions = [0, 1, 2].map(|ns| limit.admit(Duration::from_nanos(ns)).is_admitted());
        assert_eq!(decisions, [true, true, false], "{kind:?}");
    }
}

#[test]
fn a_clock_that_runs_backwards_does_not_open_a_limit() {
    for kind in REGISTRY {
        let mut limit = kind.build(Quota::new(2, Duration::from_secs(1)));
        let times = [5_500, 5_500, 4_000, 100, 5_500].map(|ms| limit.admit(MS * ms).is_admitted());
        assert_eq!(times, [true, true, false, false, false], "{kind:?}");
    }
}
