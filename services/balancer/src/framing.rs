//! Where a message ends, as its head says it (RFC 9112, section 6).

use http::HeaderMap;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};

/// The transfer codings of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codings {
    /// It has none.
    None,
    /// Chunks, the one coding that everybody knows.
    Chunked,
    /// Chunks of chunks, which nobody may send.
    Twice,
    /// Others. They would be lost on the way: the field speaks of one connection, while the body stays coded.
    Unknown,
}

/// Why an answer cannot be passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// A transfer coding that the balancer does not know.
    #[error("its transfer coding is not chunked")]
    Coding,
    /// A length that is no number, or several that differ.
    #[error("its Content-Length is not one number")]
    Length,
    /// Another protocol from here on, although the balancer asks nobody for one.
    #[error("it switched protocols, which nobody had asked for")]
    Switched,
}

impl Codings {
    /// Reads them.
    pub fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(TRANSFER_ENCODING).into_iter();
        let mut found = Self::None;
        let mut is_empty = true;
        for value in values {
            let codings = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            is_empty = false;
            for coding in codings.filter(|coding| !coding.is_empty()) {
                found = match (coding.eq_ignore_ascii_case(b"chunked"), found) {
                    (true, Self::None) => Self::Chunked,
                    (true, Self::Chunked | Self::Twice) => Self::Twice,
                    (false, _) | (_, Self::Unknown) => return Self::Unknown,
                };
            }
        }
        if found == Self::None && !is_empty {
            // A field that names nothing.
            return Self::Unknown;
        }
        found
    }
}

/// The length that a head states, in bytes. It may state the same more than once.
///
/// # Errors
/// When it is not one number.
pub fn content_length(headers: &HeaderMap) -> Result<Option<u64>, AnswerError> {
    let mut length = None;
    for value in headers.get_all(CONTENT_LENGTH) {
        for item in value.as_bytes().split(|byte| *byte == b',') {
            let stated = number(item.trim_ascii()).ok_or(AnswerError::Length)?;
            if length.replace(stated).is_some_and(|before| before != stated) {
                return Err(AnswerError::Length);
            }
        }
    }
    Ok(length)
}

/// Digits alone: a sign is not one.
pub fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    text.iter().try_fold(0_u64, |sum, digit| {
        sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })
}
