//! How many keys move when an endpoint leaves. Those that it held have to; the question is who else does.

use balance::{Endpoint, Keys, PolicyKind, PolicyRng, Pool, REGISTRY, Request};
use hash::mix;
use rand::SeedableRng;

const KEYS: u64 = 20_000;

/// The policies that do one of these with keys.
fn with(keys: &[Keys]) -> impl Iterator<Item = PolicyKind> {
    let kinds = REGISTRY.iter().copied();
    kinds.filter(|kind| keys.contains(&kind.keys()))
}

/// Where each key goes, by identity: numbers of places in the list mean nothing after somebody left.
fn owners(kind: PolicyKind, pool: &Pool) -> Vec<u64> {
    let mut policy = kind.build();
    let mut rng = PolicyRng::seed_from_u64(1);
    (0..KEYS)
        .map(|key| {
            let request = Request {
                key: Some(mix(key)),
                ..Request::default()
            };
            let index = policy.pick(pool, &request, &mut rng).expect("somebody is healthy");
            pool.endpoints()[index].id
        })
        .collect()
}

struct Moved {
    /// Of all keys, those that changed their owner.
    all: f64,
    /// Of all keys, those that changed it although theirs had stayed.
    needless: f64,
}

/// `leaver` of `endpoints` leaves the list, or becomes unhealthy on it.
fn moved(kind: PolicyKind, endpoints: u64, leaver: u64, stays_listed: bool) -> Moved {
    let all: Pool = (0..endpoints).map(Endpoint::numbered).collect();
    let left: Pool = (0..endpoints)
        .filter(|number| stays_listed || *number != leaver)
        .map(|number| Endpoint {
            healthy: number != leaver,
            ..Endpoint::numbered(number)
        })
        .collect();
    let (before, after) = (owners(kind, &all), owners(kind, &left));
    let gone = Endpoint::numbered(leaver).id;
    let changed = || before.iter().zip(&after).filter(|(before, after)| before != after);
    Moved {
        all: changed().count() as f64 / KEYS as f64,
        needless: changed().filter(|(before, _)| **before != gone).count() as f64 / KEYS as f64,
    }
}

#[test]
fn one_of_n_leaves_and_hardly_more_than_one_in_n_keys_move() {
    for endpoints in [3, 10, 30] {
        for leaver in [0, endpoints / 2, endpoints - 1] {
            for stays_listed in [false, true] {
                for kind in with(&[Keys::Kept, Keys::NearlyKept]) {
                    let moved = moved(kind, endpoints, leaver, stays_listed).all;
                    let share = 1.0 / endpoints as f64;
                    assert!(
                        moved <= 1.5 * share && moved > 0.5 * share,
                        "{kind}: {moved} moved when {leaver} of {endpoints} left"
                    );
                }
            }
        }
    }
}

#[test]
fn where_keys_are_kept_none_moves_needlessly() {
    for kind in with(&[Keys::Kept]) {
        assert_eq!(moved(kind, 12, 5, false).needless, 0.0, "{kind}");
    }
}

#[test]
fn where_keys_are_scattered_nearly_all_of_them_move() {
    for (kind, endpoints) in with(&[Keys::Scattered]).flat_map(|kind| [3, 10, 30].map(|endpoints| (kind, endpoints))) {
        let moved = moved(kind, endpoints, endpoints / 2, false).all;
        let expected = 1.0 - 1.0 / endpoints as f64;
        // Hash mod n and hash mod (n - 1) pick the same of the remaining list for about one key in n.
        assert!(
            moved > 0.6 * expected && moved > 1.5 / endpoints as f64,
            "{kind}: {moved} of {endpoints}"
        );
    }
}

#[test]
fn what_comes_back_finds_its_keys_again() {
    let pool: Pool = (0..10).map(Endpoint::numbered).collect();
    for kind in with(&[Keys::Scattered, Keys::NearlyKept, Keys::Kept]) {
        let mut policy = kind.build();
        let mut rng = PolicyRng::seed_from_u64(1);
        let mut flapping = pool.clone();
        let mut owners = |pool: &Pool| -> Vec<Option<usize>> {
            let requests = (0..1_000).map(|key| Request {
                key: Some(mix(key)),
                ..Request::default()
            });
            requests.map(|request| policy.pick(pool, &request, &mut rng)).collect()
        };
        let before = owners(&flapping);
        flapping.update(3, |endpoint| endpoint.healthy = false);
        assert_ne!(owners(&flapping), before, "{kind}");
        flapping.update(3, |endpoint| endpoint.healthy = true);
        assert_eq!(owners(&flapping), before, "{kind}");
    }
}
