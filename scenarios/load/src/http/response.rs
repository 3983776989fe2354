//! Reading answers from whatever pieces the network delivers (RFC 9112, sections 4 to 6).

use std::mem::MaybeUninit;

use super::chunked::Chunked;
use super::error::ReadError;

/// Longest head of an answer, bytes.
const HEAD_MAX: usize = 64 * 1_024;
/// Most header fields of an answer.
const FIELDS_MAX: usize = 128;
/// Longest body, bytes. Bodies are counted, not kept.
const BODY_MAX: u64 = 1 << 30;
/// Longest body that is kept in order to collect a field of it, bytes.
const KEPT_BODY_MAX: u64 = 1 << 20;
/// Header by which an answer names the instance that gave it.
const INSTANCE_HEADER: &str = "x-instance";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Head,
    Sized(u64),
    Chunked(Chunked),
    UntilClose,
    Done,
}

/// What was made of a piece of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fed {
    /// Bytes used. Fewer than given only when the answer is complete: the rest belongs to no request.
    pub(crate) used: usize,
    /// Whether the answer is complete.
    pub(crate) done: bool,
}

/// Reads one answer after the other, reusing its buffers.
#[derive(Debug)]
pub(crate) struct Reader {
    phase: Phase,
    /// Beginning of a head that came in pieces.
    head: Vec<u8>,
    body_len: u64,
    to_head_request: bool,
    keep_body: bool,
    started: bool,
    /// Status of the final answer.
    pub(crate) status: u16,
    /// Whether the connection may carry another request.
    pub(crate) keep_alive: bool,
    /// Value of the instance header, empty when absent.
    pub(crate) instance: Vec<u8>,
    /// The body, when it is to be kept.
    pub(crate) body: Vec<u8>,
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Head,
            head: Vec::new(),
            body_len: 0,
            to_head_request: false,
            keep_body: false,
            started: false,
            status: 0,
            keep_alive: false,
            instance: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Prepares for the answer to the next request.
    pub(crate) fn begin(&mut self, to_head_request: bool, keep_body: bool) {
        self.phase = Phase::Head;
        self.head.clear();
        self.body_len = 0;
        self.to_head_request = to_head_request;
        self.keep_body = keep_body;
        self.started = false;
        self.status = 0;
        self.instance.clear();
        self.body.clear();
    }

    /// Whether any byte of an answer has come.
    pub(crate) fn started(&self) -> bool {
        self.started
    }

    /// Takes the next piece.
    pub(crate) fn feed(&mut self, input: &[u8]) -> Result<Fed, ReadError> {
        self.started |= !input.is_empty();
        let mut used = 0;
        loop {
            let rest = &input[used..];
            match &mut self.phase {
                Phase::Done => return Ok(Fed { used, done: true }),
                _ if rest.is_empty() => return Ok(Fed { used, done: false }),
                Phase::Head => used += self.feed_head(rest)?,
                Phase::Sized(left) => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= taken as u64;
                    if *left == 0 {
                        self.phase = Phase::Done;
                    }
                    self.take_body(&rest[..taken])?;
                    used += taken;
                }
                Phase::Chunked(chunked) => {
                    let step = chunked.step(rest)?;
                    if step.done {
                        self.phase = Phase::Done;
                    }
                    self.take_body(&rest[step.used - step.data..step.used])?;
                    used += step.used;
                }
                Phase::UntilClose => {
                    self.take_body(rest)?;
                    used = input.len();
                }
            }
        }
    }

    /// The connection ended; true when that completes the answer.
    pub(crate) fn end(&mut self) -> bool {
        self.phase == Phase::UntilClose
    }

    /// Takes bytes of a head, and all of it once it is complete. Returns how many bytes of `input` were used.
    fn feed_head(&mut self, input: &[u8]) -> Result<usize, ReadError> {
        if self.head.is_empty() {
            // The customary case: the whole head lies in one piece and is read in place.
            return match self.parse_head(input)? {
                Some(length) => Ok(length),
                None => self.stash(input),
            };
        }
        let before = self.head.len();
        let room = HEAD_MAX - before;
        let mut head = std::mem::take(&mut self.head);
        head.extend_from_slice(&input[..input.len().min(room)]);
        let parsed = self.parse_head(&head)?;
        self.head = head;
        match parsed {
            Some(length) => {
                self.head.clear();
                Ok(length - before)
            }
            None if self.head.len() == HEAD_MAX => Err(ReadError::Oversized),
            None => Ok(input.len()),
        }
    }

    fn stash(&mut self, input: &[u8]) -> Result<usize, ReadError> {
        if input.len() >= HEAD_MAX {
            return Err(ReadError::Oversized);
        }
        self.head.extend_from_slice(input);
        Ok(input.len())
    }

    /// Parses a head that begins `bytes`; its length if it is complete.
    fn parse_head(&mut self, bytes: &[u8]) -> Result<Option<usize>, ReadError> {
        let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MAX];
        let mut head = httparse::Response::new(&mut []);
        let parsed =
            httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut head, bytes, &mut fields);
        let length = match parsed {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => return Err(ReadError::Oversized),
            Err(_) => return Err(ReadError::Malformed),
        };
        let status = head.code.ok_or(ReadError::Malformed)?;
        match status {
            // No request asks for a change of protocol.
            0..100 | 101 => return Err(ReadError::Malformed),
            // An interim answer; the final one follows.
            102..200 | 100 => return Ok(Some(length)),
            _ => self.status = status,
        }
        let framing = Framing::of(head.version == Some(1), head.headers)?;
        self.keep_alive = framing.keep_alive;
        if let Some(instance) = framing.instance {
            self.instance.extend_from_slice(instance);
        }
        self.phase = if self.to_head_request || matches!(status, 204 | 304) {
            Phase::Done
        } else if framing.chunked {
            Phase::Chunked(Chunked::new())
        } else {
            match framing.length {
                Some(0) => Phase::Done,
                Some(length) if length > BODY_MAX => return Err(ReadError::Oversized),
                Some(length) => Phase::Sized(length),
                None => {
                    self.keep_alive = false;
                    Phase::UntilClose
                }
            }
        };
        Ok(Some(length))
    }

    fn take_body(&mut self, data: &[u8]) -> Result<(), ReadError> {
        self.body_len += data.len() as u64;
        let limit = if self.keep_body { KEPT_BODY_MAX } else { BODY_MAX };
        if self.body_len > limit {
            return Err(ReadError::Oversized);
        }
        if self.keep_body {
            self.body.extend_from_slice(data);
        }
        Ok(())
    }
}

