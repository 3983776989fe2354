//! What clients send: arrays of strings, or lines of words. What is kept grows with what arrives, never with what is
//! announced.

use super::inline::words;
use super::integer_of;

/// The longest line: a command that is typed, or the length of something.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// The most strings of one command.
const ARGUMENTS_MAX: i64 = 1024 * 1024;
/// The longest string, as Redis has it.
pub(crate) const STRING_BYTES_MAX: usize = 512 * 1024 * 1024;
/// The longest command.
const COMMAND_BYTES_MAX: usize = STRING_BYTES_MAX + LINE_BYTES_MAX;
/// What a connection that waits for its next command may keep.
const KEPT_BYTES_MAX: usize = 64 * 1024;
const LINE_END: usize = 2;

/// Why a connection is answered with an error and closed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ProtocolError(pub(crate) String);

impl ProtocolError {
    fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// A command of which some strings are here.
#[derive(Debug, Default)]
struct Begun {
    /// How many strings are still to come.
    missing: i64,
    arguments: Vec<Vec<u8>>,
    bytes: usize,
    /// The length of the next string, where it is here.
    length: Option<usize>,
}

/// Turns bytes into commands.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    /// What has arrived; whatever lies before `at` was given out.
    arrived: Vec<u8>,
    at: usize,
    /// How many bytes of the next line are known to hold no end of it.
    searched: usize,
    begun: Option<Begun>,
}

impl Requests {
    /// Where the next bytes are to be put.
    pub(crate) fn room(&mut self) -> &mut Vec<u8> {
        self.arrived.drain(..self.at);
        self.at = 0;
        if self.arrived.is_empty() && self.arrived.capacity() > KEPT_BYTES_MAX {
            self.arrived = Vec::new();
        }
        if self.arrived.capacity() - self.arrived.len() < KEPT_BYTES_MAX / 4 {
            self.arrived.reserve(KEPT_BYTES_MAX / 4);
        }
        &mut self.arrived
    }

