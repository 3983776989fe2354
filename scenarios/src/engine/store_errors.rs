//! Failures of databases that instances count though neither they nor their clients are to blame: a disk that is full or
//! broken, a file that somebody else holds. What was measured then is not what the system does.

use std::collections::BTreeMap;

use crate::event::InstanceGauges;
use crate::state::RoundState;

/// What the counters showed so far. An instance starts with none.
#[derive(Default)]
pub(super) struct StoreErrors {
    /// By instance and reason.
    known: BTreeMap<(String, String), u64>,
}

impl StoreErrors {
    /// Whose database failed since the reading before, and how that shows. A pause or a kill may leave the file locked: a
    /// lock after an action may have been asked for.
    pub(super) fn read(&mut self, all: &[InstanceGauges], round: &RoundState) -> Vec<(String, String)> {
        let mut failed = Vec::new();
        for (gauges, (reason, count)) in all
            .iter()
            .flat_map(|gauges| gauges.store_errors.iter().map(move |counted| (gauges, counted)))
        {
            let key = (gauges.instance.clone(), reason.clone());
            let before = self.known.insert(key, *count).unwrap_or(0);
            // A counter that fell is of another process.
            let grown = count.checked_sub(before).unwrap_or(*count);
            let asked_for = reason == "locked" && !round.actions.is_empty();
            if grown > 0 && !asked_for {
                failed.push((gauges.instance.clone(), words(reason, grown)));
            }
        }
        failed
    }
}

fn words(reason: &str, times: u64) -> String {
    let reason = match reason {
        "locked" => "the database was locked",
        "full" => "the disk was full",
        "io_error" => "the disk failed",
        "read_only" => "the database could only be read",
        "corrupt" => "the database was damaged",
        "cannot_open" => "the database could not be opened",
        other => other,
    };
    let times = match times {
        1 => "once".to_owned(),
        times => format!("{times} times"),
    };
    format!("it says so itself: {reason}, {times}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{Acted, Command};

    fn says(reason: &str, count: u64) -> Vec<InstanceGauges> {
        vec![InstanceGauges {
            instance: "users-1".to_owned(),
            in_flight: None,
            lag_ms: None,
            silent: false,
            standstill_ms: None,
            store_errors: [(reason.to_owned(), count)].into(),
        }]
    }

    #[test]
    fn every_growth_is_told_once_and_a_new_process_counts_from_nothing() {
        let round = RoundState::default();
        let mut errors = StoreErrors::default();
        let mut told = |count| {
            let failed = errors.read(&says("full", count), &round);
            failed.into_iter().map(|(_, how)| how).collect::<Vec<_>>()
        };
        assert_eq!(told(0), [""; 0]);
        assert_eq!(told(2), ["it says so itself: the disk was full, 2 times"]);
        assert_eq!(told(2), [""; 0]);
        assert_eq!(told(1), ["it says so itself: the disk was full, once"]);
    }

    #[test]
    fn a_lock_that_an_action_may_have_left_is_asked_for_and_a_full_disk_is_not() {
        let round = RoundState {
            actions: vec![Acted {
                number: None,
                command: Command::Burn {
                    instance: "users-2".to_owned(),
                    ms: 100,
                },
                planned_s: 0.0,
                began_s: 0.0,
                done_s: 0.0,
                failure: None,
            }],
            ..RoundState::default()
        };
        let read = |reason| StoreErrors::default().read(&says(reason, 1), &round).len();
        assert_eq!((read("locked"), read("full")), (0, 1));
    }
}
