//! Where a PostgreSQL that is a process keeps its data, and how that goes away.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use contract::Program;
use tokio::sync::oneshot;

use super::KILL_TIMEOUT;
use super::marker;
use crate::backend::core::record::SystemRecord;
use crate::backend::core::remember;
use crate::error::Error;
use crate::postgres::forget_memory;
use crate::topology::ServiceSpec;

/// Where the data is when the lab is root: the server then runs as somebody else, who may not enter root's folders.
const SHARED: &str = "/var/tmp";

/// How often processes that were killed are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The data folder of an instance: in the run's own folder where that can be.
pub(super) fn data_folder(record: &SystemRecord, instance: &str) -> PathBuf {
    if rustix::process::geteuid().is_root() {
        let token = record.token().replace(':', "-");
        Path::new(SHARED).join(format!("lab-{token}-{instance}"))
    } else {
        record.folder.join("data").join(instance)
    }
}

/// Removes what the servers of a system kept, once they have ended.
///
/// # Errors
/// When a folder is there and cannot be removed.
pub(in crate::backend) fn forget(record: &SystemRecord) -> Result<(), Error> {
    let own = record.spec.services.iter();
    let own = own.filter(|service| service.service == Program::Postgres && record.external(service).is_none());
    for instance in own.flat_map(ServiceSpec::instance_names) {
        let data = data_folder(record, &instance);
        forget_memory(&data);
        match fs::remove_dir_all(&data) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::file("remove", &data)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The same, and the record and all files but the logs with it, when nobody is left who could wait: as soon as its
/// processes have ended.
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
        if forget(&record).and_then(|()| record.remove_files()).is_ok() {
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
