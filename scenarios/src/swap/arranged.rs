//! Who stands where: a run in which arms have changed places, made from the run as it was.

use crate::event::Simulated;
use crate::plan::{ArmPlan, Plan, Turn};
use crate::state::{ArmState, RunState};

/// The run in whose place `i` stands the arm `standing[i]` with all that is planned for it and all that was measured of it,
/// under the name and the label of the arm whose place it is. Arms that stand nowhere are not part of it.
///
/// # Panics
/// Where `standing` names an arm that the plan does not have.
pub fn arranged(plan: &Plan, state: &RunState, standing: &[usize]) -> (Plan, RunState) {
    let in_place = |(place, stands): (usize, &usize)| ArmPlan {
        name: plan.arms[place].name.clone(),
        label: plan.arms[place].label.clone(),
        stands_in: plan.arms[place].stands_in.clone(),
        ..plan.arms[*stands].clone()
    };
    let moved = |turn: &Turn| {
        let place = standing.iter().position(|stands| *stands == turn.arm)?;
        Some(Turn { arm: place, ..*turn })
    };
    let measured = |stands: &usize| state.arms.get(*stands).cloned().unwrap_or_default();
    let arms: Vec<ArmState> = standing.iter().map(measured).collect();
    let plan = Plan {
        arms: standing.iter().enumerate().map(in_place).collect(),
        turns: plan.turns.iter().filter_map(moved).collect(),
        ..plan.clone()
    };
    (plan, state.with_arms(arms))
}

/// What was simulated, with two policies in each other's places wherever both were played.
pub fn exchanged(simulated: &[Simulated], policies: [&str; 2]) -> Vec<Simulated> {
    let [one, other] = policies;
    let exchange = |simulated: &Simulated| {
        let mut simulated = simulated.clone();
        let plays = |policy: &str| simulated.points.iter().any(|point| point.policy == policy);
        if plays(one) && plays(other) {
            for point in &mut simulated.points {
                if point.policy == one {
                    other.clone_into(&mut point.policy);
                } else if point.policy == other {
                    one.clone_into(&mut point.policy);
                }
            }
        }
        simulated
    };
    simulated.iter().map(exchange).collect()
}
