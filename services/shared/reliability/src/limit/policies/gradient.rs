//! Gradient.
//!
//! The idea: when latency rises above what is usual, requests wait somewhere, so let in fewer. The latency of now is divided
//! by a long average of it, and their ratio, with some tolerance, scales the limit. A small allowance for a queue lets the
//! limit grow while there is no delay.
//!
//! It promises to find the limit without a number for "too slow", and to react to a rise within some answers.
//!
//! It harms where a rise lasts: the long average learns it, and what was slow is usual then. A load that never pauses shows no
//! latency without a queue, so the limit creeps up. Its authors' minimum of 20 is above what a small server can do at once,
//! and with it this policy would never shed: here the minimum is 1.
//!
//! Source: Netflix concurrency-limits, `Gradient2Limit` (a window of 600 answers, tolerance 1.5, smoothing 0.2, a queue of 4).
//! Unlike that, an overload halves the limit as the steepest gradient does, and its time enters no average: constant timeouts
//! made theirs grow to the maximum (concurrency-limits#137).

use super::super::observe::{ConcurrencyLimit, LimitKind, Outcome, Sample};
use super::bounds::Bounds;

/// Answers whose plain mean starts the long average.
const WARM_UP: u32 = 10;
/// No single answer scales the limit further down than this, before smoothing.
const STEEPEST: f64 = 0.5;

/// As the registry has it. Written as `gradient min=1 max=200 start=20 window=600 tolerance=1.5 smoothing=0.2 queue=4`.
pub(super) const KIND: LimitKind = LimitKind {
    name: "gradient",
    summary: "as many as leave latency as it usually is",
    build: |words| {
        let bounds = Bounds::take(words)?;
        let window = words.take_if(
            "window",
            600,
            |window| *window >= WARM_UP,
            "it must be at least 10 answers",
        )?;
        let not_below = "below 1 it would shrink without any delay";
        let tolerance = words.take_if("tolerance", 1.5, |tolerance| *tolerance >= 1.0, not_below)?;
        let is_part = |smoothing: &f64| *smoothing > 0.0 && *smoothing <= 1.0;
        let smoothing = words.take_if("smoothing", 0.2, is_part, "it must be above 0 and at most 1")?;
        let queue = words.count("queue", 4)?.into();
        let usual = Usual {
            factor: 2.0 / (f64::from(window) + 1.0),
            seen: 0,
            mean_s: 0.0,
        };
        Ok(Box::new(Gradient {
            bounds,
            tolerance,
            smoothing,
            queue,
            limit: bounds.start,
            usual,
        }))
    },
};

/// A long average of latencies: first their mean, then an exponential one.
#[derive(Debug)]
struct Usual {
    factor: f64,
    seen: u32,
    mean_s: f64,
}

impl Usual {
    fn add(&mut self, latency_s: f64) -> f64 {
        if self.seen < WARM_UP {
            self.seen += 1;
            self.mean_s += (latency_s - self.mean_s) / f64::from(self.seen);
        } else {
            self.mean_s += (latency_s - self.mean_s) * self.factor;
        }
        self.mean_s
    }
}

#[derive(Debug)]
struct Gradient {
    bounds: Bounds,
    tolerance: f64,
    smoothing: f64,
    /// Requests that may wait, so that the limit can grow.
    queue: f64,
    limit: f64,
    usual: Usual,
}

impl Gradient {
    fn approach(&mut self, limit: f64) {
        self.limit = self.bounds.hold(self.limit + (limit - self.limit) * self.smoothing);
    }
}

impl ConcurrencyLimit for Gradient {
    fn limit(&self) -> u32 {
        self.limit as u32
    }

    fn observe(&mut self, sample: &Sample) {
        if sample.outcome == Outcome::Overloaded {
            self.approach(self.limit * STEEPEST);
            return;
        }
        let latency_s = sample.latency().as_secs_f64().max(1e-9);
        let usual_s = self.usual.add(latency_s);
        // After an overload that is over, the long average comes down sooner than by itself.
        if usual_s > 2.0 * latency_s {
            self.usual.mean_s *= 0.95;
        }
        // A limit that is not used proves nothing.
        if f64::from(sample.in_flight) * 2.0 >= self.limit {
            let gradient = (self.tolerance * usual_s / latency_s).clamp(STEEPEST, 1.0);
            self.approach(self.limit * gradient + self.queue);
        }
    }
}
