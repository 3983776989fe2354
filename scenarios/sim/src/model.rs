//! What is simulated.

use balance::PolicyKind;

use crate::{Arrivals, ServiceTime};

/// Slow servers: the first ones of the list.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Slow {
    /// How many.
    pub servers: u32,
    /// How many times longer they take than the others.
    pub factor: f64,
}

/// Broken servers, which answer everything with a failure: the last ones of the list.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Failing {
    /// How many.
    pub servers: u32,
    /// How soon the failure comes, seconds; nobody waits for a turn there.
    pub after_s: f64,
}

/// What balancers know of the load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Information {
    /// Each what it sent itself and has no answer for.
    Own,
    /// All the same board with the true loads, which is written anew every so many seconds (M. Mitzenmacher, "How Useful Is Old
    /// Information?", 2000).
    Board {
        /// How often, seconds.
        every_s: f64,
    },
    /// The true loads, asked for at each pick (A. Mu, K. Ousterhout and others, Sparrow, 2013; B. Wydrowski and others, Prequal,
    /// 2024). The question costs its round trip, and the load is taken not to change meanwhile.
    Probe {
        /// That round trip, seconds.
        rtt_s: f64,
    },
}

/// Keys of the requests, for policies that hash.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Keys {
    /// How many different ones.
    pub count: u64,
    /// How unequal they are: the k-th is asked for in proportion to k to the minus this (Zipf); 0 is equal.
    pub skew: f64,
}

/// A system to simulate.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// How servers are picked.
    pub policy: PolicyKind,
    /// How many servers.
    pub servers: u32,
    /// Requests that one server works on at once.
    pub slots: u32,
    /// How long a request takes.
    pub service: ServiceTime,
    /// Offered load as a share of what all servers could do if none were slow or broken.
    pub load: f64,
    /// How requests are spaced.
    pub arrivals: Arrivals,
    /// Slow servers.
    pub slow: Slow,
    /// Broken servers.
    pub failing: Failing,
    /// Whether weights tell how slow the slow ones are; else all weigh the same.
    pub weighs: bool,
    /// How many balancers, of which each request meets one at random.
    pub balancers: u32,
    /// What they know of the load.
    pub information: Information,
    /// When a client gives up, seconds.
    pub timeout_s: Option<f64>,
    /// The keys of requests.
    pub keys: Keys,
    /// Requests that one server holds; more are refused at once.
    pub queue_max: u32,
    /// How many requests come.
    pub requests: u64,
    /// How many of them come before anything is recorded.
    pub warmup: u64,
    /// Seed of all chance.
    pub seed: u64,
}

/// A model that cannot be played.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{what} must be {allowed}, not {value}")]
pub struct ModelError {
    what: &'static str,
    allowed: String,
    value: f64,
}

/// Signals are kept for every pair of a balancer and a server.
const PAIRS_MAX: f64 = 2e7;

impl Model {
    /// A hundred servers of 10 ms each at 80 %, under Poisson arrivals, behind one balancer.
    #[must_use]
    pub fn new(policy: PolicyKind) -> Self {
        Self {
            policy,
            servers: 100,
            slots: 1,
            service: ServiceTime::Exponential { mean_s: 0.010 },
            load: 0.8,
            arrivals: Arrivals::Poisson,
            slow: Slow::default(),
            failing: Failing::default(),
            weighs: false,
            balancers: 1,
            information: Information::Own,
            timeout_s: None,
            keys: Keys {
                count: 100_000,
                skew: 0.0,
            },
            queue_max: 10_000,
            requests: 1_000_000,
            warmup: 100_000,
            seed: 1,
        }
    }

    /// Requests a second.
    #[must_use]
    pub fn rate_per_s(&self) -> f64 {
        self.load * f64::from(self.servers) * f64::from(self.slots) / self.service.mean_s()
    }

