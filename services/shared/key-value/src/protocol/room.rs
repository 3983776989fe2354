//! How long an answer may be.

use super::{Answer, Failure, Reply};

/// The longest answer of many parts, as it is kept until it is sent. A single string may be longer.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;
const ANSWER_TOO_LONG: Failure = Failure::of("ERR the answer is longer than 256 MB");

/// The room that an answer has left.
#[derive(Debug)]
pub(crate) struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(ANSWER_BYTES_MAX)
    }
}

impl Room {
    /// Takes what one part of an answer needs.
    ///
    /// # Errors
    /// When there is no more.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), Failure> {
        self.0 = self.0.checked_sub(bytes).ok_or(ANSWER_TOO_LONG)?;
        Ok(())
    }
}

impl Reply {
    /// Texts, unless they are too long together.
    pub(crate) fn texts<T: Into<Vec<u8>>>(texts: impl IntoIterator<Item = T>) -> Answer {
        all(texts.into_iter().map(Self::text)).map(Self::Array)
    }

    /// The memory that an answer takes, whatever it holds.
    pub(crate) fn bytes(&self) -> usize {
        let held = match self {
            Self::Status(text) | Self::Error(Failure(text)) => text.len(),
            Self::Text(text) => text.len(),
            Self::Integer(_) | Self::Float(_) | Self::Nothing | Self::NoArray => 0,
            Self::Array(parts) | Self::Set(parts) => parts.iter().map(Self::bytes).sum(),
            Self::Map(pairs) | Self::Pairs(pairs) => {
                pairs.iter().map(|(first, second)| first.bytes() + second.bytes()).sum()
            }
        };
        size_of::<Self>() + held
    }
}

/// Collects the parts of an answer.
///
/// # Errors
/// When they are too long together; what comes after is then not made.
pub(crate) fn all(parts: impl IntoIterator<Item = Reply>) -> Result<Vec<Reply>, Failure> {
    let mut room = Room::default();
    let fitting = parts.into_iter().map(|part| room.take(part.bytes()).map(|()| part));
    fitting.collect()
}

/// Collects parts that come in pairs.
///
/// # Errors
/// When they are too long together.
pub(crate) fn all_pairs(parts: impl IntoIterator<Item = (Reply, Reply)>) -> Result<Vec<(Reply, Reply)>, Failure> {
    let mut room = Room::default();
    let fitting = parts
        .into_iter()
        .map(|pair| room.take(pair.0.bytes() + pair.1.bytes()).map(|()| pair));
    fitting.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_parts_are_made_than_fit() {
        let text = || Reply::text(vec![b'x'; 1024 * 1024]);
        let mut made = 0;
        let parts = (0..1_000).map(|_| {
            made += 1;
            text()
        });
        assert_eq!(all(parts), Err(ANSWER_TOO_LONG));
        assert_eq!(made, 256, "the last one is too much");
        assert_eq!(all_pairs((0..1_000).map(|_| (text(), text()))), Err(ANSWER_TOO_LONG));
        assert_eq!(all((0..3).map(Reply::Integer)).map(|parts| parts.len()), Ok(3));
        let nested = Reply::Map(vec![(text(), Reply::Array(vec![text()]))]);
        assert!(nested.bytes() > 2 * 1024 * 1024);
    }
}
