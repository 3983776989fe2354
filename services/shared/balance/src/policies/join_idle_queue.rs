//! Join the idle queue.
//!
//! The idea: send the request to somebody who has nothing to do, and where nobody is idle, to anybody.
//! While a single endpoint is idle no request waits, whatever the requests cost and however slow anyone is: a slow endpoint is
//! seldom idle, so it is seldom picked. Only "idle or not" is looked at, which an endpoint can tell by itself in one bit when it
//! becomes idle, so many balancers can share that knowledge without asking anybody at the time of a request.
//!
//! Cost per pick: one pass over the healthy endpoints and one draw.
//!
//! It fails when nobody is idle: then it is a plain draw, so under high load queues are as uneven as with `random`, where comparing
//! even two counts would help. So it suits many endpoints that serve one request at a time, and harms where each serves hundreds
//! at once and is never idle. A broken endpoint that answers errors fast is idle most of the time and draws the traffic (a
//! sinkhole). And what is idle here is what this balancer sent nothing to: others may have.
//!
//! Source: Y. Lu, Q. Xie, G. Kliot, A. Geller, J. Larus, A. Greenberg, "Join-Idle-Queue: A Novel Load Balancing Algorithm for
//! Dynamically Scalable Web Services", Performance Evaluation 68 (2011); no wait in the limit of many servers: A. Stolyar,
//! "Pull-Based Load Distribution in Large-Scale Heterogeneous Service Systems", Queueing Systems 80 (2015).

use rand::RngExt;

use crate::{Policy, PolicyKind, PolicyRng, Pool, Request};

/// As the registry has it.
pub(super) const KIND: PolicyKind = PolicyKind::new(
    "join_idle_queue",
    "an instance without a request in flight, or any where all are busy, drawn at random",
    || Box::new(JoinIdleQueue),
);

/// A healthy endpoint drawn from the idle ones, from all where none is idle. Ignores weight, latency and key.
#[derive(Debug, Default)]
pub(super) struct JoinIdleQueue;

impl Policy for JoinIdleQueue {
    fn pick(&mut self, pool: &Pool, _: &Request, rng: &mut PolicyRng) -> Option<usize> {
        let healthy = pool.healthy();
        let is_idle = |index: &&u32| pool.endpoints()[**index as usize].in_flight == 0;
        let picked = match healthy.iter().filter(is_idle).count() {
            0 if healthy.is_empty() => None,
            0 => healthy.get(rng.random_range(0..healthy.len())),
            idle => healthy.iter().filter(is_idle).nth(rng.random_range(0..idle)),
        };
        picked.map(|index| *index as usize)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::Endpoint;

    /// How often each of these is picked, of 3,000 times.
    fn picks(in_flight: &[u32]) -> Vec<u32> {
        let endpoints = in_flight.iter().map(|&in_flight| Endpoint {
            in_flight,
            ..Endpoint::IDLE
        });
        let pool: Pool = endpoints.collect();
        let mut rng = PolicyRng::seed_from_u64(7);
        let mut picks = vec![0; in_flight.len()];
        for _ in 0..3_000 {
            picks[JoinIdleQueue.pick(&pool, &Request::default(), &mut rng).unwrap()] += 1;
        }
        picks
    }

    #[test]
    fn nobody_waits_while_somebody_is_idle() {
        assert_eq!(picks(&[1, 0, 9]), [0, 3_000, 0]);
    }

    #[test]
    fn the_idle_ones_share_evenly() {
        let picks = picks(&[0, 5, 0]);
        // Five standard deviations of a binomial count.
        assert!(picks[0].abs_diff(1_500) < 137 && picks[1] == 0, "{picks:?}");
    }

    /// What it is known to be bad at: it does not tell a long queue from a short one.
    #[test]
    fn where_all_are_busy_the_busiest_gets_its_share_too() {
        let picks = picks(&[1, 2, 100]);
        assert!(picks.iter().all(|picks| picks.abs_diff(1_000) < 130), "{picks:?}");
    }

    #[test]
    fn an_unhealthy_endpoint_is_not_idle() {
        let mut pool: Pool = (0..2).map(Endpoint::numbered).collect();
        pool.enter(1);
        pool.update(0, |endpoint| endpoint.healthy = false);
        let mut rng = PolicyRng::seed_from_u64(7);
        assert_eq!(JoinIdleQueue.pick(&pool, &Request::default(), &mut rng), Some(1));
    }
}
