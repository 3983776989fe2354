//! Files and folders that are their user's alone: records hold addresses with passwords, logs hold what was sent.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::machine::Machine;
use crate::stamp::ProcessStamp;

/// The mode of folders: nobody else may look into them.
const FOLDER_MODE: u32 = 0o700;
/// The mode of files.
const FILE_MODE: u32 = 0o600;
/// How the name of a file ends that is not written wholly yet.
const DRAFT: &str = ".draft";

/// Makes a folder, and those above it, that only this user may enter. One that was there is closed to others.
///
/// # Errors
/// When it cannot be made, or is there and belongs to somebody else, who may look into it.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
    close(folder)
}

/// Closes a folder of this user to everybody else.
fn close(folder: &Path) -> io::Result<()> {
    let found = fs::metadata(folder)?;
    if found.mode() & 0o077 == 0 || found.uid() != rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE))
}

/// Makes the lab's state folder. One that was there is closed to others where its name says that it is the lab's own: a
/// user may have named any folder, such as `/tmp`, which others rely on.
///
/// # Errors
/// As [`make_folder`].
pub fn make_state_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
    match folder.file_name() {
        Some(name) if name == "lab" => close(folder),
        _ => Ok(()),
    }
}

/// Writes a file that only this user may read, so that a reader sees either the old or the new one, never half of it.
///
/// # Errors
/// When it cannot be written; then nothing of the new one stays.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}@{}{DRAFT}", std::process::id(), Machine::own().host_word()));
    let draft = path.with_file_name(name);
    let written = write_draft(&draft, bytes).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        // On a full disk it would take the room that is needed most.
        let _ = fs::remove_file(&draft);
    }
    written
}

fn write_draft(draft: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(FILE_MODE)
        .open(draft)?;
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    file.write_all(bytes)
}

/// Removes what processes of this machine that have died left half-written in a folder; how many files that were.
///
/// # Errors
/// When the folder is there and cannot be read, or a file cannot be removed.
pub fn remove_drafts(folder: &Path) -> io::Result<usize> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if is_abandoned_draft(&name.to_string_lossy()) {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Whether a name is that of a draft whose writer, a process of this machine, has died.
fn is_abandoned_draft(name: &str) -> bool {
    let Some(rest) = name.strip_suffix(DRAFT) else {
        return false;
    };
    let writer = rest.rsplit_once('.').map_or(rest, |(_, writer)| writer);
    let (pid, host) = writer.split_once('@').unwrap_or((writer, ""));
    let is_here = host.is_empty() || host == Machine::own().host_word();
    let lives = pid.parse().is_ok_and(|pid| ProcessStamp::of(pid).is_some());
    is_here && !lives
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn what_is_made_is_for_nobody_else_and_what_was_open_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let (fresh, open) = (folder.path().join("a/b"), folder.path().join("open"));
        make_folder(&fresh).unwrap();
        assert_eq!((mode(&fresh), mode(&folder.path().join("a"))), (0o700, 0o700));
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
        make_folder(&open).unwrap();
        assert_eq!(mode(&open), 0o700);
        let file = open.join("record.json");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        write(&file, b"new").unwrap();
        assert_eq!(
            (mode(&file), fs::read_to_string(&file).unwrap()),
            (0o600, "new".to_owned())
        );
    }

    #[test]
    fn a_state_folder_that_others_may_rely_on_is_left_open() {
        let folder = tempfile::tempdir().unwrap();
        for (name, expected) in [("lab", 0o700), ("shared", 0o755)] {
            let state = folder.path().join(name);
            fs::create_dir(&state).unwrap();
            fs::set_permissions(&state, Permissions::from_mode(0o755)).unwrap();
            make_state_folder(&state).unwrap();
            assert_eq!(mode(&state), expected, "{name}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_no_draft() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("record.json");
        // A folder cannot be replaced by a file, so the last step fails.
        fs::create_dir(&taken).unwrap();
        write(&taken, b"new").unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_drafts_of_the_dead_of_this_machine_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (own, host) = (std::process::id(), Machine::own().host_word());
        // No process has the id 0, and none this large a one.
        let abandoned = [format!("r.json.0@{host}.draft"), "r.4000000000.draft".to_owned()];
        let kept = [
            format!("r.json.{own}@{host}.draft"),
            "r.json.0@elsewhere-entirely.draft".to_owned(),
            "r.json".to_owned(),
        ];
        for name in abandoned.iter().chain(&kept) {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(remove_drafts(folder.path()).unwrap(), abandoned.len());
        assert!(kept.iter().all(|name| folder.path().join(name).exists()));
        assert_eq!(remove_drafts(&folder.path().join("none")).unwrap(), 0);
    }
}
