//! How a server runs where another tool than the lab starts it, from its official image.

use crate::wiring::Environment;

/// A server in a system that is exported.
#[derive(Clone, Copy, Debug)]
pub struct Exporting<'a> {
    /// The name by which others reach it.
    pub name: &'a str,
    /// The services that use it.
    pub callers: &'a [String],
    /// What it is told, as every instance is.
    pub told: &'a Environment,
}

/// What the tool is to know of its container, beside its image, its port and its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// The command; an empty one is the image's own.
    pub command: Vec<String>,
    /// Its variables.
    pub environment: Vec<(&'static str, String)>,
    /// The command by which the tool asks whether it is well.
    pub asks: Vec<String>,
    /// Where it keeps its data; `None` for one that keeps none.
    pub data: Option<&'static str>,
    /// A file that it reads.
    pub file: Option<ReadFile>,
    /// Whether it runs as nobody in particular, and writes nowhere but to `/tmp`.
    pub confined: bool,
    /// Whether people look at it themselves.
    pub published: bool,
}

/// A file that a server reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadFile {
    /// Its name among the exported files.
    pub name: &'static str,
    /// The folder in the container that holds nothing else.
    pub folder: &'static str,
    /// Its name in that folder.
    pub inner: &'static str,
    /// What is in it.
    pub text: String,
}

/// A command.
pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
