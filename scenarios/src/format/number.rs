//! Plain numbers of a scenario file, each refused where it stands when it is out of its range.

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde::de::{Deserialize, Deserializer, Error};

/// The most rounds of a run.
pub const ROUNDS_MAX: u32 = 1_000;
/// The last phase: what lies beyond the curriculum.
const PHASE_MAX: u8 = 8;
/// The longest lateness of the generator that a scenario may accept, milliseconds.
const LATENESS_MS_MAX: f64 = 10_000.0;

/// The numbers that a scenario may write as a plain number.
fn within<'de, D, N>(deserializer: D, range: RangeInclusive<N>, what: &str) -> Result<N, D::Error>
where
    D: Deserializer<'de>,
    N: Deserialize<'de> + PartialOrd + Display,
{
    let number = N::deserialize(deserializer)?;
    if range.contains(&number) {
        return Ok(number);
    }
    let (min, max) = range.into_inner();
    Err(D::Error::custom(format!(
        "{what} is {number}, and must be from {min} to {max}"
    )))
}

pub(super) fn rounds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    within(deserializer, 1..=ROUNDS_MAX, "the number of rounds")
}

pub(super) fn phase<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    within(deserializer, 0..=PHASE_MAX, "the phase")
}

pub(super) fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    within(deserializer, 0.0..=1.0, "the share")
}

pub(super) fn quantile<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    within(deserializer, 0.0..=1.0, "the quantile")
}

pub(super) fn lateness_ms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    within(deserializer, 0.0..=LATENESS_MS_MAX, "the lateness")
}

/// A number that is one: TOML also knows `nan` and `inf`.
pub(super) fn finite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    within(deserializer, f64::MIN..=f64::MAX, "the number")
}

pub(super) fn finite_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    finite(deserializer).map(Some)
}
