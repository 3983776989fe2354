//! The list of instances and the policy over it, both of which may change while requests run.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use balance::{Policy, PolicyKind, PolicyRng, Pool, Request};
use rand::SeedableRng;

use crate::config::UpstreamConfig;
use crate::upstream::{InFlight, Upstream};

/// Chooses the instance for each request.
///
/// One short lock covers a pick and the counting that follows it, so that with several event loops no two requests choose by the
/// same stale counts. With one event loop it is never contended.
pub struct Routing {
    inner: Mutex<Inner>,
}

struct Inner {
    upstreams: Vec<Arc<Upstream>>,
    kind: PolicyKind,
    policy: Box<dyn Policy>,
    rng: PolicyRng,
    /// What the policy sees, in the order of `upstreams`; loads are copied into it before each pick.
    pool: Pool,
}

impl Routing {
    /// A list (with unique names) and a policy, whose chance comes from `seed`.
    pub fn new(upstreams: &[UpstreamConfig], kind: PolicyKind, seed: u64) -> Self {
        let upstreams: Vec<_> = upstreams.iter().map(|config| Arc::new(Upstream::new(config))).collect();
        Self {
            inner: Mutex::new(Inner {
                pool: pool_of(&upstreams),
                upstreams,
                kind,
                policy: kind.build(),
                rng: PolicyRng::seed_from_u64(seed),
            }),
        }
    }

    /// Picks an instance and counts the request in there; `None` when none is in rotation.
    pub fn pick(&self, request: &Request) -> Option<InFlight> {
        let inner = &mut *self.lock();
        for (index, upstream) in inner.upstreams.iter().enumerate() {
            inner.pool.update(index, |endpoint| *endpoint = upstream.endpoint());
        }
        let index = inner.policy.pick(&inner.pool, request, &mut inner.rng)?;
        Some(InFlight::enter(Arc::clone(&inner.upstreams[index])))
    }

    /// The instances, in the order of the list.
    pub fn upstreams(&self) -> Vec<Arc<Upstream>> {
        self.lock().upstreams.clone()
    }

    /// Puts a new list (with unique names) in place of the old one. An instance that is on both keeps its counts and connections;
    /// on one that is gone, what is in flight ends undisturbed.
    pub fn replace_upstreams(&self, configs: &[UpstreamConfig]) {
        let mut inner = self.lock();
        let mut old = std::mem::take(&mut inner.upstreams);
        for config in configs {
            let known = old.iter().position(|upstream| upstream.is_same_place(config));
            inner.upstreams.push(match known {
                Some(index) => {
                    let upstream = old.swap_remove(index);
                    upstream.reconfigure(config);
                    upstream
                }
                None => Arc::new(Upstream::new(config)),
            });
        }
        inner.pool = pool_of(&inner.upstreams);
        drop(inner);
        for gone in old {
            gone.retire();
        }
    }

    /// The policy in use.
    pub fn policy(&self) -> PolicyKind {
        self.lock().kind
    }

    /// Swaps the policy; the new one starts without history.
    pub fn replace_policy(&self, kind: PolicyKind) {
        let mut inner = self.lock();
        inner.policy = kind.build();
        inner.kind = kind;
    }

    /// Closes idle connections that are old or dead.
    pub fn sweep(&self, now: Instant) {
        for upstream in self.upstreams() {
            upstream.sweep(now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A policy that panics leaves the list and its own counters usable.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pool_of(upstreams: &[Arc<Upstream>]) -> Pool {
    upstreams.iter().map(|upstream| upstream.endpoint()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configs(names: &[&str]) -> Vec<UpstreamConfig> {
        names
            .iter()
            .map(|name| UpstreamConfig::new(name, "http://127.0.0.1:1").unwrap())
            .collect()
    }

    fn routing(names: &[&str]) -> Routing {
        Routing::new(&configs(names), "least_connections".parse().unwrap(), 1)
    }

    #[test]
    fn a_pick_counts_until_its_guard_is_dropped() {
        let routing = routing(&["a", "b"]);
        let first = routing.pick(&Request::default()).unwrap();
        let second = routing.pick(&Request::default()).unwrap();
        assert_ne!(first.upstream().name(), second.upstream().name());
        let a = Arc::clone(first.upstream());
        assert_eq!((a.in_flight(), a.requests()), (1, 1));
        drop(first);
        assert_eq!((a.in_flight(), a.requests(), a.failures()), (0, 1, 0));
    }

    #[test]
    fn an_instance_on_both_lists_keeps_its_counts_and_a_new_one_starts_at_zero() {
        let routing = routing(&["a", "b"]);
        let held: Vec<_> = (0..4).map(|_| routing.pick(&Request::default()).unwrap()).collect();
        routing.replace_upstreams(&configs(&["c", "b"]));
        let counts: Vec<_> = routing
            .upstreams()
            .iter()
            .map(|upstream| (upstream.name().to_owned(), upstream.in_flight()))
            .collect();
        assert_eq!(counts, [("c".to_owned(), 0), ("b".to_owned(), 2)]);
        drop(held);
        assert!(routing.upstreams().iter().all(|upstream| upstream.in_flight() == 0));
    }

    #[test]
    fn the_same_name_at_another_address_is_another_instance() {
        let routing = routing(&["a"]);
        let held = routing.pick(&Request::default()).unwrap();
        routing.replace_upstreams(&[UpstreamConfig::new("a", "http://127.0.0.1:2").unwrap()]);
        assert_eq!(routing.upstreams()[0].in_flight(), 0);
        assert_eq!(held.upstream().in_flight(), 1);
    }

    #[test]
    fn an_instance_out_of_rotation_is_not_picked() {
        let routing = routing(&["a", "b"]);
        let mut list = configs(&["a", "b"]);
        list[0].healthy = false;
        routing.replace_upstreams(&list);
        for _ in 0..4 {
            assert_eq!(routing.pick(&Request::default()).unwrap().upstream().name(), "b");
        }
        list[1].healthy = false;
        routing.replace_upstreams(&list);
        assert!(routing.pick(&Request::default()).is_none());
    }
}
