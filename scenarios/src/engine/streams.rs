//! What a plan says of a stream, in the load generator's words.

use crate::format::ArrivalsKind;
use crate::plan::PaceSpec;

pub(super) fn arrivals(kind: ArrivalsKind) -> load::Arrivals {
    match kind {
        ArrivalsKind::Poisson => load::Arrivals::Poisson,
        ArrivalsKind::Constant => load::Arrivals::Constant,
    }
}

/// A seed for each stream, so that streams of one turn are independent.
pub(super) fn named_seed(seed: u64, name: &str) -> u64 {
    hash::fnv1a_seeded(seed, name.as_bytes())
}

pub(super) fn pace(spec: &PaceSpec, duration_s: f64) -> load::Pace {
    match spec {
        PaceSpec::Open {
            arrivals: kind,
            stages,
            connections_max,
        } => load::Pace::Open {
            arrivals: arrivals(*kind),
            stages: stages
                .iter()
                .map(|(from, to, for_s)| load::Stage {
                    for_s: *for_s,
                    from_rate_per_s: *from,
                    to_rate_per_s: *to,
                })
                .collect(),
            connections_max: *connections_max,
        },
        PaceSpec::Closed {
            connections,
            think_ms,
            requests_max,
        } => load::Pace::Closed {
            connections: *connections,
            think_ms: *think_ms,
            for_s: duration_s,
            requests_max: *requests_max,
        },
        PaceSpec::At(times_s) => load::Pace::At {
            times_s: times_s.clone(),
        },
    }
}

/// The warm-up drives open loops at their first rate and closed loops as they are; single requests are kept for later.
pub(super) fn warm_up_pace(spec: &PaceSpec, seconds: f64) -> Option<load::Pace> {
    match spec {
        PaceSpec::Open {
            arrivals,
            stages,
            connections_max,
        } => {
            let (rate, _, _) = stages.first()?;
            let first = vec![(*rate, *rate, seconds)];
            Some(pace(
                &PaceSpec::Open {
                    arrivals: *arrivals,
                    stages: first,
                    connections_max: *connections_max,
                },
                seconds,
            ))
        }
        PaceSpec::Closed { .. } => Some(pace(spec, seconds)),
        PaceSpec::At(_) => None,
    }
}
