//! `lab clean`: what runs left behind. The lab also does it before every run.

use std::path::Path;

use super::up_folders;
use crate::failure::{Exit, Failure};
use crate::{home, recording};

/// Removes what dead labs left behind, and recordings when asked for.
///
/// # Errors
/// When something cannot be removed.
pub async fn run(recordings: bool) -> Result<Exit, Failure> {
    let state = home::state_folder()?;
    let cleaned = leftovers(&state).await?;
    let folders = up_folders::remove_abandoned(&state)?;
    for folder in &folders {
        println!("removed {}, of a system that is not up", folder.display());
    }
    if cleaned == 0 && folders.is_empty() {
        println!("Nothing was left behind.");
    }
    if recordings {
        let folders = recording::all(&state)?;
        for folder in &folders {
            std::fs::remove_dir_all(folder)
                .map_err(|error| Failure::environment(format!("cannot remove {}: {error}", folder.display())))?;
        }
        println!("Removed {} recorded runs.", folders.len());
    }
    Ok(Exit::Pass)
}

/// Ends the processes of systems whose lab has died, and forgets them. Systems of a running lab and those that
/// `lab up` left on purpose are not touched.
///
/// # Errors
/// When a process does not end or a record cannot be removed.
pub async fn leftovers(state: &Path) -> Result<usize, Failure> {
    let leftovers = compose::leftovers(state)?;
    for leftover in &leftovers {
        leftover.clean().await?;
        let running = if leftover.running.is_empty() {
            "its record".to_owned()
        } else {
            format!("{} still running", leftover.running.join(", "))
        };
        eprintln!(
            "cleaned up after {}, which ended without warning: {running}",
            leftover.record.run_id
        );
    }
    Ok(leftovers.len())
}

/// Removes the records of this process's own systems, when it ends without waiting for anything.
pub fn own_records(state: &Path) {
    let Ok(records) = compose::records(state) else {
        return;
    };
    for record in records.systems {
        if record.lab.pid == std::process::id() && !record.detached {
            // The process ends here: what cannot be removed now, the next start removes.
            let _ = std::fs::remove_file(record.path());
        }
    }
}
