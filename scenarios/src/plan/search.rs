//! Searches for the highest rate within a latency objective.

use serde::{Deserialize, Serialize};

use super::load::RATE_MAX;
use super::requests::{self, RequestSpec};
use super::resolve::{Resolver, SECONDS_MAX};
use crate::format::{ArrivalsKind, Problem, SearchSection};

/// A search with its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchSpec {
    /// Class of its requests.
    pub class: String,
    /// What is asked.
    pub request: RequestSpec,
    /// First rate tried.
    pub from_rate_per_s: f64,
    /// Highest rate tried.
    pub to_rate_per_s: f64,
    /// Quantile of the objective.
    pub quantile: f64,
    /// Latency of the objective, milliseconds.
    pub within_ms: f64,
    /// Length of one step, seconds.
    pub step_s: f64,
    /// At most this many steps.
    pub steps_max: u32,
    /// Spacing.
    pub arrivals: ArrivalsKind,
}

impl SearchSpec {
    /// How long it takes at most, seconds.
    pub(super) fn longest_s(&self) -> f64 {
        self.step_s * f64::from(self.steps_max)
    }
}

/// The length of a search's steps, in seconds, and how many there are at most.
pub(super) fn steps(search: &SearchSection, resolver: &Resolver) -> Result<(f64, u32), Problem> {
    let steps_max = resolver.number_in(&search.steps_max, 1.0, 100.0, "the number of steps")?;
    Ok((resolver.length_s(&search.step_s)?, steps_max as u32))
}

/// A search with its numbers.
pub(super) fn spec(search: &SearchSection, resolver: &Resolver) -> Result<SearchSpec, Problem> {
    let (step_s, steps_max) = steps(search, resolver)?;
    Ok(SearchSpec {
        class: search.class.to_string(),
        request: requests::of_load(&search.request, resolver)?,
        from_rate_per_s: resolver.number_in(&search.from_rate_per_s, 1.0, RATE_MAX, "the first rate")?,
        to_rate_per_s: resolver.number_in(&search.to_rate_per_s, 1.0, RATE_MAX, "the last rate")?,
        quantile: search.quantile,
        within_ms: resolver.number_in(&search.within_ms, 0.01, SECONDS_MAX * 1000.0, "the objective")?,
        step_s,
        steps_max,
        arrivals: search.arrivals,
    })
}
