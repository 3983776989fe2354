//! What the system is asked when the load is over.

use serde::{Deserialize, Serialize};

use super::requests;
use super::resolve::Resolver;
use crate::format::{Document, Probe, Problem, StorySection};

/// A probe with its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeSpec {
    /// Name of the fact.
    pub name: String,
    /// Service whose front door is asked.
    pub service: String,
    /// HTTP method.
    #[serde(default = "get")]
    pub method: String,
    /// Path.
    pub path: String,
    /// Field of the answer.
    pub field: String,
    /// How often.
    pub times: u32,
}

/// What recordings of earlier versions mean.
fn get() -> String {
    "GET".to_owned()
}

/// A story of one order, asked for after the load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorySpec {
    /// Service whose front door is asked.
    pub service: String,
    /// Path.
    pub path: String,
}

/// A probe with its numbers.
pub(super) fn spec(probe: &Probe, document: &Document, resolver: &Resolver) -> Result<ProbeSpec, Problem> {
    Ok(ProbeSpec {
        name: probe.name.to_string(),
        service: requests::asked(probe.service.as_ref(), document)?,
        method: probe.method.clone(),
        path: requests::path(&probe.method, &probe.path, &[], resolver)?,
        field: probe.field.clone(),
        times: resolver.or(probe.times.as_ref(), 1.0, 10_000.0, "the number of times")? as u32,
    })
}

/// A story with its places filled.
pub(super) fn story(story: &StorySection, document: &Document, resolver: &Resolver) -> Result<StorySpec, Problem> {
    Ok(StorySpec {
        service: requests::asked(Some(&story.service), document)?,
        path: requests::path("GET", &story.path, &[], resolver)?,
    })
}
