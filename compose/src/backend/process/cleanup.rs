//! Ending what a system has running as processes, and removing what it kept, whoever started it.

use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::error::ProcessError;
use super::handle::{Handle, KILL_TIMEOUT};
use super::{marker, own_data, recorded};
use crate::backend::core::record::SystemRecord;
use crate::backend::core::remember;
use crate::error::Error;

/// How often processes that were killed are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The names of the instances of a system that still run.
pub(super) fn running(record: &SystemRecord) -> Result<Vec<String>, Error> {
    let stamps = recorded::stamps_of(record)?.into_iter();
    let alive = stamps.filter(|(_, stamp)| stamp.is_alive());
    Ok(alive.map(|(name, _)| name.to_owned()).collect())
}

/// Ends what a dead lab left of a system, also what no record tells of, and removes what its servers kept.
pub(super) async fn clean(record: &SystemRecord) -> Result<(), Error> {
    end_recorded(record).await?;
    forget(record).await
}

/// Ends what a system still has running although nobody knows of it, and removes what its servers kept.
pub(super) async fn forget(record: &SystemRecord) -> Result<(), Error> {
    let record = record.clone();
    blocking(move || {
        marker::end_all_of(&record);
        own_data::forget(&record)
    })
    .await
}

/// Ends the processes of systems that were started from a state folder and have no record in it any more; how many there
/// were.
pub(super) async fn end_unrecorded(state_folder: &Path) -> Result<usize, Error> {
    let state_folder = state_folder.to_owned();
    blocking(move || marker::end_unrecorded(&state_folder)).await
}

/// Kills the processes that a record names and waits until they have vanished.
pub(super) async fn end_recorded(record: &SystemRecord) -> Result<(), Error> {
    for (instance, stamp) in recorded::stamps_of(record)? {
        let pid = stamp.pid;
        let handle = Handle::Foreign(stamp);
        let failed = |source| ProcessError {
            instance: instance.to_owned(),
            pid,
            action: "kill",
            source,
        };
        handle.end().map_err(failed)?;
        if !handle.has_exited_by(Instant::now() + KILL_TIMEOUT).await {
            return Err(failed(io::ErrorKind::TimedOut.into()).into());
        }
    }
    Ok(())
}

/// Does work that blocks where that holds nobody up.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// Removes what the servers of a system kept, and the record and all files but the logs with it, when nobody is left who
/// could wait: as soon as its processes have ended.
pub(super) fn forget_later(record: SystemRecord) {
    let (done, is_done) = oneshot::channel();
    let forgetting = move || {
        let mut left = KILL_TIMEOUT;
        while running(&record).is_ok_and(|running| !running.is_empty()) && !left.is_zero() {
            thread::sleep(LOOK_EVERY);
            left = left.saturating_sub(LOOK_EVERY);
        }
        marker::end_all_of(&record);
        // Where it stays, the next lab finds it by the record.
        if own_data::forget(&record).and_then(|()| record.remove_files()).is_ok() {
            let _ = record.remove();
        }
        let _ = done.send(());
    };
    // Without a thread, the record stays as well.
    let _ = thread::Builder::new().name("forget".into()).spawn(forgetting);
    remember(async {
        let _ = is_done.await;
    });
}
