//! What a run did not measure: stated, so that nobody reads more out of its numbers than is in them.

use scenarios::event::StepOutcome;
use scenarios::plan::Plan;
use scenarios::state::{RoundState, RunState};
use scenarios::summary::{ArmSummary, RunSummary};

use super::words::count;

/// One sentence for each gap; none for a complete run.
pub(super) fn gaps(summary: &RunSummary<'_>) -> Vec<String> {
    let state = summary.state;
    let Some(info) = &state.info else {
        return vec!["Everything: the recording has no start of a run.".to_owned()];
    };
    let mut all = Vec::new();
    ending(state, &mut all);
    left_out(&info.plan, &mut all);
    turns(&info.plan, state, &mut all);
    for arm in &summary.arms {
        of_arm(arm, &mut all);
    }
    let undecided = info
        .plan
        .checks
        .iter()
        .filter(|check| !state.checks.iter().any(|done| done.name == check.name));
    all.extend(undecided.map(|check| format!("The check \"{}\" was never decided.", check.name)));
    all
}

/// What could not be measured with the parameters of this run.
fn left_out(plan: &Plan, all: &mut Vec<String>) {
    for out in &plan.left_out {
        all.push(format!("Left out: {}.", out.words()));
    }
    for check in &plan.undecided {
        all.push(format!("The check \"{check}\" speaks of an arm that was left out."));
    }
}

fn ending(state: &RunState, all: &mut Vec<String>) {
    match &state.ended {
        None => all.push("The run has no end: whatever came after the last recorded event is unknown.".to_owned()),
        Some(ended) => {
            if ended.interrupted {
                all.push("The run was interrupted by hand.".to_owned());
            }
            if let Some(failure) = &ended.failure {
                all.push(format!("The run could not go on: {failure}"));
            }
        }
    }
    if state.missing_events > 0 {
        all.push(format!(
            "{} events are missing from the recording: every count may be too small.",
            count(state.missing_events)
        ));
    }
}

fn turns(plan: &Plan, state: &RunState, all: &mut Vec<String>) {
    for turn in &plan.turns {
        let Some(arm) = plan.arms.get(turn.arm) else {
            continue;
        };
        let measured = state
            .arms
            .get(turn.arm)
            .and_then(|arm| arm.rounds.iter().find(|r| r.round == turn.round));
        match measured {
            None => all.push(format!("{}, round {}: not measured.", arm.label, turn.round)),
            Some(round) if !round.complete => all.push(format!(
                "{}, round {}: cut short after {:.1} s of load.",
                arm.label, turn.round, round.load_s
            )),
            Some(_) => {}
        }
    }
}

fn of_arm(arm: &ArmSummary<'_>, all: &mut Vec<String>) {
    let label = &arm.plan.label;
    for class in arm.classes.iter().filter(|_| !arm.rounds.is_empty()) {
        let sent = class.counts.sent.unwrap_or(0);
        let unsent = class.counts.scheduled.unwrap_or(0).saturating_sub(sent);
        if unsent > 0 {
            all.push(format!(
                "{label}, {}: {} scheduled requests were never sent.",
                class.name,
                count(unsent)
            ));
        }
        let open = sent.saturating_sub(class.answered());
        if open > 0 {
            all.push(format!(
                "{label}, {}: {} requests had no result yet when the measurement ended.",
                class.name,
                count(open)
            ));
        }
        if class.counts.ok.unwrap_or(0) == 0 {
            all.push(format!("{label}, {}: no good answer, hence no latency.", class.name));
        }
    }
    for round in arm.rounds {
        of_round(label, round, all);
    }
    searches(arm, all);
}

fn of_round(label: &str, round: &RoundState, all: &mut Vec<String>) {
    for action in &round.actions {
        if let Some(failure) = &action.failure {
            all.push(format!(
                "{label}, round {}: \"{}\" was not done: {failure}",
                round.round,
                action.words()
            ));
        }
    }
    for crash in &round.crashes {
        all.push(format!(
            "{label}, round {}: an instance died though nobody asked for it: {crash}",
            round.round
        ));
    }
}

fn searches(arm: &ArmSummary<'_>, all: &mut Vec<String>) {
    for search in &arm.searches {
        for (round, found) in &search.rounds {
            let place = format!("{}, search {}, round {round}", arm.plan.label, search.plan.class);
            if found.within_per_s.is_none() {
                all.push(format!("{place}: no tried rate met the objective."));
            } else if found.beyond_per_s.is_none() {
                all.push(format!(
                    "{place}: every tried rate met the objective, so the limit is higher."
                ));
            }
            let unknown = found
                .steps
                .iter()
                .filter(|step| step.outcome == StepOutcome::NoEvidence)
                .count();
            if unknown > 0 {
                all.push(format!(
                    "{place}: steps that say nothing, since the generator was late, something disturbed them, or answers \
                     stayed away: {unknown}."
                ));
            }
        }
    }
}
