//! How long a run takes: what is expected of it while it goes on, and what it has taught once it is over.

use std::collections::BTreeMap;

use super::RunState;
use crate::plan::{Expected, Learned, Plan};

impl RunState {
    /// About how long the whole run takes, seconds, as far as is known by now: turns that are over count as long as they
    /// took. 0 before the first event.
    #[must_use]
    pub fn expected_s(&self) -> f64 {
        let Some(info) = &self.info else { return 0.0 };
        let plan = &info.plan;
        let before = || Expected::of(plan, None);
        let expected = info.expected.clone().unwrap_or_else(before);
        let elapsed_s = seconds(self.elapsed_ms);
        match (&self.now, self.round_now()) {
            (Some(now), Some(round)) => {
                let began_s = seconds(round.began_ms);
                let turn_s = expected.of_arm_s(now.arm).max(elapsed_s - began_s);
                began_s + turn_s + expected.from_turn_s(plan, now.turn + 1)
            }
            _ if self.ended.is_some() => elapsed_s,
            _ => {
                let ended_s = self.last_end_ms().map_or(0.0, seconds);
                (ended_s + expected.from_turn_s(plan, self.turns_done)).max(elapsed_s)
            }
        }
    }

    /// What the run has taught of the length of the next one; nothing where it was not done to its end, where something
    /// disturbed it, or where it has none.
    #[must_use]
    pub fn learned(&self) -> Option<Learned> {
        let plan = &self.info.as_ref()?.plan;
        let ended = self.ended.as_ref()?;
        let whole = !ended.interrupted && ended.failure.is_none() && self.turns_done == plan.turns.len();
        if !whole || plan.keep_s.is_some() || !self.disturbances.is_empty() {
            return None;
        }
        let arms =
            (0..plan.arms.len()).filter_map(|arm| Some((plan.arms[arm].name.clone(), self.beside_s(plan, arm)?)));
        let turns_end_ms = self.last_end_ms().unwrap_or_default();
        Some(Learned {
            beside_s: BTreeMap::from_iter(arms),
            after_s: seconds(self.elapsed_ms.saturating_sub(turns_end_ms)),
        })
    }

    /// What the measurements of an arm took beside what the plan asks for, seconds, on average.
    fn beside_s(&self, plan: &Plan, arm: usize) -> Option<f64> {
        let rounds = self.arms.get(arm)?.rounds.iter();
        let took_s: Vec<f64> = rounds
            .filter_map(|round| Some(seconds(round.ended_ms?.saturating_sub(round.began_ms))))
            .collect();
        let mean_s = took_s.iter().sum::<f64>() / took_s.len() as f64;
        (!took_s.is_empty()).then(|| plan.beside_s(arm, mean_s))
    }

    fn last_end_ms(&self) -> Option<u64> {
        let rounds = self.arms.iter().flat_map(|arm| &arm.rounds);
        rounds.filter_map(|round| round.ended_ms).max()
    }
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1e3
}
