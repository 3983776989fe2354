//! What each instance answered and used, over all rounds of an arm.

use crate::state::{LiveInstance, RoundState};

/// One instance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InstanceSummary {
    /// Its name.
    pub name: String,
    /// Its service; empty for one that is only known from its answers.
    pub service: String,
    /// Answers that clients had from it; none where no answer of its service names an instance, so that nobody knows.
    pub requests: Option<u64>,
    /// Processor time, summed over rounds, milliseconds; none where the backend cannot tell.
    pub cpu_ms: Option<f64>,
    /// The most memory seen, bytes; none where the backend cannot tell.
    pub resident_bytes_max: Option<u64>,
}

/// All instances of these rounds, in order of their start.
pub(super) fn of(rounds: &[RoundState]) -> Vec<InstanceSummary> {
    let mut all: Vec<InstanceSummary> = Vec::new();
    for round in rounds {
        for instance in &round.instances {
            let known = entry(&mut all, &instance.name);
            known.service.clone_from(&instance.service);
            add_use(known, instance);
        }
        for name in round.classes.values().flat_map(|class| class.by_instance.keys()) {
            entry(&mut all, name);
        }
        for known in &mut all {
            if let Some(requests) = round.answers_of(&known.name) {
                known.requests = Some(known.requests.unwrap_or(0) + requests);
            }
        }
    }
    all
}

fn entry<'a>(all: &'a mut Vec<InstanceSummary>, name: &str) -> &'a mut InstanceSummary {
    let at = all.iter().position(|known| known.name == name).unwrap_or_else(|| {
        all.push(InstanceSummary {
            name: name.to_owned(),
            ..InstanceSummary::default()
        });
        all.len() - 1
    });
    &mut all[at]
}

fn add_use(known: &mut InstanceSummary, instance: &LiveInstance) {
    let Some(stats) = &instance.stats else { return };
    if let Some(cpu_ms) = stats.cpu_ms {
        known.cpu_ms = Some(known.cpu_ms.unwrap_or(0.0) + cpu_ms as f64);
    }
    if instance.resident_bytes_max > 0 {
        known.resident_bytes_max = known.resident_bytes_max.max(Some(instance.resident_bytes_max));
    }
}
