//! The list of instances and the policy over it, both of which may change while requests run.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use balance::{Policy, PolicyKind, PolicyRng, Pool, Request};
use rand::{RngExt, SeedableRng};

use crate::config::UpstreamConfig;
use crate::health::{Health, HealthRules};
use crate::upstream::{InFlight, Standing, Upstream};

/// How often a policy is asked again when it picks one that gets only a part of its share, or was tried already.
const PICKS_MAX: u32 = 3;

/// Chooses the instance for each request.
///
/// One short lock covers a pick and the counting that follows it, so that with several event loops no two requests choose by the
/// same stale counts. With one event loop it is never contended.
pub struct Routing {
    inner: Mutex<Inner>,
    rules: HealthRules,
}

struct Inner {
    upstreams: Vec<Arc<Upstream>>,
    kind: PolicyKind,
    policy: Box<dyn Policy>,
    rng: PolicyRng,
    /// What the policy sees, in the order of `upstreams`; loads and health are copied into it before each pick.
    pool: Pool,
    /// Of each, as of the last pick; kept only to reuse its memory.
    standings: Vec<Standing>,
}

impl Routing {
    /// A list (with unique names) and a policy, whose chance comes from `seed`.
    pub fn new(upstreams: &[UpstreamConfig], kind: PolicyKind, seed: u64, rules: HealthRules) -> Self {
        let upstreams: Vec<_> = upstreams
            .iter()
            .map(|config| Arc::new(Upstream::new(config, Health::default())))
            .collect();
        Self {
            inner: Mutex::new(Inner {
                pool: pool_of(&upstreams),
                standings: Vec::new(),
                upstreams,
                kind,
                policy: kind.build(),
                rng: PolicyRng::seed_from_u64(seed),
            }),
            rules,
        }
    }

    /// Picks an instance that is not among the `tried` and counts the request in there; `None` when there is none.
    pub fn pick(&self, request: &Request, tried: &[u64]) -> Option<InFlight> {
        let inner = &mut *self.lock();
        inner.look(request.now, &self.rules);
        let mut index = inner.policy.pick(&inner.pool, request, &mut inner.rng)?;
        for _ in 1..PICKS_MAX {
            let is_tried = tried.contains(&inner.upstreams[index].id());
            let warmth = inner.standings[index].warmth;
            if !is_tried && (warmth >= 1.0 || inner.rng.random::<f64>() < warmth) {
                break;
            }
            index = inner.policy.pick(&inner.pool, request, &mut inner.rng)?;
        }
        // A policy by key, say, sticks to its opinion.
        if tried.contains(&inner.upstreams[index].id()) {
            index = inner.least_loaded_but(tried)?;
        }
        Some(InFlight::enter(Arc::clone(&inner.upstreams[index])))
    }

    /// Counts a request in at the instance with this identity, if it is in rotation.
    pub fn enter(&self, id: u64, now: Duration) -> Option<InFlight> {
        let inner = &mut *self.lock();
        inner.look(now, &self.rules);
        let healthy = inner
            .pool
            .healthy()
            .iter()
            .map(|index| &inner.upstreams[*index as usize]);
        let upstream = healthy.into_iter().find(|upstream| upstream.id() == id)?;
        Some(InFlight::enter(Arc::clone(upstream)))
    }

    /// Takes note of an instance's answer, or of its failure to answer, `latency` after the pick.
    pub fn observe(&self, upstream: &Upstream, now: Duration, latency: Duration, failed: bool) {
        // The limit matters to failures only, and only then are all instances looked at.
        let may_eject = failed && self.rules.passive_failures > 0 && {
            let inner = self.lock();
            let ejected = inner
                .upstreams
                .iter()
                .filter(|upstream| upstream.standing(now, &self.rules).ejected);
            self.rules.allow_ejection(ejected.count(), inner.upstreams.len())
        };
        upstream.observe(now, latency, failed, &self.rules, may_eject);
    }

    /// Each instance's standing, in the order of the list, and whether so few are well that health is not believed.
    pub fn standings(&self, now: Duration) -> (Vec<Standing>, bool) {
        let standings: Vec<_> = self
            .upstreams()
            .iter()
            .map(|upstream| upstream.standing(now, &self.rules))
            .collect();
        let panics = panics(&standings, &self.rules);
        (standings, panics)
    }

