//! Spans of an arm's time that requests are told apart by.

use serde::{Deserialize, Serialize};

use super::resolve::{Resolver, SECONDS_MAX};
use crate::format::{Document, Load, Problem, Step};

/// A window with its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowSpec {
    /// Name.
    pub name: String,
    /// Start, seconds.
    pub from_s: f64,
    /// End, seconds.
    pub to_s: f64,
}

/// The windows of an arm: those of the scenario, and the steps of these loads.
pub(super) fn all(document: &Document, loads: &[&Load], resolver: &Resolver) -> Result<Vec<WindowSpec>, Problem> {
    let mut windows: Vec<WindowSpec> = document
        .windows
        .iter()
        .map(|window| {
            Ok(WindowSpec {
                name: window.name.to_string(),
                from_s: resolver.number_in(&window.from_s, 0.0, SECONDS_MAX, "the start")?,
                to_s: resolver.number_in(&window.to_s, 0.0, SECONDS_MAX, "the end")?,
            })
        })
        .collect::<Result<_, Problem>>()?;
    for load in loads {
        windows.extend(of_steps(&load.steps, resolver)?);
    }
    Ok(windows)
}

/// The windows that the steps of a load are.
fn of_steps(steps: &[Step], resolver: &Resolver) -> Result<Vec<WindowSpec>, Problem> {
    let mut start = 0.0;
    steps
        .iter()
        .map(|step| {
            let end = start + resolver.length_s(&step.for_s)?;
            let settle = resolver.or(step.settle_s.as_ref(), 0.0, end - start, "the settling time")?;
            let window = WindowSpec {
                name: step.name.to_string(),
                from_s: start + settle,
                to_s: end,
            };
            start = end;
            Ok(window)
        })
        .collect()
}
