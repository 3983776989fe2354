//! What an export writes, and what its files name.

/// The image of the lab's own program, by the name that `lab export image` gives it.
pub const IMAGE: &str = concat!("lab-services:", env!("CARGO_PKG_VERSION"));

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedFile {
    /// Its name; the first one of an export is the one to start from.
    pub name: &'static str,
    /// What is in it.
    pub text: String,
}
