//! The one way to stdout and stderr.
//!
//! stdout is what was asked for, stderr is talk. So a reader of stdout that goes away ends nothing loudly, and never hides
//! a verdict; any other failure to write to it is told, and is the exit code 4. stderr has nobody left to tell: what
//! cannot be written there is lost. `println!` and its like panic in all of these cases, and a test forbids them.
//!
//! A reader that is there and does not read, such as a pager that waits for a key, is waited for. Once the lab has been
//! asked to end, it waits for such a reader only a few seconds: see [`end_is_asked_for`].

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::text;

/// How stdout fares.
enum Stdout {
    Open,
    /// Whoever read it has gone, as with `lab list | head -1`.
    Closed,
    /// It cannot be written to: a full disk, say.
    Broken(io::Error),
}

static STDOUT: Mutex<Stdout> = Mutex::new(Stdout::Open);

/// Whether somebody asked the lab to end.
static ENDING: AtomicBool = AtomicBool::new(false);

/// How long a reader that does not read may hold up a lab that has been asked to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a write that waits looks whether the lab has been asked to end.
const LOOK_EVERY: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// A pipe that has room at all takes this much at once without blocking (`PIPE_BUF` of Linux).
const PIECE: usize = 4096;

/// Prints a text for people on stdout.
macro_rules! out {
    ($($text:tt)*) => { $crate::output::print(format_args!($($text)*)) };
}

/// Prints a text for people and the end of a line on stdout.
macro_rules! outln {
    () => { $crate::output::print(format_args!("\n")) };
    ($($text:tt)*) => { $crate::output::print(format_args!("{}\n", format_args!($($text)*))) };
}

/// Says something on stderr.
macro_rules! err {
    ($($text:tt)*) => { $crate::output::say(format_args!($($text)*)) };
}

/// Says something and the end of a line on stderr.
macro_rules! errln {
    ($($text:tt)*) => { $crate::output::say(format_args!("{}\n", format_args!($($text)*))) };
}

/// Prints a text for people on stdout, as this terminal can show it.
pub fn print(text: fmt::Arguments<'_>) {
    let text = text.to_string();
    data(text::shown(&text, console::colors_enabled(), text::ascii()).as_bytes());
}

/// Writes data to stdout, byte for byte: JSON, a report, a picture.
pub fn data(bytes: &[u8]) {
    let mut state = STDOUT.lock().unwrap_or_else(PoisonError::into_inner);
    if !matches!(*state, Stdout::Open) {
        return;
    }
    if let Err(error) = write_all(io::stdout().as_fd(), bytes) {
        *state = match error.kind() {
            ErrorKind::BrokenPipe | ErrorKind::TimedOut => Stdout::Closed,
            _ => Stdout::Broken(error),
        };
    }
}

/// Prints a document as JSON on stdout.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn json(document: &impl serde::Serialize) -> serde_json::Result<()> {
    let text = serde_json::to_string_pretty(document)?;
    data(text::json(&text).as_bytes());
    data(b"\n");
    Ok(())
}

/// Says something on stderr, as this terminal can show it.
pub fn say(text: fmt::Arguments<'_>) {
    let text = text.to_string();
    let shown = text::shown(&text, console::colors_enabled_stderr(), text::ascii());
    // There is nobody to tell that nobody can be told.
    let _ = write_all(io::stderr().as_fd(), shown.as_bytes());
}

/// Says on stderr what somebody should know; the words may be those of others.
pub fn warn(words: &str) {
    errln!("warning: {}", text::visible(words));
}

/// stderr for what takes a writer.
pub struct Talk;

impl Write for Talk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        say(format_args!("{}", String::from_utf8_lossy(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From now on, a reader that does not read holds up the lab for a few seconds at most.
pub fn end_is_asked_for() {
    ENDING.store(true, Ordering::Relaxed);
}

/// Whether anything that is still printed would be seen: a command without an end ends when not.
pub fn is_seen() -> bool {
    matches!(*STDOUT.lock().unwrap_or_else(PoisonError::into_inner), Stdout::Open)
}

/// Why stdout broke, so that what was printed there has to be said elsewhere.
pub fn why_broken() -> Option<String> {
    match &*STDOUT.lock().unwrap_or_else(PoisonError::into_inner) {
        Stdout::Broken(error) => Some(error.to_string()),
        Stdout::Open | Stdout::Closed => None,
    }
}

/// Writes everything, without a buffer that could keep something back, also to a pipe that does not block.
///
/// # Errors
/// What the system says, and `TimedOut` where nobody reads and the lab has to end.
fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        wait_for_room(to)?;
        match rustix::io::write(to, &bytes[..bytes.len().min(PIECE)]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Waits until a write would not block. A write itself could not be called off.
fn wait_for_room(to: BorrowedFd<'_>) -> io::Result<()> {
    let mut out_of_patience_at = None;
    loop {
        match poll(&mut [PollFd::from_borrowed_fd(to, PollFlags::OUT)], Some(&LOOK_EVERY)) {
            Ok(0) | Err(Errno::INTR) => {}
            // Also what cannot be waited for: the write says why.
            _ => return Ok(()),
        }
        if ENDING.load(Ordering::Relaxed) {
            let out_of_patience_at = *out_of_patience_at.get_or_insert_with(|| Instant::now() + PATIENCE);
            if Instant::now() >= out_of_patience_at {
                return Err(ErrorKind::TimedOut.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_pipe_that_does_not_block_gets_everything() {
        let (mut reader, writer) = io::pipe().unwrap();
        rustix::io::ioctl_fionbio(&writer, true).unwrap();
        let long = vec![b'x'; 1 << 20];
        let sent = long.clone();
        let writing = std::thread::spawn(move || write_all(writer.as_fd(), &sent));
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        writing.join().unwrap().unwrap();
        assert!(read == long);
    }

    #[test]
    fn a_full_disk_and_a_reader_who_left_are_told_apart() {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let error = write_all(full.as_fd(), b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let error = write_all(writer.as_fd(), b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    }
}
