//! A run held to the swap law: every change of places, what the checks say of it, and what is wrong with the scenario.

use std::ops::ControlFlow;

use super::arranged::arranged;
use super::change::{self, Change, Declared};
use super::seen::{self, Seen};
use crate::checks;
use crate::plan::Plan;
use crate::state::RunState;
use crate::verdict::{CheckOutcome, Verdict};

/// A change, and what the checks that it can reach say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// What was changed.
    pub change: Change,
    /// Whether the scenario says that the two behave alike.
    pub declared_alike: bool,
    /// Numbers of checks of the plan, and what each says now.
    pub seen: Vec<(usize, Seen)>,
    /// Whether a check that could have told did not pass in the run itself, so that it was not asked.
    pub some_missing: bool,
}

/// What is wrong with a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No check tells two arms apart, and the scenario does not say that they are alike.
    Same([String; 2]),
    /// Nothing disturbs a check.
    Idle {
        /// The check.
        check: String,
    },
    /// No check notices a planted fault.
    Unnoticed {
        /// The fault.
        fault: String,
        /// The arm in whose place it stood.
        arm: String,
    },
}

/// A run held to the swap law.
#[derive(Debug, Clone, PartialEq)]
pub struct Examined {
    /// The checks of the run as it was, the lab's own among them.
    pub before: Vec<CheckOutcome>,
    /// The scenario's own checks, by their numbers: name, and whether it passed before anything was changed.
    pub checks: Vec<(String, bool)>,
    /// Every change.
    pub changes: Vec<Changed>,
}

/// Holds a run to the swap law. `told` hears after each change how many of how many are judged, and may break off: then there
/// is no result. A declared fault that was not measured, as in the recording of a usual run, leaves open what it could disturb.
pub fn examine(
    plan: &Plan,
    state: &RunState,
    declared: &Declared,
    mut told: impl FnMut(usize, usize) -> ControlFlow<()>,
) -> Option<Examined> {
    let standing: Vec<usize> = (0..change::places(plan)).collect();
    let (own_plan, own_state) = arranged(plan, state, &standing);
    let before = checks::decide(&own_plan, &own_state);
    let own = &before[before.len() - own_plan.checks.len()..];
    let passed = |check: &CheckOutcome| (check.name.clone(), check.verdict == Verdict::Pass);
    let checks: Vec<(String, bool)> = own.iter().map(passed).collect();
    let all = change::all(plan, declared);
    let mut changes = Vec::new();
    for change in &all {
        let reached = change.reaches(&own_plan).into_iter();
        let (asked, missing): (Vec<usize>, Vec<usize>) = reached.partition(|number| checks[*number].1);
        let seen = match (asked.as_slice(), change.missing(plan)) {
            ([], _) => Vec::new(),
            (asked, Some(fault)) => {
                let why = Seen::Unclear(format!(
                    "{fault}, which is planted in this scenario, is no part of this run"
                ));
                asked.iter().map(|check| (*check, why.clone())).collect()
            }
            (asked, None) => {
                let (plan, state) = change.of(plan, state);
                seen::of(&plan, &state, asked)
            }
        };
        changes.push(Changed {
            declared_alike: change.is_declared_alike(declared),
            seen,
            some_missing: !missing.is_empty(),
            change: change.clone(),
        });
        if told(changes.len(), all.len()).is_break() {
            return None;
        }
    }
    Some(Examined {
        before,
        checks,
        changes,
    })
}

impl Changed {
    /// The checks that certainly notice it.
    pub fn disturbed(&self) -> impl Iterator<Item = (usize, &str, &str)> {
        self.seen.iter().filter_map(|(number, seen)| match seen {
            Seen::Disturbed { measured, expected } => Some((*number, measured.as_str(), expected.as_str())),
            _ => None,
        })
    }

    /// The checks of which nobody can say whether they notice it, with the reason.
    pub fn unclear(&self) -> impl Iterator<Item = (usize, &str)> {
        self.seen.iter().filter_map(|(number, seen)| match seen {
            Seen::Unclear(why) => Some((*number, why.as_str())),
            _ => None,
        })
    }

