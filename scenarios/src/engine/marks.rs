//! What was done to the system meanwhile, as marks in the picture of a proof.

use history::{ActionKind, Mark};

use crate::action::{Acted, Command};
use crate::plan::ActionSpec;
use crate::state::RoundState;

/// A mark for each action that was done.
pub(super) fn all(round: &RoundState) -> Vec<Mark> {
    let done = round.actions.iter().filter(|acted| acted.failure.is_none());
    done.map(|acted| Mark {
        at_ns: (acted.effect_s() * 1e9) as u64,
        instances: concerned(acted, round),
        kind: acted.command.kind(),
        label: acted.words(),
    })
    .collect()
}

/// The instances that it was done to: one, all of a service, or those at both ends of a way.
fn concerned(acted: &Acted, round: &RoundState) -> Vec<String> {
    let of = |services: &[&str]| {
        let those = round.instances.iter();
        let those = those.filter(|instance| services.contains(&instance.service.as_str()));
        those.map(|instance| instance.name.clone()).collect()
    };
    match &acted.command {
        Command::Act(ActionSpec { link: Some(link), .. }) => of(&[&link.from, &link.to]),
        Command::Act(action) => match acted.command.kind() {
            ActionKind::Scale | ActionKind::Policy => of(&[&action.target]),
            _ => vec![action.target.clone()],
        },
        Command::Burn { instance, .. } | Command::Slow { instance, .. } => vec![instance.clone()],
        Command::Rate { .. } => Vec::new(),
    }
}
