//! The lab's state folder: recorded runs and the records of running systems.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use crate::failure::Failure;
use crate::in_progress::InProgress;

/// The state folder: `$LAB_STATE`, else `lab` in the user's state directory. Without `HOME` the home of the user's account
/// is taken, and that is said once.
///
/// # Errors
/// When there is neither a home nor a setting.
pub fn state_folder() -> Result<PathBuf, Failure> {
    let from = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    from("LAB_STATE")
        // A relative one is to be ignored (XDG Base Directory Specification).
        .or_else(|| {
            from("XDG_STATE_HOME")
                .filter(|folder| folder.is_absolute())
                .map(|folder| folder.join("lab"))
        })
        .or_else(|| from("HOME").map(|home| in_home(&home)))
        .or_else(of_account)
        .ok_or_else(|| {
            Failure::environment("there is no folder to keep runs in: neither LAB_STATE nor HOME is set")
                .hint("set LAB_STATE to a folder")
        })
}

fn in_home(home: &Path) -> PathBuf {
    home.join(".local/state/lab")
}

/// The state folder in the home of the user's account, where no variable says where it is.
fn of_account() -> Option<PathBuf> {
    static TOLD: Once = Once::new();
    let home = std::env::home_dir().filter(|home| home.is_absolute())?;
    let folder = in_home(&home);
    TOLD.call_once(|| errln!("note: HOME is not set; runs are kept in {}", folder.display()));
    Some(folder)
}

/// Waits until no other lab holds this file, and holds it until what is given is dropped.
///
/// # Errors
/// When it cannot be made or locked.
pub fn lock(file: &Path) -> std::io::Result<File> {
    let lock = File::options().create(true).append(true).open(file)?;
    lock.lock()?;
    Ok(lock)
}

/// The folder of recorded runs.
pub fn runs_folder(state: &Path) -> PathBuf {
    state.join("runs")
}

/// Makes a folder for a new run; its name is the run's id: when, to the millisecond, and what. So ids sort by time,
/// and `last` is the newest even when runs take less than a second.
///
/// # Errors
/// When it cannot be made.
pub fn new_run(
    state: &Path,
    scenario: &str,
    now: time::OffsetDateTime,
) -> Result<(String, PathBuf, InProgress), Failure> {
    let runs = runs_folder(state);
    make_private(state, &runs).map_err(|error| cannot_make(&runs, &error))?;
    // Until the run holds its own lock, nobody may take its folder for that of one that has ended.
    let _nobody_cleans = runs_lock(state).map_err(|error| cannot_make(&runs, &error))?;
    for later_ms in 0..100 {
        let id = id(scenario, now + Duration::from_millis(later_ms));
        let folder = runs.join(&id);
        match std::fs::create_dir(&folder) {
            Ok(()) => {
                let progress = InProgress::begin(&folder).map_err(|error| cannot_make(&folder, &error))?;
                return Ok((id, folder, progress));
            }
            // Another lab began one in the same millisecond.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(cannot_make(&folder, &error)),
        }
    }
    Err(Failure::environment(format!(
        "{} has too many runs of this moment",
        runs.display()
    )))
}

/// Makes a folder within the state folder, both for this user alone.
///
/// # Errors
/// When one of them cannot be made.
pub fn make_private(state: &Path, folder: &Path) -> std::io::Result<()> {
    compose::private::make_state_folder(state)?;
    compose::private::make_folder(folder)
}

/// Held while a folder of a run is made, or folders of runs are removed.
///
/// # Errors
/// When the file cannot be locked.
pub fn runs_lock(state: &Path) -> std::io::Result<File> {
    let lock = File::create(state.join("runs.lock"))?;
    lock.lock()?;
    Ok(lock)
}

fn id(scenario: &str, at: time::OffsetDateTime) -> String {
    format!(
        "{:04}{:02}{:02}-{:02}{:02}{:02}.{:03}-{scenario}",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.millisecond()
    )
}

fn cannot_make(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::environment(format!("cannot make the folder {}: {error}", folder.display()))
        .hint("set LAB_STATE to a folder that you can write to, or give --out FOLDER")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_of_one_moment_get_folders_of_their_own_that_sort_by_time() {
        let state = tempfile::tempdir().unwrap();
        let now = time::OffsetDateTime::UNIX_EPOCH + Duration::from_millis(7);
        let (first, ..) = new_run(state.path(), "scaling", now).unwrap();
        let (second, folder, _) = new_run(state.path(), "cpu-blocking", now).unwrap();
        let (third, ..) = new_run(state.path(), "asking", now + Duration::from_millis(900)).unwrap();
        assert_eq!(
            [first.as_str(), second.as_str(), third.as_str()],
            [
                "19700101-000000.007-scaling",
                // Had the folder of this very id been taken, it would be the next millisecond's.
                "19700101-000000.007-cpu-blocking",
                "19700101-000000.907-asking"
            ]
        );
        assert!(folder.is_dir());
        let (again, ..) = new_run(state.path(), "scaling", now).unwrap();
        assert_eq!(again, "19700101-000000.008-scaling");
    }
}