    /// The next command that is here as a whole; an empty one is to be passed over.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<Vec<u8>>>, ProtocolError> {
        if self.begun.is_none() {
            match self.arrived.get(self.at) {
                None => return Ok(None),
                Some(b'*') => {
                    let Some(line) = self.line("too big mbulk count string")? else {
                        return Ok(None);
                    };
                    let count = integer_of(&self.arrived[line.start + 1..line.end]);
                    let count = count.filter(|count| *count <= ARGUMENTS_MAX);
                    let missing = count.ok_or_else(|| ProtocolError::new("invalid multibulk length"))?;
                    self.begun = Some(Begun {
                        missing,
                        ..Begun::default()
                    });
                }
                Some(_) => {
                    let Some(line) = self.line("too big inline request")? else {
                        return Ok(None);
                    };
                    let unbalanced = || ProtocolError::new("unbalanced quotes in request");
                    return words(&self.arrived[line]).ok_or_else(unbalanced).map(Some);
                }
            }
        }
        self.strings()
    }

    /// Takes the strings that are here.
    fn strings(&mut self) -> Result<Option<Vec<Vec<u8>>>, ProtocolError> {
        let mut begun = self.begun.take().unwrap_or_default();
        while begun.missing > 0 {
            let Some(length) = self.length(&mut begun)? else {
                self.begun = Some(begun);
                return Ok(None);
            };
            let end = self.at + length;
            if self.arrived.len() < end + LINE_END {
                self.begun = Some(begun);
                return Ok(None);
            }
            begun.arguments.push(self.arrived[self.at..end].to_vec());
            begun.bytes += length;
            begun.missing -= 1;
            begun.length = None;
            // Whatever the two bytes behind it are: Redis does not look at them either.
            self.at = end + LINE_END;
        }
        Ok(Some(begun.arguments))
    }

    /// The length of the next string, if that much is here.
    fn length(&mut self, begun: &mut Begun) -> Result<Option<usize>, ProtocolError> {
        if begun.length.is_some() {
            return Ok(begun.length);
        }
        let Some(line) = self.line("too big bulk count string")? else {
            return Ok(None);
        };
        let line = &self.arrived[line];
        match line.split_first() {
            Some((b'$', digits)) => {
                let length = integer_of(digits).and_then(|length| usize::try_from(length).ok());
                let fits = |length: &usize| *length <= STRING_BYTES_MAX && begun.bytes + *length <= COMMAND_BYTES_MAX;
                begun.length = Some(
                    length
                        .filter(fits)
                        .ok_or_else(|| ProtocolError::new("invalid bulk length"))?,
                );
                Ok(begun.length)
            }
            other => {
                let got = other.map_or('\r', |(first, _)| char::from(*first));
                Err(ProtocolError::new(format!("expected '$', got '{got}'")))
            }
        }
    }

    /// The next line without its end, if it is here.
    fn line(&mut self, too_long: &str) -> Result<Option<std::ops::Range<usize>>, ProtocolError> {
        let start = self.at;
        let here = &self.arrived[start..];
        let end = here
            .iter()
            .take(LINE_BYTES_MAX + 1)
            .skip(self.searched)
            .position(|byte| *byte == b'\n');
        let Some(length) = end.map(|end| self.searched + end) else {
            self.searched = here.len();
            return if here.len() > LINE_BYTES_MAX {
                Err(ProtocolError::new(too_long))
            } else {
                Ok(None)
            };
        };
        self.searched = 0;
        self.at = start + length + 1;
        let end = if here[..length].ends_with(b"\r") {
            length - 1
        } else {
            length
        };
        Ok(Some(start..start + end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8], step: usize) -> Result<Vec<Vec<Vec<u8>>>, ProtocolError> {
        let mut requests = Requests::default();
        let mut commands = Vec::new();
        for part in bytes.chunks(step) {
            requests.room().extend_from_slice(part);
            while let Some(command) = requests.next()? {
                commands.push(command);
            }
        }
        Ok(commands)
    }

    #[test]
    fn commands_come_one_by_one_however_they_were_sent() {
        let bytes = b"*2\r\n$3\r\nGET\r\n$3\r\na\r\n\r\nPING 'a b'\r\n*0\r\n*1\r\n$0\r\n\r\nECHO x\n";
        let expected: Vec<Vec<&[u8]>> = vec![
            vec![b"GET", b"a\r\n"],
            vec![b"PING", b"a b"],
            vec![],
            vec![b""],
            vec![b"ECHO", b"x"],
        ];
        for step in 1..bytes.len() {
            assert_eq!(all(bytes, step).unwrap(), expected, "{step} bytes at a time");
        }
    }

    #[test]
    fn what_is_announced_takes_no_room() {
        let mut requests = Requests::default();
        requests.room().extend_from_slice(b"*1000000\r\n$500000000\r\nab");
        assert_eq!(requests.next(), Ok(None));
        let begun = requests.begun.as_ref().unwrap();
        assert!(requests.arrived.capacity() < 2 * KEPT_BYTES_MAX && begun.arguments.capacity() == 0);
    }

    #[test]
    fn what_is_malformed_is_refused_in_redis_own_words() {
        let long = [b"*1\r\n$".to_vec(), vec![b'1'; LINE_BYTES_MAX + 1]].concat();
        for (bytes, why) in [
            (&b"*a\r\n"[..], "invalid multibulk length"),
            (b"*1048577\r\n", "invalid multibulk length"),
            (b"*1\r\n:1\r\n", "expected '$', got ':'"),
            (b"*1\r\n$-1\r\n", "invalid bulk length"),
            (b"*1\r\n$536870913\r\n", "invalid bulk length"),
            (b"GET 'a\r\n", "unbalanced quotes in request"),
            (&long, "too big bulk count string"),
            (&[b'a'; LINE_BYTES_MAX + 1], "too big inline request"),
        ] {
            assert_eq!(all(bytes, usize::MAX).unwrap_err(), ProtocolError::new(why));
        }
    }

    #[test]
    fn attack_commands() {
        attack::Attack::new("commands", env!("CARGO_MANIFEST_DIR"))
            .input(&b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\nbc\r\nPING\r\n"[..])
            .input(&b"SET \"a\\x41\" 'b c'\r\n*0\r\n*-1\r\n"[..])
            .word("\r\n")
            .word("$536870912\r\n")
            .word("*1048576\r\n")
            .word("\\x")
            .run(20_000, |bytes| {
                let whole = all(bytes, usize::MAX);
                assert_eq!(whole, all(bytes, 1), "the same however it was sent");
                let given: usize = whole.iter().flatten().flatten().map(Vec::len).sum();
                assert!(given <= bytes.len(), "no more comes out than went in");
            });
    }
}
