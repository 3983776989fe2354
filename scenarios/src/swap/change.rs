//! What can change places in a run, and what a run is once it has.

use std::collections::BTreeSet;

use super::arranged::{arranged, exchanged};
use crate::expression::Expression;
use crate::format::{Document, Place, Planted};
use crate::plan::Plan;
use crate::state::RunState;

/// What is changed in the run before it is judged again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Two arms stand in each other's places.
    Arms([String; 2]),
    /// Two policies do, in every simulation that plays both.
    Policies([String; 2]),
    /// A planted fault stands in the place of an arm.
    Planted {
        /// Name of the fault.
        fault: String,
        /// The arm in whose place it stands.
        arm: String,
    },
}

/// What a scenario says of its arms for the swap law.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    /// Groups of arms that behave alike.
    pub alike: Vec<Vec<String>>,
    /// Planted faults, each with the arm in whose place it stands.
    pub planted: Vec<[String; 2]>,
}

impl Declared {
    /// What this scenario says.
    pub fn by(document: &Document) -> Self {
        let names = |group: &Vec<Place>| group.iter().map(Place::to_string).collect();
        let planted = |fault: &Planted| [fault.name.to_string(), fault.stands_in.to_string()];
        Self {
            alike: document.alike.iter().map(names).collect(),
            planted: document.planted.iter().map(planted).collect(),
        }
    }
}

/// How many arms have places of their own: a plan lists them first, and then the faults that are planted in their places.
pub(super) fn places(plan: &Plan) -> usize {
    plan.arms.iter().take_while(|arm| arm.stands_in.is_none()).count()
}

/// Every pair of arms, every pair of policies that one simulation plays, every planted fault, measured or not.
pub(super) fn all(plan: &Plan, declared: &Declared) -> Vec<Change> {
    let arms: Vec<&str> = plan.arms[..places(plan)].iter().map(|arm| arm.name.as_str()).collect();
    let mut policies = BTreeSet::new();
    for simulation in &plan.simulations {
        let mut played: Vec<&str> = simulation.policies.iter().map(String::as_str).collect();
        played.sort_unstable();
        policies.extend(pairs(&played));
    }
    let planted = declared.planted.iter().map(|[fault, arm]| Change::Planted {
        fault: fault.clone(),
        arm: arm.clone(),
    });
    let owned = |[one, other]: [&str; 2]| [one.to_owned(), other.to_owned()];
    let swaps = pairs(&arms).into_iter().map(|pair| Change::Arms(owned(pair)));
    let simulated = policies.into_iter().map(|pair| Change::Policies(owned(pair)));
    swaps.chain(simulated).chain(planted).collect()
}

fn pairs<'a>(names: &[&'a str]) -> Vec<[&'a str; 2]> {
    let later = |at: usize| names[at + 1..].iter().map(move |other| [names[at], *other]);
    (0..names.len()).flat_map(later).collect()
}

impl Change {
    /// Numbers of the checks that read what it changes.
    pub(super) fn reaches(&self, plan: &Plan) -> Vec<usize> {
        let reads = |expression: &Expression| match self {
            Self::Arms(arms) => arms.iter().any(|arm| expression.mentions(arm)),
            Self::Policies(_) => expression.mentions("simulated"),
            Self::Planted { arm, .. } => expression.mentions(arm),
        };
        let checks = plan.checks.iter().enumerate();
        let reached = checks.filter(|(_, check)| Expression::compile(&check.value).is_ok_and(|value| reads(&value)));
        reached.map(|(number, _)| number).collect()
    }

    /// The run with it.
    pub(super) fn of(&self, plan: &Plan, state: &RunState) -> (Plan, RunState) {
        let mut standing: Vec<usize> = (0..places(plan)).collect();
        let named = |name: &str| plan.arms.iter().position(|arm| arm.name == name);
        match self {
            Self::Arms([one, other]) => {
                if let (Some(one), Some(other)) = (named(one), named(other)) {
                    standing.swap(one, other);
                }
            }
            Self::Planted { fault, arm } => {
                if let (Some(fault), Some(arm)) = (named(fault), named(arm)) {
                    standing[arm] = fault;
                }
            }
            Self::Policies(_) => {}
        }
        let (plan, mut state) = arranged(plan, state, &standing);
        if let Self::Policies([one, other]) = self {
            state.simulated = exchanged(&state.simulated, [one, other]);
        }
        (plan, state)
    }

    /// The fault that would have to be there and was not measured.
    pub(super) fn missing(&self, plan: &Plan) -> Option<&str> {
        match self {
            Self::Planted { fault, .. } if plan.arms.iter().all(|arm| arm.name != *fault) => Some(fault),
            _ => None,
        }
    }

    /// Whether it exchanges two arms that are declared alike.
    pub(super) fn is_declared_alike(&self, declared: &Declared) -> bool {
        match self {
            Self::Arms(pair) => declared
                .alike
                .iter()
                .any(|group| pair.iter().all(|arm| group.contains(arm))),
            Self::Policies(_) | Self::Planted { .. } => false,
        }
    }

    /// What changes, in words.
    pub fn words(&self) -> String {
        match self {
            Self::Arms([one, other]) => format!("{one} and {other} change places"),
            Self::Policies([one, other]) => format!("{one} and {other} change places in the simulations"),
            Self::Planted { fault, arm } => format!("{fault} stands in the place of {arm}"),
        }
    }
}
