//! What clients are answered, in the version of the protocol that they chose.

use std::borrow::Cow;

use super::text_of_float;

/// The version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Protocol {
    /// The one that every client begins with.
    #[default]
    Two,
    /// With maps, sets and floats, for clients that say HELLO 3.
    Three,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    Status(Cow<'static, [u8]>),
    Error(Failure),
    Integer(i64),
    Float(f64),
    Text(Vec<u8>),
    /// No value.
    Nothing,
    /// No array of values.
    NoArray,
    Array(Vec<Reply>),
    Set(Vec<Reply>),
    Map(Vec<(Reply, Reply)>),
    /// Pairs in an order, such as members and their scores.
    Pairs(Vec<(Reply, Reply)>),
}

/// Why a command is not done: a code in capitals and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure(pub(crate) Cow<'static, [u8]>);

impl Failure {
    pub(crate) const fn of(text: &'static str) -> Self {
        Self(Cow::Borrowed(text.as_bytes()))
    }

    pub(crate) fn new(text: impl Into<Vec<u8>>) -> Self {
        Self(Cow::Owned(text.into()))
    }
}

impl Reply {
    pub(crate) const OK: Self = Self::status("OK");

    pub(crate) const fn status(text: &'static str) -> Self {
        Self::Status(Cow::Borrowed(text.as_bytes()))
    }

    pub(crate) fn text(text: impl Into<Vec<u8>>) -> Self {
        Self::Text(text.into())
    }

    /// A number of things.
    pub(crate) fn count(number: usize) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }

    pub(crate) fn maybe(text: Option<impl Into<Vec<u8>>>) -> Self {
        text.map_or(Self::Nothing, Self::text)
    }

    /// Appends the answer as it is sent.
    pub(crate) fn write(&self, protocol: Protocol, to: &mut Vec<u8>) {
        let two = protocol == Protocol::Two;
        match self {
            Self::Status(text) => line(to, b'+', text),
            Self::Error(Failure(text)) => {
                to.push(b'-');
                // A line is what ends an error.
                to.extend(
                    text.iter()
                        .map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte }),
                );
                to.extend_from_slice(b"\r\n");
            }
            Self::Integer(number) => line(to, b':', number.to_string().as_bytes()),
            Self::Float(number) if two => bulk(to, text_of_float(*number).as_bytes()),
            Self::Float(number) => line(to, b',', text_of_float(*number).as_bytes()),
            Self::Text(text) => bulk(to, text),
            Self::Nothing if two => to.extend_from_slice(b"$-1\r\n"),
            Self::NoArray if two => to.extend_from_slice(b"*-1\r\n"),
            Self::Nothing | Self::NoArray => to.extend_from_slice(b"_\r\n"),
            Self::Array(replies) => many(to, b'*', replies, protocol),
            Self::Set(replies) => many(to, if two { b'*' } else { b'~' }, replies, protocol),
            Self::Map(pairs) => {
                let (kind, length) = if two {
                    (b'*', 2 * pairs.len())
                } else {
                    (b'%', pairs.len())
                };
                line(to, kind, length.to_string().as_bytes());
                write_pairs(to, pairs, b"", protocol);
            }
            Self::Pairs(pairs) => {
                let (length, each) = if two {
                    (2 * pairs.len(), &b""[..])
                } else {
                    (pairs.len(), &b"*2\r\n"[..])
                };
                line(to, b'*', length.to_string().as_bytes());
                write_pairs(to, pairs, each, protocol);
            }
        }
    }
}

impl From<Result<Reply, Failure>> for Reply {
    fn from(answer: Result<Reply, Failure>) -> Self {
        answer.unwrap_or_else(Reply::Error)
    }
}

fn line(to: &mut Vec<u8>, kind: u8, text: &[u8]) {
    to.push(kind);
    to.extend_from_slice(text);
    to.extend_from_slice(b"\r\n");
}

fn bulk(to: &mut Vec<u8>, text: &[u8]) {
    line(to, b'$', text.len().to_string().as_bytes());
    to.extend_from_slice(text);
    to.extend_from_slice(b"\r\n");
}

fn many(to: &mut Vec<u8>, kind: u8, replies: &[Reply], protocol: Protocol) {
    line(to, kind, replies.len().to_string().as_bytes());
    for reply in replies {
        reply.write(protocol, to);
    }
}

fn write_pairs(to: &mut Vec<u8>, pairs: &[(Reply, Reply)], before_each: &[u8], protocol: Protocol) {
    for (first, second) in pairs {
        to.extend_from_slice(before_each);
        first.write(protocol, to);
        second.write(protocol, to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(reply: &Reply, protocol: Protocol) -> String {
        let mut bytes = Vec::new();
        reply.write(protocol, &mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn what_only_the_newer_protocol_knows_is_flat_in_the_older_one() {
        let pair = || vec![(Reply::text("a"), Reply::Float(1.5))];
        for (reply, two, three) in [
            (Reply::Nothing, "$-1\r\n", "_\r\n"),
            (Reply::NoArray, "*-1\r\n", "_\r\n"),
            (
                Reply::Map(pair()),
                "*2\r\n$1\r\na\r\n$3\r\n1.5\r\n",
                "%1\r\n$1\r\na\r\n,1.5\r\n",
            ),
            (
                Reply::Pairs(pair()),
                "*2\r\n$1\r\na\r\n$3\r\n1.5\r\n",
                "*1\r\n*2\r\n$1\r\na\r\n,1.5\r\n",
            ),
            (Reply::Set(vec![Reply::Integer(1)]), "*1\r\n:1\r\n", "~1\r\n:1\r\n"),
        ] {
            assert_eq!(written(&reply, Protocol::Two), two);
            assert_eq!(written(&reply, Protocol::Three), three);
        }
    }

    #[test]
    fn an_error_is_one_line() {
        let error = Reply::Error(Failure::new("ERR a\r\nb"));
        assert_eq!(written(&error, Protocol::Two), "-ERR a  b\r\n");
    }
}
