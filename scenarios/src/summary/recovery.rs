//! How long it took, after the last action, until requests were answered as before the first one.

use std::collections::BTreeMap;
use std::slice;

use super::driven::{driven_s, whole};
use crate::action::Acted;
use crate::event::SLICES_PER_S;
use crate::plan::ArmPlan;
use crate::state::RoundState;

/// Slices of the time in which good answers are counted: half a second.
const COUNTED: u32 = SLICES_PER_S / 2;
/// Slices that must have been measured before the first action: one second.
const BEFORE_MIN: u32 = SLICES_PER_S;
/// The share of the good answers of before that is as good as before, in percent: with whole numbers the comparison is
/// exact.
const RECOVERED_PERCENT: f64 = 95.0;

/// One class of requests in an arm whose actions are done under load.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovery {
    /// By round: seconds from the end of the last action to the start of the first half second in which at least 95 % as
    /// many requests per second were meant to start and were answered well as on average before the first action. None
    /// where there was no such half second, no action was done, or less than a second was measured before.
    pub rounds: Vec<Option<f64>>,
}

impl Recovery {
    /// What these rounds of an arm tell of a class; none where no action is done under load. Actions of an arm with clients
    /// are over before its loads begin.
    pub(super) fn of(plan: &ArmPlan, class: &str, rounds: &[RoundState]) -> Option<Self> {
        let acts = !plan.actions.is_empty() && plan.clients.is_empty();
        acts.then(|| Self {
            rounds: rounds.iter().map(|round| recovered_s(plan, class, round)).collect(),
        })
    }

    /// The mean over all rounds; none unless it is known of each.
    pub fn mean_s(&self) -> Option<f64> {
        let known: Option<Vec<f64>> = self.rounds.iter().copied().collect();
        let known = known.filter(|known| !known.is_empty())?;
        Some(known.iter().sum::<f64>() / known.len() as f64)
    }
}

