//! The lab's state folder: recorded runs and the records of running systems.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The state folder: `$LAB_STATE`, else `lab` in the user's state directory.
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
        .or_else(|| from("XDG_STATE_HOME").map(|folder| folder.join("lab")))
        .or_else(|| from("HOME").map(|home| home.join(".local/state/lab")))
        .ok_or_else(|| {
            Failure::environment("there is no folder to keep runs in: neither LAB_STATE nor HOME is set")
                .hint("set LAB_STATE to a folder")
        })
}

/// The folder of recorded runs.
pub fn runs_folder(state: &Path) -> PathBuf {
    state.join("runs")
}

/// Makes a folder for a new run; its name is the run's id: when, and what.
///
/// # Errors
/// When it cannot be made.
pub fn new_run(state: &Path, scenario: &str, now: time::OffsetDateTime) -> Result<(String, PathBuf), Failure> {
    let runs = runs_folder(state);
    std::fs::create_dir_all(&runs).map_err(|error| cannot_make(&runs, &error))?;
    let stamp = format!(
        "{:04}{:02}{:02}-{:02}{:02}{:02}",
        now.year(),
        u8::from(now.month()),
        now.day(),
        now.hour(),
        now.minute(),
        now.second()
    );
    for attempt in 1..100 {
        let id = if attempt == 1 {
            format!("{stamp}-{scenario}")
        } else {
            format!("{stamp}-{attempt}-{scenario}")
        };
        let folder = runs.join(&id);
        match std::fs::create_dir(&folder) {
            Ok(()) => return Ok((id, folder)),
            // Another lab began one in the same second.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(cannot_make(&folder, &error)),
        }
    }
    Err(Failure::environment(format!(
        "{} has too many runs of this second",
        runs.display()
    )))
}

fn cannot_make(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::environment(format!("cannot make the folder {}: {error}", folder.display()))
        .hint("set LAB_STATE to a folder that you can write to, or give --out FOLDER")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_of_one_second_get_folders_of_their_own() {
        let state = tempfile::tempdir().unwrap();
        let now = time::OffsetDateTime::UNIX_EPOCH;
        let (first, _) = new_run(state.path(), "scaling", now).unwrap();
        let (second, folder) = new_run(state.path(), "scaling", now).unwrap();
        assert_eq!(
            (first.as_str(), second.as_str()),
            ("19700101-000000-scaling", "19700101-000000-2-scaling")
        );
        assert!(folder.is_dir());
    }
}
