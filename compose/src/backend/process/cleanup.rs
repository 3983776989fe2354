//! Ending what a system has running as processes, and removing what it kept, whoever started it.

use std::io;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::handle::{Handle, KILL_TIMEOUT};
use super::{marker, own_data};
use crate::backend::core::record::SystemRecord;
use crate::backend::core::remember;
use crate::error::Error;
use crate::stamp::ProcessStamp;

/// How often processes that were killed are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Ends what a system still has running although nobody knows of it, and removes what its servers kept.
pub(in crate::backend) async fn forget_processes(record: &SystemRecord) -> Result<(), Error> {
    let record = record.clone();
    let forgetting = move || {
        marker::end_all_of(&record);
        own_data::forget(&record)
    };
    match tokio::task::spawn_blocking(forgetting).await {
        Ok(forgotten) => forgotten,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// Kills processes and waits until they have vanished. Each comes with the name of its instance.
pub(in crate::backend) async fn end_processes(
    processes: impl Iterator<Item = (&str, &ProcessStamp)>,
) -> Result<(), Error> {
    for (instance, stamp) in processes {
        let handle = Handle::Foreign(stamp.clone());
        let failed = |source| Error::Process {
            instance: instance.to_owned(),
            pid: stamp.pid,
            action: "kill",
            source,
        };
        handle.end().map_err(failed)?;
        if !handle.has_exited_by(Instant::now() + KILL_TIMEOUT).await {
            return Err(failed(io::ErrorKind::TimedOut.into()));
        }
    }
    Ok(())
}

/// Removes what the servers of a system kept, and the record and all files but the logs with it, when nobody is left who
/// could wait: as soon as its processes have ended.
pub(super) fn forget_later(record: SystemRecord) {
    let (done, is_done) = oneshot::channel();
    let forgetting = move || {
        let mut left = KILL_TIMEOUT;
        while record.processes().any(|(_, stamp)| stamp.is_alive()) && !left.is_zero() {
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
