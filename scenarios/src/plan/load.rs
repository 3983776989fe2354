//! Streams of requests.

use serde::{Deserialize, Serialize};

use super::requests::{self, RequestSpec};
use super::resolve::{Resolver, SECONDS_MAX};
use crate::format::{ArrivalsKind, Document, Load, Problem};

/// The highest rate that a scenario may ask for, requests per second.
pub(super) const RATE_MAX: f64 = 1e6;

/// Connections of an open loop where the scenario says nothing.
const CONNECTIONS_DEFAULT: f64 = 512.0;

/// A stream with its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadSpec {
    /// Class of its requests.
    pub class: String,
    /// Service whose front door is asked.
    pub service: String,
    /// What is asked.
    pub request: RequestSpec,
    /// How fast.
    pub pace: PaceSpec,
    /// Seconds until a request without an answer has failed.
    pub timeout_s: f64,
    /// Milliseconds above which a request counts as slow.
    pub slow_over_ms: Option<f64>,
    /// Field of each JSON answer to collect.
    pub collect: Option<String>,
}

/// How fast a stream runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaceSpec {
    /// By a schedule, whether or not answers came.
    Open {
        /// Spacing.
        arrivals: ArrivalsKind,
        /// (from rate, to rate, seconds), one after the other.
        stages: Vec<(f64, f64, f64)>,
        /// At most this many connections.
        connections_max: usize,
    },
    /// By the answers.
    Closed {
        /// Clients.
        connections: usize,
        /// Pause after an answer, milliseconds.
        think_ms: f64,
        /// Stop after so many requests.
        requests_max: Option<u64>,
    },
    /// Single requests at these times, seconds.
    At(Vec<f64>),
}

/// A stream with its numbers.
pub(super) fn spec(
    load: &Load,
    document: &Document,
    duration_s: f64,
    resolver: &Resolver,
) -> Result<LoadSpec, Problem> {
    Ok(LoadSpec {
        class: load.class.to_string(),
        service: requests::asked(load.service.as_ref(), document)?,
        request: requests::of_load(&load.request, resolver)?,
        pace: pace(load, duration_s, resolver)?,
        timeout_s: resolver.timeout_s(load.timeout_s.as_ref())?,
        slow_over_ms: load
            .slow_over_ms
            .as_ref()
            .map(|slow| resolver.number_in(slow, 0.0, SECONDS_MAX * 1000.0, "the slow bound"))
            .transpose()?,
        collect: load.collect.clone(),
    })
}

fn pace(load: &Load, duration_s: f64, resolver: &Resolver) -> Result<PaceSpec, Problem> {
    if let Some(closed) = &load.closed {
        return Ok(PaceSpec::Closed {
            connections: resolver.number_in(&closed.connections, 1.0, 10_000.0, "the number of clients")? as usize,
            think_ms: resolver.or(closed.think_ms.as_ref(), 0.0, 60_000.0, "the thinking time")?,
            requests_max: closed
                .requests_max
                .as_ref()
                .map(|max| {
                    resolver
                        .number_in(max, 1.0, 1e9, "the number of requests")
                        .map(|max| max as u64)
                })
                .transpose()?,
        });
    }
    if !load.at_s.is_empty() {
        let times = load
            .at_s
            .iter()
            .map(|at| resolver.number_in(at, 0.0, SECONDS_MAX, "the time"));
        return times.collect::<Result<_, _>>().map(PaceSpec::At);
    }
    let rate = |quantity| resolver.number_in(quantity, 0.0, RATE_MAX, "the rate");
    let stages = match &load.rate_per_s {
        Some(constant) => {
            let constant = rate(constant)?;
            vec![(constant, constant, duration_s)]
        }
        None => load
            .steps
            .iter()
            .map(|step| {
                let from = rate(&step.rate_per_s)?;
                let to = step.to_rate_per_s.as_ref().map_or(Ok(from), rate)?;
                Ok((from, to, resolver.length_s(&step.for_s)?))
            })
            .collect::<Result<_, Problem>>()?,
    };
    let connections_max = resolver.or(
        load.connections_max.as_ref(),
        CONNECTIONS_DEFAULT,
        20_000.0,
        "the number of connections",
    )?;
    Ok(PaceSpec::Open {
        arrivals: load.arrivals,
        stages,
        connections_max: connections_max as usize,
    })
}
