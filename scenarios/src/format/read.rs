//! Reads text that somebody else wrote: a plain file, no larger than it may be, in UTF-8.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Why a file is not text that can be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system does not give it.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A folder, a pipe or a device: reading it may never end.
    #[error("{} is {what}, not a file", path.display())]
    NotAFile {
        /// Its path.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// More than anybody writes by hand.
    #[error("{} is larger than {max} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The largest size allowed, bytes.
        max: u64,
    },
    /// Another encoding than UTF-8.
    #[error("{}:{line}: this is {encoding}; save the file as UTF-8", path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
        /// The first line that is not UTF-8, from 1.
        line: usize,
        /// What it is instead, as the end of a sentence.
        encoding: &'static str,
    },
}

/// The text of a file without a byte order mark.
///
/// # Errors
/// When it is not a plain file, larger than `max` bytes, or not UTF-8.
pub fn text_of(path: &Path, max: u64) -> Result<String, ReadError> {
    let mut bytes = Vec::new();
    plain(path)?
        .take(max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|source| unreadable(path, source))?;
    if bytes.len() as u64 > max {
        return Err(ReadError::TooLarge {
            path: path.to_owned(),
            max,
        });
    }
    let text = decoded(bytes).map_err(|(line, encoding)| ReadError::Encoding {
        path: path.to_owned(),
        line,
        encoding,
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Opens a plain file. What it is is asked first: opening a pipe waits for somebody who writes.
///
/// # Errors
/// When there is none, or it is something else.
pub fn plain(path: &Path) -> Result<File, ReadError> {
    let kind = fs::metadata(path)
        .map_err(|source| unreadable(path, source))?
        .file_type();
    let what = match kind {
        kind if kind.is_file() => return File::open(path).map_err(|source| unreadable(path, source)),
        kind if kind.is_dir() => "a folder",
        _ => "a pipe, a socket or a device",
    };
    Err(ReadError::NotAFile {
        path: path.to_owned(),
        what,
    })
}

fn unreadable(path: &Path, source: io::Error) -> ReadError {
    ReadError::Unreadable {
        path: path.to_owned(),
        source,
    }
}

/// The text, or the line on which it ends to be UTF-8 and what it is.
fn decoded(bytes: Vec<u8>) -> Result<String, (usize, &'static str)> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err((1, "UTF-16"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = &error.as_bytes()[..good];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        (line, "not UTF-8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        fs::write(&path, bytes).unwrap();
        text_of(&path, 20).map_err(|error| error.to_string().replace(&path.display().to_string(), "text"))
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(read(b"\xef\xbb\xbf## Why\r\n").as_deref(), Ok("## Why\r\n"));
        assert_eq!(read("ü".as_bytes()).as_deref(), Ok("ü"));
    }

    #[test]
    fn another_encoding_is_named_with_its_line() {
        for utf16 in [&b"\xff\xfea\0"[..], b"\xfe\xff\0a"] {
            assert_eq!(
                read(utf16).unwrap_err(),
                "text:1: this is UTF-16; save the file as UTF-8"
            );
        }
        assert_eq!(
            read(b"a\nb\nL\xfcbeck").unwrap_err(),
            "text:3: this is not UTF-8; save the file as UTF-8"
        );
    }

    #[test]
    fn what_is_too_large_is_refused() {
        assert!(read(&[b'a'; 20]).is_ok());
        assert_eq!(read(&[b'a'; 21]).unwrap_err(), "text is larger than 20 bytes");
    }

    #[cfg(unix)]
    #[test]
    fn folders_pipes_devices_and_circles_of_links_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("folder")).unwrap();
        std::os::unix::fs::symlink(path("circle"), path("circle")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(path("pipe")).status();
        assert!(made.is_ok_and(|status| status.success()), "mkfifo makes a pipe");
        for (file, expected) in [
            (path("folder"), "is a folder, not a file"),
            (path("pipe"), "is a pipe, a socket or a device"),
            (PathBuf::from("/dev/zero"), "is a pipe, a socket or a device"),
            (path("circle"), "cannot read"),
            (path("none"), "cannot read"),
        ] {
            let said = text_of(&file, 20).unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        }
    }
}
