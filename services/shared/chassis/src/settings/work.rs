//! The declared capacity of an instance.

use std::time::Duration;

use contract::environment as names;

use crate::{Environment, SettingsError, Slowness};

const WORK_MS_MAX: f64 = 600_000.0;
const WORK_LIMIT_MAX: usize = 1_000_000;

/// How a drawn waiting time is distributed around its mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Distribution {
    /// Always the mean.
    Constant,
    /// Memoryless, as in M/M/c.
    Exponential,
    /// The mean, and for some requests a long time: two points, of which the second is the tail.
    Tail {
        /// The share of requests that take long, from 0 to 1.
        share: f64,
        /// How long they take.
        long: Duration,
        /// Which they are.
        of: TailOf,
    },
}

/// Which requests are in a tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TailOf {
    /// It is drawn anew for each request: another try may be fast.
    Requests,
    /// Those for some of the paths, on every instance: another try takes as long.
    Paths,
}

impl Distribution {
    /// Whether a request for this path is in the tail; `None` where its path does not decide that.
    pub(crate) fn is_in_tail(&self, path: &str) -> Option<bool> {
        match self {
            Self::Tail {
                share,
                of: TailOf::Paths,
                ..
            } => {
                // As far from 0 to 1 as the hash is from 0 to its end.
                let place = hash::text(path) as f64 / u64::MAX as f64;
                Some(place < *share)
            }
            Self::Constant | Self::Exponential | Self::Tail { .. } => None,
        }
    }
}

/// What becomes of the work of a request whose client has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abandoned {
    /// It stops, and its place is free at once.
    Cancel,
    /// It goes on to its end, and keeps its place until then.
    Finish,
}

/// The declared capacity of an instance: see [`Work`](crate::Work).
#[derive(Debug, Clone, PartialEq)]
pub struct WorkSettings {
    /// Mean waiting time of a request, without those in a tail; zero is none.
    pub wait: Duration,
    /// How the waiting time is distributed.
    pub distribution: Distribution,
    /// How many requests may wait at once; `None` is no limit.
    pub limit: Option<usize>,
    /// CPU time that a request burns on the event loop; zero is none.
    pub cpu: Duration,
    /// What becomes of it when the client leaves.
    pub abandoned: Abandoned,
    /// Whether the work can be made slower from outside.
    pub control: bool,
    /// How many times as long as declared the work takes at the start.
    pub slowness: f64,
    /// Whether every request is refused at once, as by a broken instance.
    pub broken: bool,
    /// Seed of the drawn times, the instance's name mixed in so that instances differ.
    pub seed: u64,
}

impl WorkSettings {
    pub(super) fn read(env: &Environment, instance: &str) -> Result<Self, SettingsError> {
        let time = |variable| {
            let allowed = format!("a number of milliseconds from 0 to {WORK_MS_MAX}");
            env.parse(variable, 0.0, &allowed, |ms| (0.0..=WORK_MS_MAX).contains(ms))
                .map(|ms| Duration::from_secs_f64(ms / 1_000.0))
        };
        let limit = env.parse(
            names::WORK_LIMIT,
            0,
            &format!("a number of requests from 0 (no limit) to {WORK_LIMIT_MAX}"),
            |limit| *limit <= WORK_LIMIT_MAX,
        )?;
        let tail = Distribution::Tail {
            share: env.share(names::WORK_TAIL_SHARE)?,
            long: time(names::WORK_TAIL_MS)?,
            of: env.choice(
                names::WORK_TAIL_OF,
                &[("requests", TailOf::Requests), ("paths", TailOf::Paths)],
            )?,
        };
        let seed: u64 = env.parse(names::WORK_SEED, 1, "a whole number from 0 to 2^64 - 1", |_| true)?;
        Ok(Self {
            wait: time(names::WORK_WAIT_MS)?,
            distribution: env.choice(
                names::WORK_DISTRIBUTION,
                &[
                    ("exponential", Distribution::Exponential),
                    ("constant", Distribution::Constant),
                    ("tail", tail),
                ],
            )?,
            limit: (limit > 0).then_some(limit),
            cpu: time(names::WORK_CPU_MS)?,
            abandoned: env.choice(
                names::WORK_ABANDONED,
                &[("cancel", Abandoned::Cancel), ("finish", Abandoned::Finish)],
            )?,
            control: env.choice(names::WORK_CONTROL, &[("off", false), ("on", true)])?,
            slowness: slowness(env, instance)?,
            broken: listed(env.get(names::WORK_BROKEN)).any(|broken| broken == instance),
            seed: seed ^ hash::fnv1a(instance.as_bytes()),
        })
    }

    /// Whether any request has to wait.
    pub(crate) fn waits(&self) -> bool {
        let in_tail =
            matches!(self.distribution, Distribution::Tail { share, long, .. } if share > 0.0 && !long.is_zero());
        in_tail || !self.wait.is_zero()
    }
}

/// The parts of a list with commas.
fn listed(list: Option<&str>) -> impl Iterator<Item = &str> {
    list.unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

fn slowness(env: &Environment, instance: &str) -> Result<f64, SettingsError> {
    let allowed = format!("INSTANCE=FACTOR with a factor above 0 and at most {}", Slowness::MAX);
    let mut slowness = 1.0;
    for part in listed(env.get(names::WORK_SLOW)) {
        let (name, factor) = part
            .split_once('=')
            .and_then(|(name, factor)| Some((name, factor.parse().ok()?)))
            .filter(|(_, factor)| Slowness::allows(*factor))
            .ok_or_else(|| env.refuse(names::WORK_SLOW, &allowed))?;
        if name == instance {
            slowness = factor;
        }
    }
    Ok(slowness)
}
