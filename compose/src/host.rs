//! What this machine has: programs, and what the user says of them in the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

/// Where servers are often installed although only root's `PATH` looks there.
const FURTHER_FOLDERS: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/sbin"];
/// How long a program may take to say its version.
const VERSION_TIMEOUT: Duration = Duration::from_secs(2);

/// What is looked at to find servers of others.
#[derive(Clone, Default)]
pub struct Host {
    /// The folders that may hold programs, in this order.
    pub folders: Vec<PathBuf>,
    /// Whether installations are looked for where packages usually put them, too.
    pub usual_places: bool,
    /// The environment. It may hold passwords, so nothing shows it.
    variables: BTreeMap<String, OsString>,
}

impl Host {
    /// This machine, as this process sees it.
    #[must_use]
    pub fn of_process() -> Self {
        let variables = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self {
            folders: program_folders(),
            usual_places: true,
            variables: variables.collect(),
        }
    }

    /// One that has programs in these folders only, and an empty environment.
    #[must_use]
    pub fn in_folders(folders: Vec<PathBuf>) -> Self {
        Self {
            folders,
            ..Self::default()
        }
    }

    /// The same one, with this in its environment.
    #[must_use]
    pub fn with(mut self, variable: &str, value: impl Into<OsString>) -> Self {
        self.variables.insert(variable.to_owned(), value.into());
        self
    }

    /// What the user wrote into a variable; `None` where that is nothing, or no text.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?.to_str()?.trim();
        Some(value).filter(|value| !value.is_empty())
    }

    /// The path that the user wrote into a variable.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let value = self.variables.get(name).filter(|value| !value.is_empty())?;
        Some(PathBuf::from(value))
    }

    /// The first program called `name`.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        find_program(name, &self.folders)
    }
}

/// The folders in which programs are looked for, in this order: those of `PATH`, then those of system servers.
#[must_use]
pub fn program_folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(FURTHER_FOLDERS.map(PathBuf::from))
        .collect()
}

/// The first program called `name` in these folders.
#[must_use]
pub fn find_program(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    folders
        .iter()
        .map(|folder| folder.join(name))
        .find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// What a program says when it is asked for its version by this argument; `None` when it does not end in time.
pub(crate) async fn version_output(program: &Path, argument: &str) -> Option<Output> {
    let output = tokio::process::Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    tokio::time::timeout(VERSION_TIMEOUT, output).await.ok()?.ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_what_can_be_run_is_a_program_and_the_first_folder_wins() {
        let folder = tempfile::tempdir().unwrap();
        let folders = ["text", "folder", "first", "second"].map(|name| folder.path().join(name));
        for place in &folders {
            fs::create_dir(place).unwrap();
        }
        let [text, directory, first, second] = &folders;
        fs::write(text.join("server"), "").unwrap();
        fs::create_dir(directory.join("server")).unwrap();
        for place in [first, second] {
            fs::write(place.join("server"), "").unwrap();
            fs::set_permissions(place.join("server"), fs::Permissions::from_mode(0o755)).unwrap();
        }
        assert_eq!(find_program("server", &folders), Some(first.join("server")));
        assert_eq!(find_program("server", &folders[..2]), None);
    }
}
