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

    /// The same, but rather one that is not among the `avoided` either.
    pub fn pick_avoiding(&self, request: &Request, tried: &[u64], avoided: &[u64]) -> Option<InFlight> {
        let unwanted = (!avoided.is_empty()).then(|| [tried, avoided].concat());
        let wanted = unwanted.and_then(|unwanted| self.pick(request, &unwanted));
        wanted.or_else(|| self.pick(request, tried))
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
#[path = "routing_tests.rs"]
mod tests;
