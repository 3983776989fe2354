//! What it costs to play a model, before it is played: some numbers that make a system take more memory or time than a
//! machine has.

use std::mem::size_of;

use balance::{Endpoint, Signals};

use crate::model::{Information, Model};
use crate::server::{Job, Server};

/// Bytes of a server's place in a policy that hashes: 160 points of a ring, or the places of a table, while they are
/// built. For weight 1.
const KEYED_BYTES: f64 = 5_000.0;
/// Policies whose structures do not grow with the number of servers, or by a few bytes for each.
const PLAIN_BYTES: f64 = 16.0;

/// Memory and work of simulations.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// Most memory at once, bytes; about.
    pub bytes: f64,
    /// Requests that are placed, and entries of a board that are written.
    pub steps: f64,
}

impl Cost {
    /// What all of them cost, played on so many threads.
    #[must_use]
    pub fn of(models: &[Model], threads: usize) -> Self {
        let mut bytes: Vec<f64> = models.iter().map(|model| model.cost().bytes).collect();
        bytes.sort_by(|a, b| b.total_cmp(a));
        Self {
            bytes: bytes.iter().take(threads.max(1)).sum(),
            steps: models.iter().map(|model| model.cost().steps).sum(),
        }
    }
}

impl Model {
    /// What it costs to play this model.
    #[must_use]
    pub fn cost(&self) -> Cost {
        let (servers, balancers) = (f64::from(self.servers), f64::from(self.balancers));
        let pools = match self.information {
            Information::Own => balancers,
            Information::Board { .. } | Information::Probe { .. } => 1.0,
        };
        let of_pools = pools * servers * (size_of::<Endpoint>() + size_of::<Signals>()) as f64;
        let of_policy = if self.policy.is_keyed() {
            KEYED_BYTES
        } else {
            PLAIN_BYTES
        };
        // Weights multiply the points of a ring; the fast ones weigh as much more as the slow ones take longer.
        let weight = if self.weighs && self.slow.servers > 0 {
            self.slow.factor.max(1.0 / self.slow.factor)
        } else {
            1.0
        };
        let waiting = (servers * f64::from(self.queue_max)).min(self.requests as f64);
        let boards = match self.information {
            Information::Board { every_s } => self.requests as f64 / self.rate_per_s() / every_s,
            Information::Own | Information::Probe { .. } => 0.0,
        };
        Cost {
            bytes: servers * size_of::<Server>() as f64
                + of_pools
                + balancers * servers * of_policy * weight
                + waiting * size_of::<Job>() as f64,
            steps: self.requests as f64 + boards * servers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Slow;

    fn model(policy: &str) -> Model {
        Model::new(policy.parse().unwrap())
    }

    #[test]
    fn a_ring_of_a_million_servers_takes_gigabytes_and_a_hundred_take_little() {
        let bytes = |servers| {
            Model {
                servers,
                ..model("consistent_hash")
            }
            .cost()
            .bytes
        };
        assert!(bytes(1_000_000) > 4e9, "{}", bytes(1_000_000));
        assert!(bytes(100) < 1e8, "{}", bytes(100));
    }

    #[test]
    fn weights_balancers_and_boards_count() {
        let base = model("consistent_hash");
        let heavy = Model {
            weighs: true,
            slow: Slow {
                servers: 1,
                factor: 1e6,
            },
            ..base.clone()
        };
        assert!(heavy.cost().bytes > 1e11);
        let many = Model {
            balancers: 100_000,
            ..base.clone()
        };
        assert!(many.cost().bytes > 1e10);
        let board = Model {
            information: Information::Board { every_s: 1e-6 },
            load: 1e-6,
            ..base
        };
        assert!(board.cost().steps > 1e12);
    }

    #[test]
    fn as_many_models_take_memory_at_once_as_there_are_threads() {
        let models = vec![model("random"); 8];
        let one = models[0].cost();
        let all = Cost::of(&models, 2);
        assert!((all.bytes - 2.0 * one.bytes).abs() < 1.0 && (all.steps - 8.0 * one.steps).abs() < 1.0);
    }
}
