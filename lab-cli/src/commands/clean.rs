//! `lab clean`: what runs left behind. The lab also does it before every run.

use std::path::Path;

use crate::failure::{Exit, Failure};
use crate::leftovers::{self, Cleaned};
use crate::{backends, home, in_progress, recording, up_folders};

/// Removes what dead labs left behind, and recordings when asked for.
///
/// # Errors
/// When something cannot be removed.
pub async fn run(recordings: bool) -> Result<Exit, Failure> {
    let state = home::state_folder()?;
    let cleaned = leftovers::remove(&state).await?;
    let removed = unrecorded(&state).await?;
    if cleaned == Cleaned::default() && removed == 0 {
        outln!("Nothing was left behind.");
    }
    let records = compose::records(&state)?;
    for unreadable in &records.unreadable {
        errln!("warning: {unreadable}; what it stands for, if anything, is left alone");
    }
    let registry = backends::registry()?;
    for foreign in records.systems.iter().filter_map(|record| registry.of(record).err()) {
        outln!("left alone: {foreign}");
    }
    for record in records.elsewhere {
        let host = record
            .machine
            .map_or_else(String::new, |machine| format!(" of the machine {}", machine.host));
        outln!(
            "left alone: {}{host}, which is not for this folder of this machine to judge",
            record.run_id
        );
    }
    if cleaned.kept > 0 {
        return Err(Failure::environment(format!(
            "{} of the systems that were left behind could not be removed",
            cleaned.kept
        )));
    }
    if recordings {
        remove_recordings(&state)?;
    }
    Ok(Exit::Pass)
}

/// Removes what no record tells of, and says so; how many kinds of things that were.
async fn unrecorded(state: &Path) -> Result<usize, Failure> {
    let mut removed = 0;
    for backend in backends::registry()?.all()? {
        if let Some(what) = backend.clean_unrecorded(state).await? {
            outln!("{what}");
            removed += 1;
        }
    }
    let drafts = compose::private::remove_drafts(&state.join("systems"))? + compose::private::remove_drafts(state)?;
    if drafts > 0 {
        outln!("removed {drafts} files that were not written to their end");
    }
    let folders = up_folders::remove_abandoned(state)?;
    for folder in &folders {
        outln!("removed {}, of a system that is not up", folder.display());
    }
    Ok(removed + drafts + folders.len())
}

/// Removes all recorded runs but those in progress and those whose system is still up.
fn remove_recordings(state: &Path) -> Result<(), Failure> {
    if !home::runs_folder(state).exists() {
        outln!("Removed 0 recorded runs.");
        return Ok(());
    }
    let _nobody_starts = home::runs_lock(state)?;
    let records = compose::records(state)?;
    let is_up = |folder: &Path| {
        let mut systems = records.systems.iter().chain(&records.elsewhere);
        systems.any(|record| std::path::absolute(folder).is_ok_and(|folder| record.folder.starts_with(folder)))
    };
    let mut removed = 0;
    for folder in recording::all(state)? {
        let why = if in_progress::is_in_progress(&folder)? {
            "it is in progress"
        } else if is_up(&folder) {
            "its system is up; lab down ends it"
        } else if !records.unreadable.is_empty() {
            "it may be that of a record that cannot be read"
        } else {
            std::fs::remove_dir_all(&folder)
                .map_err(|error| Failure::environment(format!("cannot remove {}: {error}", folder.display())))?;
            removed += 1;
            continue;
        };
        outln!("left alone: {}: {why}", folder.display());
    }
    outln!("Removed {removed} recorded runs.");
    Ok(())
}
