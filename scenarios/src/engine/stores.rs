//! Whether the data of a system are still there: the files of its databases, and room on their disk.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use crate::disturbance::{Sufferer, Trouble};

/// Less room than this is none: SQLite fails, and logs are cut short, a little before the last byte is taken.
const ROOM_MIN_BYTES: u64 = 256 * 1024;

/// The data of one system.
pub(super) struct Stores {
    folder: PathBuf,
    /// Databases and which file each is.
    known: BTreeMap<PathBuf, u64>,
    full: bool,
}

impl Stores {
    /// The data in a folder, which need not be there.
    pub(super) fn of(folder: PathBuf) -> Self {
        Self {
            folder,
            known: BTreeMap::new(),
            full: false,
        }
    }

    /// What went wrong since the look before: with whom, what, and how that shows.
    pub(super) fn look(&mut self) -> Vec<(Sufferer, Trouble, String)> {
        let mut troubles = Vec::new();
        self.known.retain(|path, file| {
            let there = std::fs::metadata(path).is_ok_and(|metadata| metadata.ino() == *file);
            if !there {
                let name = path
                    .file_name()
                    .unwrap_or(path.as_os_str())
                    .to_string_lossy()
                    .into_owned();
                let how = "the file was removed or replaced".to_owned();
                troubles.push((Sufferer::Store(name), Trouble::Lost, how));
            }
            there
        });
        let found = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for entry in found.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "db")) {
            if let Ok(metadata) = entry.metadata() {
                self.known.entry(entry.path()).or_insert(metadata.ino());
            }
        }
        if let Some(left) = self.room_bytes() {
            let full = left < ROOM_MIN_BYTES;
            if full && !self.full {
                let how = format!("{} KiB are left", left / 1024);
                let disk = format!("the disk of {}", self.folder.display());
                troubles.push((Sufferer::Store(disk), Trouble::Full, how));
            }
            self.full = full;
        }
        troubles
    }

    /// What is left on the disk for whoever is not root.
    fn room_bytes(&self) -> Option<u64> {
        let disk = rustix::fs::statvfs(&self.folder).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_goes_away_or_is_another_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("orders.db"), "a").unwrap();
        std::fs::write(file("orders.db-wal"), "a").unwrap();
        let mut stores = Stores::of(folder.path().to_owned());
        assert!(stores.look().is_empty());
        std::fs::remove_file(file("orders.db-wal")).unwrap();
        assert!(stores.look().is_empty(), "a log comes and goes");
        std::fs::write(file("other"), "b").unwrap();
        std::fs::rename(file("other"), file("orders.db")).unwrap();
        let troubles = stores.look();
        assert_eq!(troubles.len(), 1, "{troubles:?}");
        assert_eq!(troubles[0].0, Sufferer::Store("orders.db".to_owned()));
        assert_eq!(troubles[0].1, Trouble::Lost);
        assert!(stores.look().is_empty());
        std::fs::remove_dir_all(folder.path()).unwrap();
        assert_eq!(stores.look().len(), 1);
    }

    #[test]
    fn a_folder_that_never_was_holds_nothing_to_lose() {
        assert!(Stores::of(PathBuf::from("/nowhere/at/all")).look().is_empty());
    }
}
