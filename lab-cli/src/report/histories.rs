//! What clients' histories were found to be, for every display: who did how much, which law held, and the pictures of
//! the first violations.

use history::{Diagram, Operation};
use scenarios::plan::ArmPlan;
use scenarios::state::{ArmState, RunState};
use scenarios::summary::{ArmSummary, InvariantSummary, OperationsSummary};
use scenarios::unit::Unit;
use serde::Serialize;

use super::words;

/// Headings of [`Row::cells`].
pub const HEADINGS: [&str; 8] = [
    "arm",
    "what the history shows",
    "operations",
    "ok",
    "refused",
    "unknown",
    "p50",
    "max",
];

/// One class of operations of one arm, over all rounds.
pub struct Row<'a> {
    /// Label of the arm and name of the class.
    pub name: String,
    operations: &'a OperationsSummary,
    laws: Vec<String>,
    is_broken: bool,
}

impl Row<'_> {
    /// Whether one of its laws was broken.
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// The row as texts, in the order of [`HEADINGS`].
    pub fn cells(&self) -> Vec<String> {
        let count = |number: Option<f64>| words::shown(number, Unit::Count);
        let operations = self.operations;
        vec![
            self.name.clone(),
            if self.laws.is_empty() {
                words::NOTHING.to_owned()
            } else {
                self.laws.join(", ")
            },
            count(operations.operations),
            count(operations.ok),
            count(operations.failed),
            count(operations.unknown),
            words::ms(operations.latency.p50),
            words::ms(operations.latency.max),
        ]
    }
}

/// A picture of what happened, step by step, and where it did.
pub struct Proof<'a> {
    /// Label of the arm, name of the law.
    pub title: String,
    /// What was found, in a sentence.
    pub message: &'a str,
    /// The picture.
    pub diagram: &'a Diagram,
}

/// Every class of operations of every arm, in the scenario's order; those of which nothing was seen are left out.
pub fn rows<'a>(arms: &'a [ArmSummary<'_>]) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for arm in arms {
        let seen = arm
            .operations
            .iter()
            .filter(|operations| operations.operations.is_some());
        rows.extend(seen.map(|operations| row(arm, operations)));
    }
    rows
}

/// The first violation of each law in each arm.
pub fn proofs(state: &RunState) -> Vec<Proof<'_>> {
    let mut proofs = Vec::new();
    for (plan, arm) in planned(state) {
        for law in &plan.invariants {
            let judged = arm.rounds.iter().flat_map(|round| &round.judged);
            let found = judged.filter(|judged| judged.name == law.name).find_map(|judged| {
                Some((
                    judged.judgement.violations.first()?.message.as_str(),
                    judged.diagram.as_ref()?,
                ))
            });
            if let Some((message, diagram)) = found {
                proofs.push(Proof {
                    title: format!("{}: {}", plan.label, law.invariant.title()),
                    message,
                    diagram,
                });
            }
        }
    }
    proofs
}

/// What happened to single orders across services: of each arm the first story with which something is wrong, or else the
/// last one.
pub fn stories(state: &RunState) -> Vec<Proof<'_>> {
    let mut stories = Vec::new();
    for (plan, arm) in planned(state) {
        let mut told = arm.rounds.iter().flat_map(|round| &round.stories);
        let wrong = told.clone().find(|story| story.wrong.is_some());
        if let Some(story) = wrong.or_else(|| told.next_back()) {
            stories.push(Proof {
                title: format!("{}: {}", plan.label, story.diagram.title),
                message: &story.diagram.caption,
                diagram: &story.diagram,
            });
        }
    }
    stories
}

/// Every operation as a line of JSON, with the arm and the round it belongs to; empty when there were none.
///
/// # Errors
/// When the writer fails, which none of these types can cause.
pub fn lines(state: &RunState) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Line<'a> {
        arm: &'a str,
        round: u32,
        #[serde(flatten)]
        operation: &'a Operation,
    }
    let mut text = String::new();
    for (plan, arm) in planned(state) {
        for round in &arm.rounds {
            for operation in &round.operations {
                let line = Line {
                    arm: &plan.name,
                    round: round.round,
                    operation,
                };
                text.push_str(&serde_json::to_string(&line)?);
                text.push('\n');
            }
        }
    }
    Ok(text)
}

fn planned(state: &RunState) -> impl Iterator<Item = (&ArmPlan, &ArmState)> {
    let arms = state
        .info
        .as_ref()
        .map(|info| info.plan.arms.as_slice())
        .unwrap_or_default();
    arms.iter().zip(&state.arms)
}

fn row<'a>(arm: &ArmSummary<'_>, operations: &'a OperationsSummary) -> Row<'a> {
    let laws = arm.invariants.iter().filter(|law| law.plan.of == operations.class);
    let is_broken = laws.clone().any(|law| law.seen > 0);
    Row {
        name: format!("{} · {}", arm.plan.label, operations.class),
        operations,
        laws: laws.map(found).collect(),
        is_broken,
    }
}

/// What came of a law over all rounds: `stock: broken 20×`, `stock: holds`, `stock: undecided`.
fn found(law: &InvariantSummary<'_>) -> String {
    let name = law.plan.invariant.title();
    match (law.seen, law.violations) {
        (0, Some(_)) => format!("{name}: holds"),
        (0, None) => format!("{name}: undecided"),
        (seen, _) => format!("{name}: broken {}×", words::count(seen)),
    }
}
