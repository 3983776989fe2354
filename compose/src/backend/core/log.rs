//! Reading what instances write.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use serde::Deserialize;

use crate::backend::LogChunk;

/// How much of a log is read at once.
const CHUNK_BYTES_MAX: u64 = 1 << 20;
/// How much of the end of a log is shown when an instance fails.
const TAIL_BYTES: u64 = 8 << 10;
const TAIL_LINES: usize = 12;

/// Reads a log from a position on. A position past the end starts over: the file is not the one that was read.
pub(super) fn read(path: &Path, from: u64) -> io::Result<LogChunk> {
    let mut file = File::open(path)?;
    let from = if from > file.metadata()?.len() { 0 } else { from };
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(CHUNK_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(LogChunk {
        next: from + bytes.len() as u64,
        bytes,
    })
}

/// The last lines of a log, or why they cannot be shown.
pub(super) fn tail(path: &Path, from: u64) -> String {
    let length = path.metadata().map_or(0, |metadata| metadata.len());
    let start = from.max(length.saturating_sub(TAIL_BYTES));
    let chunk = match read(path, start) {
        Ok(chunk) => chunk,
        Err(error) => return format!("  (the log cannot be read: {error})"),
    };
    let text = String::from_utf8_lossy(&chunk.bytes);
    let lines: Vec<&str> = text.lines().collect();
    if lines.is_empty() {
        return "  (it wrote nothing)".to_owned();
    }
    let shown = &lines[lines.len().saturating_sub(TAIL_LINES)..];
    shown
        .iter()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Looks for the line by which an instance says on which port it listens.
pub(super) struct PortFinder {
    next: u64,
    /// What a link has said before.
    link_port: Option<u16>,
    /// The beginning of a line whose end was not written yet.
    partial: Vec<u8>,
}

#[derive(Deserialize)]
struct Line {
    message: String,
    port: u16,
}

/// Where an instance listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ports {
    pub(super) port: u16,
    /// Where a link takes connections.
    pub(super) link_port: Option<u16>,
}

impl PortFinder {
    /// Looks only at what is written from here on: a log goes on when its instance is started again.
    pub(super) const fn new(from: u64) -> Self {
        Self {
            next: from,
            link_port: None,
            partial: Vec::new(),
        }
    }

    /// Reads what was written since the last call.
    pub(super) fn look(&mut self, path: &Path) -> io::Result<Option<Ports>> {
        let chunk = read(path, self.next)?;
        self.next = chunk.next;
        self.partial.extend_from_slice(&chunk.bytes);
        while let Some(end) = self.partial.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.partial.drain(..=end).collect();
            match serde_json::from_slice(&line) {
                Ok(Line { message, port }) if message == "passing" => self.link_port = Some(port),
                Ok(Line { message, port }) if message == "listening" => {
                    return Ok(Some(Ports {
                        port,
                        link_port: self.link_port,
                    }));
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    #[test]
    fn the_port_is_found_even_when_its_line_comes_in_pieces() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = file.as_file();
        let mut finder = PortFinder::new(0);
        let mut write_and_look = |text: &str| {
            writer.write_all(text.as_bytes()).unwrap();
            finder.look(file.path()).unwrap()
        };
        assert_eq!(
            write_and_look("not JSON\n{\"message\":\"starting\",\"port\":1}\n{\"mess"),
            None
        );
        assert_eq!(
            write_and_look("age\":\"listening\",\"level\":\"INFO\",\"port\":4711}"),
            None
        );
        let port = |port, link_port| Some(Ports { port, link_port });
        assert_eq!(write_and_look("\n"), port(4711, None));
        let link = "{\"message\":\"passing\",\"port\":1}\n{\"message\":\"listening\",\"port\":2}\n";
        assert_eq!(write_and_look(link), port(2, Some(1)));
    }

    #[test]
    fn the_port_of_an_earlier_start_does_not_count() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let line = "{\"message\":\"listening\",\"port\":1}\n";
        fs::write(file.path(), line).unwrap();
        let mut finder = PortFinder::new(line.len() as u64);
        assert_eq!(finder.look(file.path()).unwrap(), None);
    }

    #[test]
    fn a_log_is_followed_without_loss_or_repetition() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "one\n").unwrap();
        let first = read(file.path(), 0).unwrap();
        fs::write(file.path(), "one\ntwo\n").unwrap();
        let second = read(file.path(), first.next).unwrap();
        assert_eq!(
            (first.bytes.as_slice(), second.bytes.as_slice()),
            (&b"one\n"[..], &b"two\n"[..])
        );
        assert_eq!(read(file.path(), 1000).unwrap().bytes, b"one\ntwo\n");
    }

    #[test]
    fn the_tail_is_the_last_lines() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(tail(file.path(), 0).contains("nothing"));
        let text: String = (0..1000).map(|number| format!("line {number}\n")).collect();
        fs::write(file.path(), text).unwrap();
        let tail = tail(file.path(), 0);
        assert_eq!(
            (tail.lines().count(), tail.lines().last()),
            (TAIL_LINES, Some("  line 999"))
        );
    }
}