fn recovered_s(plan: &ArmPlan, class: &str, round: &RoundState) -> Option<f64> {
    let is_done = |acted: &&Acted| acted.number.is_some() && acted.failure.is_none();
    let done = || round.actions.iter().filter(is_done);
    let began_s = done().map(|acted| acted.began_s).reduce(f64::min)?;
    let done_s = done().map(|acted| acted.done_s).reduce(f64::max)?;
    let mut good: BTreeMap<u32, u64> = BTreeMap::new();
    for ((index, _), slice) in &round.classes.get(class)?.slices {
        *good.entry(*index).or_default() += slice.ok;
    }
    let slices = |seconds: f64| seconds * f64::from(SLICES_PER_S);
    let (first, last) = (slices(began_s) as u32, slices(done_s).ceil() as u32);
    let end = slices(driven_s(&whole(plan), slice::from_ref(round))) as u32;
    let count = |from: u32, to: u32| good.range(from..to).map(|(_, good)| good).sum::<u64>() as f64;
    let before = count(0, first);
    if first < BEFORE_MIN || before <= 0.0 {
        return None;
    }
    let as_before = RECOVERED_PERCENT * before * f64::from(COUNTED);
    let is_as_before = |from: &u32| 100.0 * count(*from, from + COUNTED) * f64::from(first) >= as_before;
    // Where it is as before there is a slice with good answers.
    let ends_at = |slice: u32| (slice + 1).saturating_sub(COUNTED).max(last)..=slice;
    let mut starts = good.range(last..).flat_map(|(slice, _)| ends_at(*slice));
    let start = starts.find(|from| from + COUNTED <= end && is_as_before(from))?;
    Some(f64::from(start) / f64::from(SLICES_PER_S) - done_s)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use load::Slice;
    use proptest::prelude::*;

    use super::*;
    use crate::action::Command;
    use crate::catalog;
    use crate::plan::{Options, Plan};
    use crate::state::ClassState;

    /// The first arm of a lesson that does something under load.
    fn plan() -> ArmPlan {
        let options = Options {
            cores: 2,
            ..Options::default()
        };
        let mut plan = Plan::make(&catalog::scenario("health-checks").unwrap(), &options).unwrap();
        let acting = plan
            .arms
            .iter()
            .position(|arm| !arm.actions.is_empty() && arm.clients.is_empty());
        let mut arm = plan.arms.remove(acting.unwrap());
        arm.duration_s = 10.0;
        arm
    }

    fn acted(plan: &ArmPlan, number: usize, began_s: f64, done_s: f64) -> Acted {
        Acted {
            number: Some(number),
            command: Command::Act(plan.actions[0].clone()),
            planned_s: began_s,
            began_s,
            done_s,
            failure: None,
        }
    }

    /// A round of ten seconds in which so many requests of each slice were answered well.
    fn round(good: impl Fn(u32) -> u64, actions: &[Acted]) -> RoundState {
        let slice = |index: u32| {
            let slice = Slice {
                index,
                ok: good(index),
                ..Slice::default()
            };
            ((index, String::new()), slice)
        };
        let class = ClassState {
            slices: (0..100).map(slice).filter(|(_, slice)| slice.ok > 0).collect(),
            ..ClassState::default()
        };
        RoundState {
            load_s: 10.0,
            classes: BTreeMap::from([("read".to_owned(), class)]),
            actions: actions.to_vec(),
            ..RoundState::default()
        }
    }

    fn recovered_s(plan: &ArmPlan, round: RoundState) -> Option<f64> {
        Recovery::of(plan, "read", &[round]).unwrap().mean_s()
    }

    #[test]
    fn it_counts_from_the_end_of_the_last_action_and_against_the_time_before_the_first() {
        let plan = plan();
        let actions = [acted(&plan, 0, 3.0, 3.1), acted(&plan, 1, 5.0, 5.25)];
        let back_at = |from: u32| move |index: u32| if index < 30 || index >= from { 10 } else { 2 };
        let after = |from| recovered_s(&plan, round(back_at(from), &actions)).unwrap();
        assert!((after(70) - 1.75).abs() < 1e-9, "{}", after(70));
        // It was back before the last action was done: then from the next slice on.
        assert!((after(40) - 0.05).abs() < 1e-9, "{}", after(40));
    }

    #[test]
    fn a_half_second_must_be_as_good_as_a_whole_and_lie_within_the_load() {
        let plan = plan();
        let actions = [acted(&plan, 0, 2.0, 2.0)];
        let of = |good: fn(u32) -> u64| recovered_s(&plan, round(good, &actions));
        assert_eq!(of(|index| if index < 20 { 100 } else { 95 }), Some(0.0));
        assert_eq!(of(|index| if index < 20 { 100 } else { 94 }), None);
        // Few answers, then many: half a second that holds as many as before.
        assert_eq!(of(|index| if !(20..60).contains(&index) { 100 } else { 0 }), Some(4.0));
        assert_eq!(of(|index| if !(20..95).contains(&index) { 100 } else { 0 }), Some(7.5));
        assert_eq!(of(|index| if !(20..96).contains(&index) { 100 } else { 0 }), None);
    }

    #[test]
    fn what_was_not_measured_before_or_not_done_has_no_recovery() {
        let plan = plan();
        let steady = |actions: &[Acted]| recovered_s(&plan, round(|_| 10, actions));
        assert_eq!(steady(&[acted(&plan, 0, 0.9, 1.0)]), None, "less than a second before");
        assert_eq!(steady(&[acted(&plan, 0, 1.0, 1.0)]), Some(0.0));
        assert_eq!(steady(&[]), None);
        let failed = Acted {
            failure: Some("it was not there".to_owned()),
            ..acted(&plan, 0, 2.0, 2.0)
        };
        assert_eq!(steady(&[failed]), None);
        let silent_before = |index| if index < 20 { 0 } else { 10 };
        assert_eq!(
            recovered_s(&plan, round(silent_before, &[acted(&plan, 0, 2.0, 2.0)])),
            None
        );
        let steady = ArmPlan {
            actions: Vec::new(),
            ..plan
        };
        assert_eq!(Recovery::of(&steady, "read", &[]), None);
    }

    #[test]
    fn one_round_that_never_recovered_leaves_no_mean() {
        let of = |rounds: &[Option<f64>]| {
            Recovery {
                rounds: rounds.to_vec(),
            }
            .mean_s()
        };
        assert_eq!(of(&[Some(1.0), Some(2.0)]), Some(1.5));
        assert_eq!(of(&[Some(1.0), None]), None);
        assert_eq!(of(&[]), None);
    }

    /// The slice with which the first half second starts that is as good as before, looked for one start after the other.
    fn first_as_before(good: &[u64], first: usize, last: usize) -> Option<usize> {
        let before: u64 = good[..first].iter().sum();
        let is_as_before = |from: &usize| {
            let half: u64 = good[*from..from + 5].iter().sum();
            100 * half * first as u64 >= 95 * before * 5
        };
        (last..=good.len() - 5).find(is_as_before).filter(|_| before > 0)
    }

    static PLAN: LazyLock<ArmPlan> = LazyLock::new(plan);

    proptest! {
        #[test]
        fn it_is_the_first_half_second_that_is_as_good_as_before(
            usual in 0_u64..40,
            noise in prop::collection::vec(0_u64..3, 100),
            broken in prop::collection::vec(0_u64..40, 100),
            (first, took, back) in (10_usize..60, 1_usize..20, 0_usize..60),
        ) {
            let last = first + took;
            let is_broken = |slice: &usize| (first..last + back).contains(slice);
            let good: Vec<u64> = (0..100)
                .map(|slice| if is_broken(&slice) { broken[slice] } else { usual + noise[slice] })
                .collect();
            // A slice in which an action starts is not before it, and one in which it ends is not after it.
            let (began_s, done_s) = (first as f64 / 10.0 + 0.03, last as f64 / 10.0 - 0.02);
            let actions = [acted(&PLAN, 0, began_s, done_s)];
            let expected = first_as_before(&good, first, last).map(|slice| slice as f64 / 10.0 - done_s);
            prop_assert_eq!(recovered_s(&PLAN, round(|slice| good[slice as usize], &actions)), expected);
        }
    }
}
