//! Carries out what a person does to a playground while it runs.

use compose::System;

use super::{actions, asked};
use crate::action::Command;

/// Does it to the system; a rate is the load's business.
pub(super) async fn carry_out(command: &Command, system: &dyn System) -> Result<(), String> {
    match command {
        Command::Rate { .. } => Ok(()),
        Command::Act(action) => actions::act(action, system).await,
        Command::Burn { instance, ms } => asked::burn(system, instance, *ms).await,
        Command::Slow { instance, slowness } => asked::slow(system, instance, *slowness).await,
    }
}
