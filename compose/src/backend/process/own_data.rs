//! Where a server that is a process keeps its data, and how that goes away.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::backend::core::record::SystemRecord;
use crate::error::Error;
use crate::servers::{self, Server};

/// Where the data is when the lab is root: a server may then run as somebody else, who may not enter root's folders.
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

/// The instances of a system that keep data of their own, with what they are.
pub(super) fn keepers(record: &SystemRecord) -> impl Iterator<Item = (&'static dyn Server, String)> {
    let own = record.spec.services.iter();
    let own = own.filter(|service| record.external(service).is_none());
    let keepers = own.filter_map(|service| {
        let server = servers::of(service.service).filter(|server| server.own_data().is_some())?;
        Some(service.instance_names().map(move |instance| (server, instance)))
    });
    keepers.flatten()
}

/// Removes what the servers of a system kept, once they have ended.
///
/// # Errors
/// When a folder is there and cannot be removed.
pub(super) fn forget(record: &SystemRecord) -> Result<(), Error> {
    for (server, instance) in keepers(record) {
        let data = data_folder(record, &instance);
        server.give_back(&data);
        match fs::remove_dir_all(&data) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::file("remove", &data)(error));
            }
            _ => {}
        }
    }
    Ok(())
}