    /// Refuses numbers that make no system.
    ///
    /// # Errors
    /// Names the first number that is at fault.
    pub fn check(&self) -> Result<(), ModelError> {
        let within = |what, value: f64, least: f64, most: f64| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            Err(ModelError {
                what,
                allowed: format!("from {least} to {most}"),
                value,
            })
        };
        let (servers, balancers) = (f64::from(self.servers), f64::from(self.balancers));
        within("the number of servers", servers, 1.0, 1e6)?;
        within("the number of slots", f64::from(self.slots), 1.0, 10_000.0)?;
        within("the mean service time (in seconds)", self.service.mean_s(), 1e-9, 1e6)?;
        match self.service {
            ServiceTime::Lognormal { variation, .. } => within("the variation", variation, 0.0, 100.0)?,
            ServiceTime::Bimodal {
                short_s,
                long_s,
                long_share,
            } => {
                within("the share of long requests", long_share, 0.0, 1.0)?;
                within("the short time (in seconds)", short_s, 0.0, 1e6)?;
                within("the long time (in seconds)", long_s, 0.0, 1e6)?;
            }
            _ => {}
        }
        within("the load", self.load, 1e-6, 100.0)?;
        if let Arrivals::Bursts(size) = self.arrivals {
            within("the size of a burst", f64::from(size), 1.0, 1e6)?;
        }
        within("the number of slow servers", f64::from(self.slow.servers), 0.0, servers)?;
        if self.slow.servers > 0 {
            within("the slowness", self.slow.factor, 1e-3, 1e6)?;
        }
        let not_slow = servers - f64::from(self.slow.servers);
        within(
            "the number of broken servers",
            f64::from(self.failing.servers),
            0.0,
            not_slow,
        )?;
        within("the time to a failure (in seconds)", self.failing.after_s, 0.0, 1e6)?;
        within("the number of balancers", balancers, 1.0, 1e6)?;
        within(
            "the number of balancers times servers",
            balancers * servers,
            1.0,
            PAIRS_MAX,
        )?;
        match self.information {
            Information::Own => {}
            Information::Board { every_s } => within("the age of the load (in seconds)", every_s, 1e-6, 1e6)?,
            Information::Probe { rtt_s } => within("the round trip of a probe (in seconds)", rtt_s, 0.0, 1e3)?,
        }
        within("the timeout (in seconds)", self.timeout_s.unwrap_or(1.0), 1e-9, 1e6)?;
        within("the number of keys", self.keys.count as f64, 1.0, 1e15)?;
        within("the skew of keys", self.keys.skew, 0.0, 10.0)?;
        within("the longest queue", f64::from(self.queue_max), 1.0, 1e9)?;
        within("the number of requests", self.requests as f64, 1.0, 1e13)?;
        within("the warm-up", self.warmup as f64, 0.0, self.requests as f64 - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> Model {
        Model::new(balance::REGISTRY[0])
    }

    #[test]
    fn the_rate_is_the_share_of_the_capacity() {
        assert!((model().rate_per_s() - 8_000.0).abs() < 1e-6);
    }

    #[test]
    fn each_number_that_makes_no_system_is_named() {
        assert_eq!(model().check(), Ok(()));
        for (part, change) in [
            ("servers", Model { servers: 0, ..model() }),
            ("slots", Model { slots: 0, ..model() }),
            (
                "load",
                Model {
                    load: f64::NAN,
                    ..model()
                },
            ),
            (
                "service",
                Model {
                    service: ServiceTime::Constant { mean_s: 0.0 },
                    ..model()
                },
            ),
            (
                "burst",
                Model {
                    arrivals: Arrivals::Bursts(0),
                    ..model()
                },
            ),
            (
                "slow",
                Model {
                    slow: Slow {
                        servers: 101,
                        factor: 2.0,
                    },
                    ..model()
                },
            ),
            (
                "slowness",
                Model {
                    slow: Slow {
                        servers: 1,
                        factor: 0.0,
                    },
                    ..model()
                },
            ),
            (
                "broken",
                Model {
                    failing: Failing {
                        servers: 101,
                        after_s: 0.0,
                    },
                    ..model()
                },
            ),
            (
                "balancers",
                Model {
                    balancers: 0,
                    ..model()
                },
            ),
            (
                "times servers",
                Model {
                    balancers: 1_000_000,
                    ..model()
                },
            ),
            (
                "age",
                Model {
                    information: Information::Board { every_s: 0.0 },
                    ..model()
                },
            ),
            (
                "timeout",
                Model {
                    timeout_s: Some(0.0),
                    ..model()
                },
            ),
            (
                "keys",
                Model {
                    keys: Keys { count: 0, skew: 0.0 },
                    ..model()
                },
            ),
            (
                "warm-up",
                Model {
                    warmup: 1_000_000,
                    ..model()
                },
            ),
        ] {
            let message = change.check().unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
