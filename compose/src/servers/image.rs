//! Images of servers of others: which one is the official one, and what one is made of that is packed from the host's own
//! program.

use std::fs;
use std::path::{Path, PathBuf};

use contract::Program;

/// Whom everything in a container runs as: nobody in particular, and surely not root.
pub(crate) const USER: u64 = 65_532;
/// Where the lab's own program lies in every image that the lab makes.
pub(crate) const LAB: &str = "/lab";
/// Where the files of a system's instances are in their containers.
pub(crate) const DATA: &str = "/data";

/// The name of the file in [`DATA`] that an instance is configured by.
pub(crate) fn configuration_file(instance: &str) -> String {
    format!("{instance}.conf")
}

/// An image of a server.
#[derive(Debug)]
pub struct Image {
    /// What is in it, for people.
    pub what: &'static str,
    /// The official one, pinned: what a scenario shows must not change with what was published yesterday.
    pub official: &'static str,
    /// The name of one that is made from the host's program.
    pub packed: &'static str,
    /// What goes into that beside the lab's own program, for the host's program.
    pub ingredients: fn(&Path) -> Result<Ingredients, String>,
    /// What is said where this machine has no such program.
    pub absent: &'static str,
    /// How to get one that is packed, as the end of a sentence.
    pub how: &'static str,
}

/// An image of a server that the engine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The official one; its name.
    Official(&'static str),
    /// One made from the host's program; the lab's own is in it too. Its id.
    Packed(String),
}

impl Origin {
    /// Its name or id.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Official(name) => name,
            Self::Packed(id) => id,
        }
    }

    pub(crate) const fn is_official(&self) -> bool {
        matches!(self, Self::Official(_))
    }
}

/// What an image is made of.
#[derive(Debug, Default)]
pub struct Ingredients {
    /// Programs and libraries of this machine, which take along the libraries that they need, and where they lie in the
    /// image. The lab looks for programs there.
    pub programs: Vec<(PathBuf, String)>,
    /// Other files of this machine, likewise.
    pub files: Vec<(PathBuf, String)>,
    /// Files that no machine has.
    pub texts: Vec<(&'static str, String)>,
}

impl Ingredients {
    /// One program.
    pub(crate) fn of_program(program: &Path, place: &str) -> Self {
        Self {
            programs: vec![(program.to_owned(), place.to_owned())],
            ..Self::default()
        }
    }
}

/// What the container of a server is told, beside what every container is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contained {
    /// The command.
    pub command: Vec<String>,
    /// How the engine asks whether it is well, in the engine's words.
    pub health: Vec<String>,
    /// Further variables, `NAME=VALUE`; of two values of one variable, this one counts.
    pub environment: Vec<String>,
    /// Where its volume is.
    pub data: &'static str,
    /// Whether its volume, while that is empty, becomes what the image has in that place, whose it is included. The one that
    /// instances share must not become a folder of an official image's own user: nobody else could write to it.
    pub shapes_volume: bool,
    /// Further folders in memory, since everything else in a container is read-only, each with its options.
    pub in_memory: Vec<(&'static str, &'static str)>,
}

impl Contained {
    /// The lab's own program, which becomes the server, or stands in for it.
    pub(crate) fn lab(program: Program) -> Self {
        let program = program.as_str();
        Self {
            command: words(&[LAB, "serve", program]),
            health: words(&["CMD", LAB, "health", program]),
            environment: Vec::new(),
            data: DATA,
            shapes_volume: true,
            in_memory: Vec::new(),
        }
    }

    /// An official image.
    pub(crate) fn official(command: &[&str], health: &[&str]) -> Self {
        Self {
            command: words(command),
            health: words(&[&["CMD"], health].concat()),
            environment: Vec::new(),
            data: DATA,
            shapes_volume: false,
            in_memory: Vec::new(),
        }
    }

    /// With these variables as well.
    pub(crate) fn with(mut self, environment: &[&str]) -> Self {
        self.environment.extend(words(environment));
        self
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Where a file lies in an image that lies at the same place there.
pub(crate) fn place_of(file: &Path) -> String {
    file.display().to_string().trim_start_matches('/').to_owned()
}

/// All files in a folder and those below it but for folders of these names, in an order that does not change.
pub(crate) fn files_below(folder: &Path, without: &[&str]) -> std::io::Result<Vec<PathBuf>> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut files = Vec::new();
    for path in entries.into_iter().map(|entry| entry.path()) {
        let is_unread = path
            .file_name()
            .is_some_and(|name| without.iter().any(|unread| name == *unread));
        if path.is_dir() && !is_unread {
            files.extend(files_below(&path, without)?);
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}
