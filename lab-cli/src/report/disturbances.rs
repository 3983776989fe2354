//! What disturbed a run: who, when, how long, and which measurements that falls into.

use scenarios::disturbance::{Disturbance, Sufferer, Trouble};
use scenarios::state::RunState;
use serde::{Deserialize, Serialize};

/// One disturbance as reports show it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Disturbed {
    who: Sufferer,
    what: Trouble,
    /// When it began, seconds since the run began.
    began_s: f64,
    /// How long it lasted, seconds; null where no end was seen or it has no length.
    lasted_s: Option<f64>,
    noticed: String,
    /// The same in words.
    words: String,
    /// The measurements that it falls into; empty where it fell into none.
    measurements: Vec<Measurement>,
}

/// One measurement of one arm.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Measurement {
    arm: String,
    round: u32,
}

/// All of a run, in the order in which they were noticed.
pub(super) fn disturbances(state: &RunState) -> Vec<Disturbed> {
    state.disturbances.iter().map(|told| disturbed(state, told)).collect()
}

/// One sentence for each.
pub(super) fn sentences(state: &RunState) -> Vec<String> {
    let sentence = |told: &Disturbed| {
        let within: Vec<String> = told
            .measurements
            .iter()
            .map(|measurement| format!("{}, round {}", measurement.arm, measurement.round))
            .collect();
        match within.is_empty() {
            true => format!("{}: while nothing was measured", told.words),
            false => format!("{}: while this was measured: {}", told.words, within.join("; ")),
        }
    };
    disturbances(state).iter().map(sentence).collect()
}

fn disturbed(state: &RunState, told: &Disturbance) -> Disturbed {
    let arms = state.info.iter().flat_map(|info| &info.plan.arms).zip(&state.arms);
    let rounds = arms.flat_map(|(plan, arm)| arm.rounds.iter().map(move |round| (plan, round)));
    let within = rounds.filter(|(_, round)| state.disturbances_of(round).any(|other| std::ptr::eq(other, told)));
    Disturbed {
        who: told.who.clone(),
        what: told.what,
        began_s: told.began_ms as f64 / 1e3,
        lasted_s: told.lasted_ms.map(|ms| ms / 1e3),
        noticed: told.noticed.clone(),
        words: told.words(),
        measurements: within
            .map(|(plan, round)| Measurement {
                arm: plan.label.clone(),
                round: round.round,
            })
            .collect(),
    }
}
