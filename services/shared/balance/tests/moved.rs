//! How many keys move when an endpoint leaves. Those that it held have to; the question is who else does.

use balance::{Endpoint, PolicyKind, PolicyRng, Pool, Request};
use hash::mix;
use rand::SeedableRng;

const KEYS: u64 = 20_000;

/// Where each key goes, by identity: numbers of places in the list mean nothing after somebody left.
fn owners(name: &str, pool: &Pool) -> Vec<u64> {
    let mut policy = name.parse::<PolicyKind>().expect("it is registered").build();
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
fn moved(name: &str, endpoints: u64, leaver: u64, stays_listed: bool) -> Moved {
    let all: Pool = (0..endpoints).map(Endpoint::numbered).collect();
    let left: Pool = (0..endpoints)
        .filter(|number| stays_listed || *number != leaver)
        .map(|number| Endpoint {
            healthy: number != leaver,
            ..Endpoint::numbered(number)
        })
        .collect();
    let (before, after) = (owners(name, &all), owners(name, &left));
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
                for name in ["consistent_hash", "bounded_loads", "rendezvous", "maglev"] {
                    let moved = moved(name, endpoints, leaver, stays_listed).all;
                    let share = 1.0 / endpoints as f64;
                    assert!(
                        moved <= 1.5 * share && moved > 0.5 * share,
                        "{name}: {moved} moved when {leaver} of {endpoints} left"
                    );
                }
            }
        }
    }
}

#[test]
fn by_ring_and_by_rendezvous_no_key_moves_needlessly() {
    for name in ["consistent_hash", "bounded_loads", "rendezvous"] {
        assert_eq!(moved(name, 12, 5, false).needless, 0.0, "{name}");
    }
}

#[test]
fn by_modulo_nearly_all_keys_move() {
    for endpoints in [3, 10, 30] {
        let moved = moved("ip_hash", endpoints, endpoints / 2, false).all;
        let expected = 1.0 - 1.0 / endpoints as f64;
        // Hash mod n and hash mod (n - 1) pick the same of the remaining list for about one key in n.
        assert!(
            moved > 0.6 * expected && moved > 1.5 / endpoints as f64,
            "{moved} of {endpoints}"
        );
    }
}

#[test]
fn what_comes_back_finds_its_keys_again() {
    let pool: Pool = (0..10).map(Endpoint::numbered).collect();
    for name in ["ip_hash", "consistent_hash", "bounded_loads", "rendezvous", "maglev"] {
        let mut policy = name.parse::<PolicyKind>().expect("it is registered").build();
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
        assert_ne!(owners(&flapping), before, "{name}");
        flapping.update(3, |endpoint| endpoint.healthy = true);
        assert_eq!(owners(&flapping), before, "{name}");
    }
}
