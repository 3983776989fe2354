//! Inputs that broke a target, as files.

use std::fs;
use std::path::PathBuf;

/// A folder of inputs, one file each, named after what is in it.
#[derive(Clone)]
pub(crate) struct Kept {
    folder: PathBuf,
}

impl Kept {
    pub(crate) fn in_folder(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// All inputs, in the order of their names. A folder that does not exist holds none.
    pub(crate) fn all(&self) -> Vec<Vec<u8>> {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return Vec::new();
        };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        let read = |path: &PathBuf| fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        paths.iter().map(read).collect()
    }

    pub(crate) fn keep(&self, input: &[u8]) -> PathBuf {
        let path = self.folder.join(format!("{:016x}", hash::fnv1a(input)));
        fs::create_dir_all(&self.folder)
            .and_then(|()| fs::write(&path, input))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }
}
