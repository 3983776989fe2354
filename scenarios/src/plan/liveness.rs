//! Who probes whether instances are alive.

use serde::{Deserialize, Serialize};

use super::requests;
use super::resolve::Resolver;
use crate::format::{Arm, Document, Liveness, Place, Problem};

/// The shortest and the longest time between two probes, milliseconds.
const EVERY_MS: (f64, f64) = (20.0, 60_000.0);
const FAILURES: (f64, f64) = (1.0, 1_000.0);

/// A liveness probe with its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LivenessSpec {
    /// The service whose instances are probed.
    pub service: String,
    /// Path.
    pub path: String,
    /// How often, and the longest wait for an answer, seconds.
    pub every_s: f64,
    /// So many failures in a row kill an instance.
    pub failures: u32,
}

/// The probes of an arm.
pub(super) fn of(document: &Document, arm: &Arm, resolver: &Resolver) -> Result<Vec<LivenessSpec>, Problem> {
    let probed = document.system.services.iter().filter_map(|base| {
        let change = arm.change_of(base).and_then(|change| change.liveness.as_ref());
        Some((&base.name, change.or(base.liveness.as_ref())?))
    });
    let spec = |(service, liveness): (&Place, &Liveness)| -> Result<_, Problem> {
        requests::answers_http(service, document)?;
        let every_ms = resolver.number_in(&liveness.every_ms, EVERY_MS.0, EVERY_MS.1, "the time between probes")?;
        let failures = resolver.number_in(&liveness.failures, FAILURES.0, FAILURES.1, "the number of failures")?;
        Ok(LivenessSpec {
            service: service.to_string(),
            path: requests::path("GET", &liveness.path, &[], resolver)?,
            every_s: every_ms / 1e3,
            failures: failures as u32,
        })
    };
    probed.map(spec).collect()
}
