//! The time of a load that was really driven.

use crate::plan::{ArmPlan, WindowSpec};
use crate::state::RoundState;

/// The whole load of an arm, as a window without a name.
pub(super) fn whole(plan: &ArmPlan) -> WindowSpec {
    WindowSpec {
        name: String::new(),
        from_s: 0.0,
        to_s: plan.duration_s,
    }
}

/// Seconds of a window that were really driven; waiting for late answers after the load does not count. An arm without a
/// planned length (0) counts all.
pub(super) fn driven_s(window: &WindowSpec, rounds: &[RoundState]) -> f64 {
    let end = |round: &RoundState| {
        if window.to_s > 0.0 {
            window.to_s.min(round.load_s)
        } else {
            round.load_s
        }
    };
    rounds.iter().map(|round| (end(round) - window.from_s).max(0.0)).sum()
}
