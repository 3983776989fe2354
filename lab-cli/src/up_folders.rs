//! The folders of the systems that `lab up` starts: `up/NAME-N` in the state folder, with logs and data.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::home;

/// How many systems of one name may be there.
const NUMBER_MAX: u32 = 999;

/// The folder of a system that is being started. Nobody takes it for abandoned while this value lives; from then on
/// the system's record says that it is in use.
pub struct NewFolder {
    /// The system's id, which is the folder's name.
    pub id: String,
    /// Where it is.
    pub path: PathBuf,
    _starting: File,
}

impl NewFolder {
    /// Makes the first folder of the form NAME-N that is not there yet.
    ///
    /// # Errors
    /// When it cannot be made, or there are too many.
    pub fn create(state: &Path, name: &str) -> Result<Self, Failure> {
        let folder = state.join("up");
        home::make_private(state, &folder)?;
        let starting = lock_file(state)?;
        starting.lock_shared()?;
        for number in 1..=NUMBER_MAX {
            let id = format!("{name}-{number}");
            let path = folder.join(&id);
            match fs::create_dir(&path) {
                Ok(()) => {
                    return Ok(Self {
                        id,
                        path,
                        _starting: starting,
                    });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::environment(format!("{} is full", folder.display())).hint("lab down, then lab clean"))
    }

    /// Removes the folder again if nothing was written into it. Otherwise it stays until `lab clean`: the message that
    /// says why the system did not come up points at a log in it.
    pub fn give_up(self) {
        let _ = fs::remove_dir(&self.path);
    }

    /// Removes the folder with everything in it: its system was given up on request, so nobody has to read why.
    ///
    /// # Errors
    /// When something in it cannot be removed.
    pub fn discard(self) -> Result<(), Failure> {
        remove_all(&self.path)
    }
}

/// Removes a folder. That it is gone already is no error.
fn remove_all(folder: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Failure::environment(format!(
            "cannot remove {}: {error}",
            folder.display()
        ))),
        _ => Ok(()),
    }
}

/// Removes the folder of a system that was brought down.
///
/// # Errors
/// When something in it cannot be removed. That it is gone already is no error.
pub fn remove(state: &Path, folder: &Path) -> Result<(), Failure> {
    if !folder.starts_with(state.join("up")) {
        return Ok(());
    }
    remove_all(folder)
}

/// Removes the folders that no system has a record for, and gives them. Does nothing while a system is being started.
///
/// # Errors
/// When the records cannot be read, or a folder cannot be removed.
pub fn remove_abandoned(state: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = match fs::read_dir(state.join("up")) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let nobody_starts = lock_file(state)?;
    match nobody_starts.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Vec::new()),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    let records = compose::records(state)?;
    if !records.unreadable.is_empty() {
        // Any folder may be the one of a record that cannot be read.
        return Ok(Vec::new());
    }
    let mut removed = Vec::new();
    for entry in entries {
        let folder = entry?.path();
        let in_use = |record: &compose::SystemRecord| folder.file_name().is_some_and(|name| *name == *record.run_id);
        if folder.is_dir() && !records.systems.iter().chain(&records.elsewhere).any(in_use) {
            remove(state, &folder)?;
            removed.push(folder);
        }
    }
    Ok(removed)
}

/// Locked by all who start a system, together, and by the one who removes folders, alone.
fn lock_file(state: &Path) -> Result<File, Failure> {
    Ok(File::create(state.join("up.lock"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_abandoned_once_nobody_starts_in_it() {
        let state = tempfile::tempdir().unwrap();
        let first = NewFolder::create(state.path(), "shop").unwrap();
        let second = NewFolder::create(state.path(), "shop").unwrap();
        assert_eq!((first.id.as_str(), second.id.as_str()), ("shop-1", "shop-2"));
        fs::write(second.path.join("log"), "why").unwrap();
        let (empty, told) = (first.path.clone(), second.path.clone());
        first.give_up();
        assert!(!empty.exists(), "nothing in it is worth reading");
        assert!(
            remove_abandoned(state.path()).unwrap().is_empty(),
            "the other is being started"
        );
        second.give_up();
        assert!(told.exists());
        assert_eq!(remove_abandoned(state.path()).unwrap(), std::slice::from_ref(&told));
        assert!(!told.exists());
        assert!(remove_abandoned(state.path()).unwrap().is_empty());
    }
}
