//! What the record of a system keeps of an instance that is a container.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::backend::core::record::InstanceRecord;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Recorded {
    Container(Start),
}

/// One start of a container.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Start {
    /// The engine's id of the container.
    pub(super) id: String,
    /// When it was started, as the engine says it: a container that was started again is another one.
    pub(super) started: String,
}

/// What is written down of a container.
pub(super) fn value_of(start: Start) -> Value {
    // Texts always can be.
    serde_json::to_value(Recorded::Container(start)).unwrap_or_default()
}

/// The container of a recorded instance; none where something else was written down.
pub(super) fn start_of(instance: &InstanceRecord) -> Option<Start> {
    let Recorded::Container(start) = Recorded::deserialize(&instance.platform_id).ok()?;
    Some(start)
}
