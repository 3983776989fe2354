//! How no instance gets lost between its start and its record.
//!
//! A system that was left running outlives the lab that changes it, and so would a process which that lab has started but
//! not yet written down when it is killed: nobody would know of it. So such a process does nothing at first. It waits at
//! its standard input for one byte, which it gets once the record names it; where the input ends without it, the lab has
//! gone, and so does the process.

use std::io::{self, Read, Write};

/// What is sent, which nobody reads the value of.
const ADMITTED: [u8; 1] = [b'\n'];

/// The argument that makes a process wait.
pub(super) const ARGUMENT: &str = "--once-recorded";

/// Lets a process go on. One that has ended meanwhile needs nothing.
pub(super) fn admit(mut input: impl Write) {
    let _ = input.write_all(&ADMITTED);
}

/// Waits until this process is written down. `false` when the lab that started it has ended before, and this process is to
/// end as well.
///
/// # Errors
/// When the lab cannot be listened to.
pub fn is_recorded(mut lab: impl Read) -> io::Result<bool> {
    let mut byte = [0];
    match lab.read_exact(&mut byte) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_admitted_goes_on_and_who_is_forgotten_ends() {
        let mut told = Vec::new();
        admit(&mut told);
        assert!(is_recorded(told.as_slice()).unwrap());
        assert!(!is_recorded(io::empty()).unwrap());
    }
}