    /// The instances, in the order of the list.
    pub fn upstreams(&self) -> Vec<Arc<Upstream>> {
        self.lock().upstreams.clone()
    }

    /// Puts a new list (with unique names) in place of the old one. An instance that is on both keeps its counts and connections;
    /// on one that is gone, what is in flight ends undisturbed.
    pub fn replace_upstreams(&self, configs: &[UpstreamConfig], now: Duration) {
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
                None => Arc::new(Upstream::new(config, Health::arrived(now))),
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

impl Inner {
    /// Brings what the policy sees up to date.
    fn look(&mut self, now: Duration, rules: &HealthRules) {
        self.standings.clear();
        let standings = self.upstreams.iter().map(|upstream| upstream.standing(now, rules));
        self.standings.extend(standings);
        let panics = panics(&self.standings, rules);
        for (index, (upstream, standing)) in self.upstreams.iter().zip(&self.standings).enumerate() {
            self.pool.update(index, |endpoint| {
                *endpoint = upstream.endpoint();
                endpoint.healthy = standing.listed && (panics || !standing.out);
                // A cold instance has nothing in flight, which to policies that look at load is a reason to send everything there:
                // it counts for as busy as it would be with its whole share.
                if standing.warmth < 1.0 {
                    let busy = (f64::from(endpoint.in_flight) + 1.0) / standing.warmth - 1.0;
                    endpoint.in_flight = busy.ceil() as u32;
                }
            });
        }
    }

    fn least_loaded_but(&self, tried: &[u64]) -> Option<usize> {
        let healthy = self.pool.healthy().iter().map(|index| *index as usize);
        healthy
            .filter(|index| !tried.contains(&self.upstreams[*index].id()))
            .min_by_key(|index| self.pool.endpoints()[*index].in_flight)
    }
}

fn panics(standings: &[Standing], rules: &HealthRules) -> bool {
    let listed = standings.iter().filter(|standing| standing.listed);
    let well = listed.clone().filter(|standing| !standing.out).count();
    rules.panics(well, listed.count())
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

    fn rules() -> HealthRules {
        HealthRules {
            passive_failures: 0,
            eject: Duration::from_secs(30),
            eject_max_percent: 50,
            panic_percent: 0,
            probes_in_row: 2,
            slow_start: Duration::ZERO,
        }
    }

    fn routing_with(names: &[&str], policy: &str, rules: HealthRules) -> Routing {
        Routing::new(&configs(names), policy.parse().unwrap(), 1, rules)
    }

    /// How many of so many picks, each of which ends at once, the instance `name` gets at `now`.
    fn share(routing: &Routing, name: &str, picks: usize, now: Duration) -> usize {
        let request = Request { now, key: None };
        let picked = (0..picks).filter_map(|_| routing.pick(&request, &[]));
        picked.filter(|in_flight| in_flight.upstream().name() == name).count()
    }

    fn fail(routing: &Routing, name: &str, times: u32, now: Duration) {
        let upstreams = routing.upstreams();
        let upstream = upstreams.iter().find(|upstream| upstream.name() == name).unwrap();
        for _ in 0..times {
            routing.observe(upstream, now, Duration::ZERO, true);
        }
    }

    fn routing(names: &[&str]) -> Routing {
        routing_with(names, "least_connections", rules())
    }

    #[test]
    fn a_pick_counts_until_its_guard_is_dropped() {
        let routing = routing(&["a", "b"]);
        let first = routing.pick(&Request::default(), &[]).unwrap();
        let second = routing.pick(&Request::default(), &[]).unwrap();
        assert_ne!(first.upstream().name(), second.upstream().name());
        let a = Arc::clone(first.upstream());
        assert_eq!((a.in_flight(), a.requests()), (1, 1));
        drop(first);
        assert_eq!((a.in_flight(), a.requests(), a.failures()), (0, 1, 0));
    }

    #[test]
    fn an_instance_on_both_lists_keeps_its_counts_and_a_new_one_starts_at_zero() {
        let routing = routing(&["a", "b"]);
        let held: Vec<_> = (0..4)
            .map(|_| routing.pick(&Request::default(), &[]).unwrap())
            .collect();
        routing.replace_upstreams(&configs(&["c", "b"]), Duration::ZERO);
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
        let held = routing.pick(&Request::default(), &[]).unwrap();
        routing.replace_upstreams(
            &[UpstreamConfig::new("a", "http://127.0.0.1:2").unwrap()],
            Duration::ZERO,
        );
        assert_eq!(routing.upstreams()[0].in_flight(), 0);
        assert_eq!(held.upstream().in_flight(), 1);
    }

    #[test]
    fn an_instance_out_of_rotation_is_not_picked() {
        let routing = routing(&["a", "b"]);
        let mut list = configs(&["a", "b"]);
        list[0].healthy = false;
        routing.replace_upstreams(&list, Duration::ZERO);
        for _ in 0..4 {
            assert_eq!(routing.pick(&Request::default(), &[]).unwrap().upstream().name(), "b");
        }
        list[1].healthy = false;
        routing.replace_upstreams(&list, Duration::ZERO);
        assert!(routing.pick(&Request::default(), &[]).is_none());
    }

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn who_fails_in_a_row_is_out_for_a_time_and_comes_back() {
        let passive = HealthRules {
            passive_failures: 3,
            ..rules()
        };
        let routing = routing_with(&["a", "b"], "round_robin", passive);
        fail(&routing, "a", 2, S);
        assert_eq!(share(&routing, "a", 10, S), 5);
        fail(&routing, "a", 1, S);
        assert_eq!(share(&routing, "a", 10, 30 * S), 0);
        assert_eq!(share(&routing, "a", 10, 31 * S), 5);
    }

    #[test]
    fn no_more_than_the_limit_are_ejected() {
        let passive = HealthRules {
            passive_failures: 1,
            ..rules()
        };
        let routing = routing_with(&["a", "b", "c", "d"], "round_robin", passive);
        for name in ["a", "b", "c", "d"] {
            fail(&routing, name, 1, S);
        }
        let (standings, panics) = routing.standings(S);
        let words: Vec<_> = standings.iter().map(Standing::word).collect();
        assert_eq!((words, panics), (vec!["ejected", "ejected", "in", "in"], false));
    }

    #[test]
    fn when_too_few_are_well_all_are_used() {
        let panicky = HealthRules {
            panic_percent: 60,
            ..rules()
        };
        let routing = routing_with(&["a", "b", "c", "d"], "round_robin", panicky.clone());
        let upstreams = routing.upstreams();
        let down = |name: &str| {
            let upstream = upstreams.iter().find(|upstream| upstream.name() == name).unwrap();
            (0..2).for_each(|_| upstream.probed(false, S, &panicky));
        };
        down("a");
        assert_eq!(share(&routing, "a", 12, S), 0);
        down("b");
        assert_eq!(share(&routing, "a", 12, S), 3, "two of four are fewer than 60 %");
    }

    #[test]
    fn who_was_tried_is_not_picked_again_under_any_policy() {
        for kind in balance::REGISTRY {
            let routing = routing_with(&["a", "b", "c"], kind.name(), rules());
            let request = Request { key: Some(7), now: S };
            let mut tried = Vec::new();
            for _ in 0..3 {
                let picked = routing.pick(&request, &tried).unwrap();
                assert!(!tried.contains(&picked.upstream().id()), "{kind}");
                tried.push(picked.upstream().id());
            }
            assert!(routing.pick(&request, &tried).is_none(), "{kind}");
        }
    }

    #[test]
    fn a_new_instance_warms_up_under_every_policy_that_is_free_to_choose() {
        let slow_start = HealthRules {
            slow_start: 10 * S,
            ..rules()
        };
        for name in ["round_robin", "random", "least_connections", "two_choices", "peak_ewma"] {
            let routing = routing_with(&["a", "b", "c"], name, slow_start.clone());
            routing.replace_upstreams(&configs(&["a", "b", "c", "d"]), 100 * S);
            let (cold, warm) = (share(&routing, "d", 400, 101 * S), share(&routing, "d", 400, 110 * S));
            assert!(cold < 40 && warm >= 60, "{name}: {cold} then {warm} of 400");
        }
    }

    #[test]
    fn a_cookie_finds_its_instance_unless_that_is_out() {
        let routing = routing(&["a", "b"]);
        let id = routing.upstreams()[1].id();
        assert_eq!(routing.enter(id, S).unwrap().upstream().name(), "b");
        let mut list = configs(&["a", "b"]);
        list[1].healthy = false;
        routing.replace_upstreams(&list, S);
        assert!(routing.enter(id, S).is_none() && routing.enter(7, S).is_none());
    }
}
