//! Where a PostgreSQL that is a process keeps its data, and how that goes away.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use contract::Program;

use crate::backend::core::record::SystemRecord;
use crate::error::Error;
use crate::postgres::forget_memory;
use crate::topology::ServiceSpec;

/// Where the data is when the lab is root: the server then runs as somebody else, who may not enter root's folders.
const SHARED: &str = "/var/tmp";

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
pub(super) fn forget(record: &SystemRecord) -> Result<(), Error> {
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
