//! What goes into an image beside the lab's own program.

use std::path::{Path, PathBuf};

/// What an image is made of.
#[derive(Debug, Default)]
pub(super) struct Ingredients {
    /// Programs and libraries of this machine, which take along the libraries that they need, and where they lie in the
    /// image. The lab looks for programs there.
    pub(super) programs: Vec<(PathBuf, String)>,
    /// Other files of this machine, likewise.
    pub(super) files: Vec<(PathBuf, String)>,
    /// Files that no machine has.
    pub(super) texts: Vec<(&'static str, String)>,
}

impl Ingredients {
    /// One program.
    pub(super) fn of_program(program: &Path, place: &str) -> Self {
        Self {
            programs: vec![(program.to_owned(), place.to_owned())],
            ..Self::default()
        }
    }
}
