//! What share of the processors other programs took while a system was measured.
//!
//! Neither the lab nor its instances see from within why they were slow. Whoever takes the processors away makes latencies
//! long and requests late, so what fails a bound of time meanwhile may have failed by that alone.

use std::sync::Arc;

use compose::{InstanceStats, ProcessorTime, System};
use tokio::task::JoinHandle;

/// The processor time at one moment: the machine's, and that of the lab with all its instances.
#[derive(Debug, Clone, Copy)]
struct Reading {
    machine: ProcessorTime,
    lab_ms: u64,
}

impl Reading {
    /// None where the machine, or one of the instances, does not tell.
    fn of(instances: &[InstanceStats]) -> Option<Self> {
        let machine = ProcessorTime::read()?;
        let instances_ms: Option<u64> = instances.iter().map(|stats| stats.cpu_ms).sum();
        Some(Self {
            machine,
            lab_ms: machine.own_ms + instances_ms?,
        })
    }

    /// The share of all processors that others took from this moment to a later one.
    fn others_until(&self, later: &Self) -> Option<f64> {
        let since = |of: fn(&ProcessorTime) -> u64| of(&later.machine).saturating_sub(of(&self.machine));
        let total_ms = since(|machine| machine.total_ms);
        // An instance that has ended is the lab's own time where it was a child, and is missing where it was not.
        let lab_ms = later.lab_ms.saturating_sub(self.lab_ms);
        let others_ms = since(|machine| machine.busy_ms).saturating_sub(lab_ms);
        (total_ms > 0).then(|| others_ms as f64 / total_ms as f64)
    }
}

/// From a first reading on.
pub(super) struct Others {
    asked: Option<JoinHandle<Option<Reading>>>,
    first: Option<Reading>,
}

impl Others {
    /// Takes the first reading, beside whatever comes next: an engine may take a while to tell.
    pub(super) fn watch(system: Arc<dyn System>) -> Self {
        Self {
            asked: Some(tokio::spawn(async move { Reading::of(&system.stats().await) })),
            first: None,
        }
    }

    /// The share of all processors that others took until now, when this is what the instances have used; none where that
    /// is not known.
    pub(super) async fn share(&mut self, instances: &[InstanceStats]) -> Option<f64> {
        if let Some(asked) = self.asked.take() {
            self.first = asked.await.ok().flatten();
        }
        self.first?.others_until(&Reading::of(instances)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(busy_ms: u64, total_ms: u64, lab_ms: u64) -> Reading {
        let machine = ProcessorTime {
            busy_ms,
            total_ms,
            own_ms: 0,
        };
        Reading { machine, lab_ms }
    }

    #[test]
    fn what_the_lab_did_not_use_was_used_by_others() {
        let first = reading(1_000, 10_000, 400);
        for (later, share) in [
            (reading(1_000, 10_000, 400), None),
            (reading(3_000, 14_000, 2_400), Some(0.0)),
            (reading(3_000, 14_000, 1_400), Some(0.25)),
            (reading(3_000, 14_000, 400), Some(0.5)),
            // Clocks of different grain can say that the lab used more than anybody did.
            (reading(3_000, 14_000, 3_400), Some(0.0)),
        ] {
            assert_eq!(first.others_until(&later), share, "{later:?}");
        }
    }
}
