//! `lab play`: a system under steady load that keys change.

use crate::arguments::Play;
use crate::failure::{Exit, Failure};
use crate::job::playground;
use crate::{home, leftovers, tui};

/// Opens the playground.
///
/// # Errors
/// When there is no such scenario or arm, nothing to play with, or no terminal.
pub async fn run(arguments: &Play) -> Result<Exit, Failure> {
    let job = playground::of(arguments)?;
    let state_folder = home::state_folder()?;
    leftovers::remove(&state_folder).await?;
    tui::play(job, state_folder).await
}
