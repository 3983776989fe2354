//! What was done to the systems, and when, as rows of a table.

use scenarios::action::Acted;
use scenarios::state::RunState;

/// The first three columns hold words.
pub(super) const HEADINGS: [&str; 7] = ["arm", "what was done", "outcome", "round", "planned", "begun", "done"];

/// One row for each action of each round. Times are seconds after the load, or the clients' part, began.
pub(super) fn rows(state: &RunState) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let plans = state.info.iter().flat_map(|info| &info.plan.arms);
    for (plan, arm) in plans.zip(&state.arms) {
        for round in &arm.rounds {
            for acted in &round.actions {
                let planned = acted.number.map(|_| acted.planned_s);
                let mut row = vec![
                    plan.label.clone(),
                    format!("{} {}", acted.command.kind().sign(false), acted.words()),
                    outcome(acted),
                    round.round.to_string(),
                    planned.map_or_else(|| "by hand".to_owned(), seconds),
                ];
                row.extend([acted.began_s, acted.done_s].map(seconds));
                rows.push(row);
            }
        }
    }
    rows
}

fn outcome(acted: &Acted) -> String {
    match &acted.failure {
        None => "done".to_owned(),
        Some(why) => format!("failed: {why}"),
    }
}

fn seconds(at_s: f64) -> String {
    format!("{at_s:.3} s")
}
