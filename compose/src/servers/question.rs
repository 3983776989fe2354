//! How a server is asked for a sign of life.

/// How the lab finds out whether a server is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignOfLife {
    /// It answers a GET of this path with 200.
    Http(&'static str),
    /// It answers [`Backing::ping`](super::Backing::ping); this says in a word what that does.
    Ping(&'static str),
}

/// What is asked with no more machinery than a socket, and how the start of the answer is judged.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// What is sent.
    pub words: &'static [u8],
    /// What is wrong with an answer, as the end of a sentence about the server.
    pub judge: fn(&[u8]) -> Result<(), String>,
}

impl Question {
    /// One whose answer holds this in its first line.
    pub(crate) fn said(answer: &[u8], good: &str) -> Result<(), String> {
        let answer = String::from_utf8_lossy(answer);
        let first = answer.lines().next().unwrap_or_default();
        match first.contains(good) {
            true => Ok(()),
            false => Err(format!("it answers {first:?}")),
        }
    }

    /// A GET in HTTP, given as the whole request, that is answered with 200.
    pub(crate) const fn http(request: &'static str) -> Self {
        Self {
            words: request.as_bytes(),
            judge: |answer| Self::said(answer, " 200 "),
        }
    }
}
