//! The log of an instance as text: bytes of somebody else's program, which come in pieces.

/// The longest line that is waited for; a longer one is shown in parts, bytes.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// Makes whole lines of pieces, so that no character is cut where a piece ends.
#[derive(Debug, Default)]
pub struct LogText {
    open: Vec<u8>,
}

impl LogText {
    /// The lines that another piece completes, each with its end. What is not UTF-8 becomes `\u{fffd}`.
    pub fn take(&mut self, bytes: &[u8]) -> String {
        self.open.extend_from_slice(bytes);
        let whole = match self.open.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None if self.open.len() > LINE_BYTES_MAX => self.open.len(),
            None => 0,
        };
        let lines: Vec<u8> = self.open.drain(..whole).collect();
        text(&lines)
    }

    /// The last line, which has no end.
    pub fn rest(&mut self) -> String {
        text(&std::mem::take(&mut self.open))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace("\r\n", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_comes_in_two_pieces_is_one() {
        let mut log = LogText::default();
        let (first, second) = "a\r\nµs\nend".as_bytes().split_at(4);
        assert_eq!(log.take(first), "a\n");
        assert_eq!(log.take(second), "µs\n");
        assert_eq!(log.rest(), "end");
        assert_eq!(log.take(b"\xff\n"), "\u{fffd}\n");
    }

    #[test]
    fn a_line_without_end_is_shown_in_parts() {
        let mut log = LogText::default();
        let long = vec![b'x'; LINE_BYTES_MAX];
        assert_eq!(log.take(&long), "");
        assert_eq!(log.take(b"y").len(), LINE_BYTES_MAX + 1);
    }
}