/// What the header fields say about the body and the connection.
struct Framing<'a> {
    chunked: bool,
    length: Option<u64>,
    keep_alive: bool,
    instance: Option<&'a [u8]>,
}

impl<'a> Framing<'a> {
    fn of(is_http_1_1: bool, fields: &[httparse::Header<'a>]) -> Result<Self, ReadError> {
        let mut framing = Self {
            chunked: false,
            length: None,
            keep_alive: is_http_1_1,
            instance: None,
        };
        let mut coded = false;
        let mut close = false;
        for field in fields {
            // A switch on the length first: most fields are none of these.
            match field.name.len() {
                10 if field.name.eq_ignore_ascii_case("connection") => {
                    for option in items(field.value) {
                        close |= option.eq_ignore_ascii_case(b"close");
                        framing.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                    }
                }
                10 if field.name.eq_ignore_ascii_case(INSTANCE_HEADER) => {
                    framing.instance = Some(field.value);
                }
                14 if field.name.eq_ignore_ascii_case("content-length") => {
                    for item in field.value.split(|&byte| byte == b',') {
                        let length = decimal(item.trim_ascii())?;
                        // Two lengths that differ are how answers are smuggled.
                        if framing.length.replace(length).is_some_and(|before| before != length) {
                            return Err(ReadError::Malformed);
                        }
                    }
                }
                17 if field.name.eq_ignore_ascii_case("transfer-encoding") => {
                    for coding in items(field.value) {
                        coded = true;
                        // Chunked must come last and once; what follows it cannot be framed.
                        if framing.chunked {
                            return Err(ReadError::Malformed);
                        }
                        framing.chunked = coding.eq_ignore_ascii_case(b"chunked");
                    }
                }
                _ => {}
            }
        }
        if coded {
            // A coding overrides a length, and whoever sends both, or codes in HTTP/1.0, is not to be trusted with a
            // second request (RFC 9112, section 6.3).
            close |= framing.length.is_some() || !is_http_1_1;
            framing.length = None;
        }
        framing.keep_alive &= !close;
        Ok(framing)
    }
}

/// The items of a comma-separated list, empty ones left out.
fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&byte| byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|item| !item.is_empty())
}

fn decimal(text: &[u8]) -> Result<u64, ReadError> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Err(ReadError::Malformed);
    }
    text.iter()
        .try_fold(0_u64, |sum, &digit| {
            sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        })
        .ok_or(ReadError::Oversized)
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
