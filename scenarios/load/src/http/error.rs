//! What can be wrong with an answer.

/// Why an answer cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadError {
    /// It is not HTTP/1.
    Malformed,
    /// It exceeds a limit.
    Oversized,
}
