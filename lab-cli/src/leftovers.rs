//! What labs leave running when they end without warning, and the end of this lab's own systems.

use std::path::Path;
use std::time::Duration;

use compose::SystemRecord;

use crate::failure::Failure;
use crate::{backends, output};

/// How long the removal of what was given up half-way may keep the lab from ending; the next one removes the rest.
pub const SETTLE_TIMEOUT: Duration = Duration::from_secs(15);
/// How long the end of one system may take when the lab is told twice to end.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// How many systems were left behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Those that are gone now.
    pub removed: usize,
    /// Those that stay until what they run on answers again.
    pub kept: usize,
}

/// Ends what runs of systems whose lab has died, and forgets them. Systems of a running lab and those that `lab up` left
/// on purpose are not touched. A place that does not answer is not an error: a run elsewhere can do without.
///
/// # Errors
/// When a process does not end or a record cannot be removed.
pub async fn remove(state: &Path) -> Result<Cleaned, Failure> {
    let mut cleaned = Cleaned::default();
    let registry = backends::registry()?;
    for leftover in registry.leftovers(state).await? {
        match registry.clean(&leftover.record).await {
            Ok(()) => cleaned.removed += 1,
            Err(error) if error.is_out_of_reach() => {
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
pub fn end_own_systems(state: &Path) {
    let state = state.to_owned();
    let ending = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let (Ok(runtime), Ok(records), Ok(registry)) = (runtime, compose::records(&state), backends::registry()) else {
            return;
        };
        let own = |record: &SystemRecord| record.lab.pid == std::process::id() && !record.detached;
        for record in records.systems.into_iter().filter(own) {
            // The process ends here: what cannot be removed now, the next start removes.
            let _ = runtime.block_on(async { tokio::time::timeout(END_TIMEOUT, registry.clean(&record)).await });
        }
    });
    let _ = ending.join();
    compose::dismiss();
}