    /// Whether the run would not pass with it. A check that finds no figure has nothing to decide, so its run does not pass
    /// either.
    pub fn is_told(&self) -> bool {
        let tells = |seen: &Seen| matches!(seen, Seen::Disturbed { .. } | Seen::Absent);
        self.seen.iter().any(|(_, seen)| tells(seen))
    }

    /// Whether it may be that the run would not pass with it.
    fn is_open(&self) -> bool {
        !self.is_told() && (self.some_missing || self.unclear().next().is_some())
    }
}

impl Examined {
    /// What is wrong with the scenario, as far as this run can say.
    pub fn faults(&self) -> Vec<Fault> {
        let of_changes = self.changes.iter().filter_map(|changed| self.fault_of(changed));
        let idle = (0..self.checks.len()).filter(|number| self.is_idle(*number));
        let idle = idle.map(|number| Fault::Idle {
            check: self.checks[number].0.clone(),
        });
        of_changes.chain(idle).collect()
    }

    fn fault_of(&self, changed: &Changed) -> Option<Fault> {
        match &changed.change {
            _ if changed.declared_alike || changed.is_told() || changed.is_open() => None,
            Change::Arms(arms) => Some(Fault::Same(arms.clone())),
            Change::Planted { fault, arm } => Some(Fault::Unnoticed {
                fault: fault.clone(),
                arm: arm.clone(),
            }),
            // Nobody says that two policies of a simulation must be told apart.
            Change::Policies(_) => None,
        }
    }

    /// Whether a check passed, and certainly nothing disturbs it.
    fn is_idle(&self, check: usize) -> bool {
        self.checks[check].1 && !self.is_disturbed(check) && self.openings_of(check).next().is_none()
    }

    /// How many checks something certainly disturbs.
    pub fn disturbed(&self) -> usize {
        (0..self.checks.len()).filter(|check| self.is_disturbed(*check)).count()
    }

    /// Whether something certainly disturbs a check.
    fn is_disturbed(&self, check: usize) -> bool {
        let mut changes = self.changes.iter();
        changes.any(|changed| changed.disturbed().any(|(number, _, _)| number == check))
    }

    /// Why it is open whether a change disturbs a check.
    fn openings_of(&self, check: usize) -> impl Iterator<Item = &str> {
        let all = self.changes.iter().flat_map(Changed::unclear);
        all.filter(move |(number, _)| *number == check).map(|(_, why)| why)
    }

    /// What this run cannot say, each in one sentence.
    pub fn open(&self) -> Vec<String> {
        let failed = self.before.iter().filter(|check| check.verdict != Verdict::Pass);
        let failed = failed.map(|check| format!("\"{}\" does not pass before any swap: {}", check.name, check.why));
        let arms = self
            .changes
            .iter()
            .filter(|changed| changed.is_open() && !changed.declared_alike);
        let arms = arms.filter(|changed| !matches!(changed.change, Change::Policies(_)));
        let arms = arms.map(|changed| {
            let why = changed
                .unclear()
                .next()
                .map_or("a check that may tell does not pass", |(_, why)| why);
            format!("{}, and nothing notices for certain: {why}", changed.change.words())
        });
        let checks = (0..self.checks.len()).filter(|check| self.checks[*check].1 && !self.is_disturbed(*check));
        let checks = checks.filter_map(|check| {
            let why = self.openings_of(check).next()?;
            Some(format!(
                "\"{}\" is disturbed by nothing for certain: {why}",
                self.checks[check].0
            ))
        });
        failed.chain(arms).chain(checks).collect()
    }

    /// Whether the scenario keeps the swap law.
    pub fn verdict(&self) -> Verdict {
        if !self.faults().is_empty() {
            Verdict::Fail
        } else if self.open().is_empty() {
            Verdict::Pass
        } else {
            Verdict::Inconclusive
        }
    }
}

impl Fault {
    /// What is wrong, and what to do about it, in words.
    pub fn words(&self) -> String {
        match self {
            Self::Same([one, other]) => format!(
                "no check tells {one} from {other}: sharpen one, or declare alike = [[\"{one}\", \"{other}\"]] and let the lesson say so"
            ),
            Self::Idle { check } => {
                format!(
                    "no swap disturbs \"{check}\": let it decide something, or plant a fault that it must find ([[planted]])"
                )
            }
            Self::Unnoticed { fault, arm } => format!("no check notices {fault} in the place of {arm}"),
        }
    }
}
