//! `lab clean`: what runs left behind. The lab also does it before every run.

use std::path::Path;
use std::time::Duration;

use compose::{Leftover, SystemRecord};

use super::up_folders;
use crate::failure::{Exit, Failure};
use crate::{home, in_progress, output, recording};

/// How long the end of one system may take when the lab is told twice to end.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// Removes what dead labs left behind, and recordings when asked for.
///
/// # Errors
/// When something cannot be removed.
pub async fn run(recordings: bool) -> Result<Exit, Failure> {
    let state = home::state_folder()?;
    let cleaned = leftovers(&state).await?;
    let removed = unrecorded(&state).await?;
    if cleaned == Cleaned::default() && removed == 0 {
        outln!("Nothing was left behind.");
    }
    let records = compose::records(&state)?;
    for unreadable in &records.unreadable {
        errln!("warning: {unreadable}; what it stands for, if anything, is left alone");
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

/// Removes what no record tells of, and says so; how many things that were.
async fn unrecorded(state: &Path) -> Result<usize, Failure> {
    let systems = compose::backend::docker::remove_unrecorded(state).await?;
    if systems > 0 {
        outln!("removed the containers of {systems} systems that had no record any more");
    }
    let processes = compose::end_unrecorded(state)?;
    if processes > 0 {
        outln!("ended {processes} processes of systems that had no record any more");
    }
    let drafts = compose::private::remove_drafts(&state.join("systems"))? + compose::private::remove_drafts(state)?;
    if drafts > 0 {
        outln!("removed {drafts} files that were not written to their end");
    }
    let folders = up_folders::remove_abandoned(state)?;
    for folder in &folders {
        outln!("removed {}, of a system that is not up", folder.display());
    }
    Ok(systems + processes + drafts + folders.len())
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

/// How many systems were left behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Those that are gone now.
    pub removed: usize,
    /// Those that stay until their engine answers again.
    pub kept: usize,
}

/// Ends what runs of systems whose lab has died, and forgets them. Systems of a running lab and those that `lab up` left
/// on purpose are not touched. An engine that does not answer is no error: a run without it can do without.
///
/// # Errors
/// When a process does not end or a record cannot be removed.
pub async fn leftovers(state: &Path) -> Result<Cleaned, Failure> {
    let mut cleaned = Cleaned::default();
    for leftover in compose::leftovers(state).await? {
        match leftover.clean().await {
            Ok(()) => cleaned.removed += 1,
            Err(error @ (compose::Error::NoEngine { .. } | compose::Error::EngineGone { .. })) => {
                output::warn(&format!(
                    "{} was left behind and cannot be removed: {error}",
                    leftover.record.run_id
                ));
                cleaned.kept += 1;
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        let running = if leftover.running.is_empty() {
            "its record".to_owned()
        } else {
            format!("{} still running", leftover.running.join(", "))
        };
        errln!(
            "cleaned up after {}, which ended without warning: {running}",
            leftover.record.run_id
        );
    }
    Ok(cleaned)
}

/// Ends this process's own systems at once, when it ends without waiting for the run. Blocks until it is done, on a
/// thread of its own, so it can be called from anywhere.
pub fn own_systems(state: &Path) {
    let state = state.to_owned();
    let ending = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let (Ok(runtime), Ok(records)) = (runtime, compose::records(&state)) else {
            return;
        };
        let own = |record: &SystemRecord| record.lab.pid == std::process::id() && !record.detached;
        for record in records.systems.into_iter().filter(own) {
            let running = Vec::new();
            let left = Leftover { record, running };
            // The process ends here: what cannot be removed now, the next start removes.
            let _ = runtime.block_on(async { tokio::time::timeout(END_TIMEOUT, left.clean()).await });
        }
    });
    let _ = ending.join();
    compose::dismiss_keeper();
}
