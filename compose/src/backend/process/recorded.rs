//! What the record of a system keeps of an instance that is a process.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::backend::core::record::{InstanceRecord, SystemRecord};
use crate::error::Error;
use crate::stamp::ProcessStamp;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Recorded {
    Process(ProcessStamp),
}

/// What is written down of a process.
pub(super) fn value_of(stamp: &ProcessStamp) -> Value {
    // Texts and numbers always can be.
    serde_json::to_value(Recorded::Process(stamp.clone())).unwrap_or_default()
}

/// The process of a recorded instance.
pub(super) fn stamp_of(instance: &InstanceRecord) -> serde_json::Result<ProcessStamp> {
    let Recorded::Process(stamp) = Recorded::deserialize(&instance.platform_id)?;
    Ok(stamp)
}

/// The processes of a recorded system, each with the name of its instance.
///
/// # Errors
/// When something else is written down: whether the system runs cannot be told then.
pub(super) fn stamps_of(record: &SystemRecord) -> Result<Vec<(&str, ProcessStamp)>, Error> {
    let stamp = |instance| match stamp_of(instance) {
        Ok(stamp) => Ok((instance.name.as_str(), stamp)),
        Err(error) => Err(Error::BadRecord {
            path: record.path(),
            reason: format!("{} is not a process: {error}", instance.name),
        }),
    };
    record.instances.iter().map(stamp).collect()
}
