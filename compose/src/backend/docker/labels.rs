//! Names and labels: by them people and the lab itself tell what belongs to which system.

use std::collections::HashMap;

use contract::Program;

use crate::backend::core::record::SystemRecord;

/// The run's id; on everything.
pub(super) const RUN: &str = "lab.run";
/// The system, told apart from one of the same id in another state folder; on everything.
pub(super) const SYSTEM: &str = "lab.system";
/// The path of the state folder that the system's record lies in, for people; on everything.
pub(super) const STATE: &str = "lab.state";
/// The same folder, told apart from one of the same path elsewhere; on everything.
pub(super) const PLACE: &str = "lab.place";
/// The instance; on containers.
pub(super) const INSTANCE: &str = "lab.instance";
/// What is in it; on images.
pub(super) const IMAGE: &str = "lab.image";

/// What everything of a system is labelled with.
pub(super) fn of_system(record: &SystemRecord) -> HashMap<String, String> {
    HashMap::from([
        (RUN.to_owned(), record.run_id.clone()),
        (SYSTEM.to_owned(), record.token()),
        (STATE.to_owned(), record.state_folder.display().to_string()),
        (PLACE.to_owned(), record.place.clone()),
    ])
}

/// The filter for everything that has this label.
pub(super) fn filter(label: &str, value: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![format!("{label}={value}")])])
}

/// The names of what a system has beside its instances.
pub(super) struct Names {
    token: String,
}

impl Names {
    pub(super) fn of(record: &SystemRecord) -> Self {
        Self {
            token: record.token().replace(':', "-"),
        }
    }

    /// The network on which the instances find one another.
    pub(super) fn data_network(&self) -> String {
        format!("lab-{}-data", self.token)
    }

    /// The network over which the lab reaches each instance; they do not reach one another on it.
    pub(super) fn control_network(&self) -> String {
        format!("lab-{}-control", self.token)
    }

    /// The volume that holds the files of services: databases of their own, and what servers are configured by.
    pub(super) fn volume(&self) -> String {
        format!("lab-{}-data", self.token)
    }

    /// The volume that a server keeps its data in, where nobody else writes.
    pub(super) fn volume_of(&self, server: Program) -> String {
        format!("lab-{}-{server}", self.token)
    }

    pub(super) fn container(&self, instance: &str) -> String {
        format!("lab-{}-{instance}", self.token)
    }
}
