//! Which state folder this is: what a path means depends on the machine, and on when the folder was made.
//!
//! A home folder may be shared by several machines, two machines (or two containers) may have folders of the same path,
//! and several of them may share one engine. Nothing may be taken for one's own by its path alone.

use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::path::Path;

use crate::machine::Machine;
use crate::private;

/// The file of a state folder that holds its name, which was drawn when it was made.
const NAME_FILE: &str = "id";

/// A state folder, told apart from every other one: also from one of the same path on another machine, and from a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place(String);

impl Place {
    /// The state folder at this path, which gets its name now if it has none.
    pub(crate) fn of(state_folder: &Path) -> io::Result<Self> {
        private::make_state_folder(state_folder)?;
        let file = state_folder.join(NAME_FILE);
        if !file.exists() {
            draw_name(&file)?;
        }
        Self::named(state_folder, &fs::read_to_string(file)?)
    }

    /// The same, where it has a name: without one, nothing was ever started from it.
    pub(crate) fn existing(state_folder: &Path) -> io::Result<Option<Self>> {
        match fs::read_to_string(state_folder.join(NAME_FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            name => Self::named(state_folder, &name?).map(Some),
        }
    }

    fn named(state_folder: &Path, name: &str) -> io::Result<Self> {
        let Machine { host, id, .. } = Machine::own();
        let folder = fs::canonicalize(state_folder)?;
        // Bytes that are no text are told apart by the drawn name.
        Ok(Self(format!("{}@{host}/{id}:{}", name.trim(), folder.display())))
    }

    /// As labels and environments have it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Gives a state folder its name. Of several labs that do so at once, the first decides.
fn draw_name(file: &Path) -> io::Result<()> {
    let draft = file.with_extension(format!("{}-{}", std::process::id(), random() % 1_000_000));
    private::write(&draft, format!("{:016x}{:016x}\n", random(), random()).as_bytes())?;
    let linked = match fs::hard_link(&draft, file) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // Not every file system has links; then two that begin in the same moment may disagree.
        Err(_) => fs::rename(&draft, file),
        linked => linked,
    };
    let _ = fs::remove_file(&draft);
    linked
}

/// A number that nobody can foresee.
pub(crate) fn random() -> u64 {
    let mut bytes = [0; 8];
    match File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)) {
        Ok(()) => u64::from_ne_bytes(bytes),
        Err(_) => RandomState::new().hash_one(std::process::id()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_folder_keeps_its_name_and_no_other_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let (here, there) = (folder.path().join("here"), folder.path().join("there"));
        assert_eq!(Place::existing(&here).unwrap(), None);
        let drawn = Place::of(&here).unwrap();
        assert_eq!(Place::of(&here).unwrap(), drawn);
        assert_eq!(Place::existing(&here).unwrap(), Some(drawn.clone()));
        assert_ne!(Place::of(&there).unwrap(), drawn);
        // A copy is another folder, though it has the file.
        fs::copy(here.join(NAME_FILE), there.join(NAME_FILE)).unwrap();
        assert_ne!(Place::of(&there).unwrap(), drawn);
        // What comes back at the same path without its file is another one, as on another machine.
        fs::remove_dir_all(&here).unwrap();
        assert_ne!(Place::of(&here).unwrap(), drawn);
    }

    #[test]
    fn many_that_name_a_folder_at_once_agree() {
        let folder = tempfile::tempdir().unwrap();
        let places: Vec<_> = std::thread::scope(|scope| {
            let naming: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| Place::of(folder.path()).unwrap()))
                .collect();
            naming.into_iter().map(|naming| naming.join().unwrap()).collect()
        });
        assert!(places.windows(2).all(|pair| pair[0] == pair[1]), "{places:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a draft stayed");
    }
}
