//! W3C Trace Context, level 2 (<https://www.w3.org/TR/trace-context-2/>): the `traceparent` and `tracestate` headers.

use std::fmt;
use std::future::Future;
use std::str::FromStr;

use http::{HeaderMap, HeaderValue};

use crate::tracestate::{TraceState, trimmed};

/// Name of the header that says where in a trace a request is.
pub const TRACEPARENT: &str = "traceparent";
/// Name of the header in which tracing systems keep what is theirs.
pub const TRACESTATE: &str = "tracestate";

tokio::task_local! {
    static CURRENT: TraceContext;
}

/// Where a request is in its trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace; never zero.
    pub trace_id: u128,
    /// The part of the trace that is at work; never zero.
    pub span_id: u64,
    /// Bit 0: the caller records this trace. Bit 1: the trace id is random. The others are zero.
    pub flags: u8,
    /// What other tracing systems keep with the trace.
    state: TraceState,
}

/// Why a `traceparent` was not understood. Such a header is ignored and a new trace begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidTraceparent;

impl fmt::Display for InvalidTraceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a traceparent of the form 00-<32 hex digits>-<16 hex digits>-<2 hex digits>")
    }
}

impl std::error::Error for InvalidTraceparent {}

/// Bit 0 of the flags: recorded by the caller.
const SAMPLED: u8 = 1;
/// Bit 1 of the flags: the trace id was drawn at random.
const RANDOM: u8 = 2;
/// `00-` + 32 + `-` + 16 + `-` + 2 characters.
const LENGTH: usize = 55;

impl TraceContext {
    /// A new trace.
    #[must_use]
    pub fn start() -> Self {
        Self {
            // Zero means "invalid" in the standard; a draw of it is replaced.
            trace_id: rand::random::<u128>().max(1),
            span_id: rand::random::<u64>().max(1),
            flags: SAMPLED | RANDOM,
            state: TraceState::default(),
        }
    }

    /// A part of the same trace, caused by this one.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            span_id: rand::random::<u64>().max(1),
            ..self.clone()
        }
    }

    /// Continues the trace that a request carries, or starts one.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let values = |name| headers.get_all(name).iter().map(HeaderValue::as_bytes);
        Self::received(values(TRACEPARENT), values(TRACESTATE))
    }

    /// Continues the trace that all `traceparent` and `tracestate` headers of a message state, or starts one: when there
    /// is no `traceparent`, more than one, or one that is not understood. Then the state means nothing either.
    pub fn received<'a>(
        parents: impl IntoIterator<Item = &'a [u8]>,
        states: impl IntoIterator<Item = &'a [u8]>,
    ) -> Self {
        let mut parents = parents.into_iter();
        let parent = match (parents.next(), parents.next()) {
            (Some(only), None) => parse(only).ok(),
            _ => None,
        };
        parent.map_or_else(Self::start, |parent| Self {
            state: TraceState::read(states),
            ..parent.child()
        })
    }

    /// The context of the task that is running, when it is inside [`scope`](Self::scope).
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    /// Runs `work` within this context: its log lines carry the ids and its calls forward them.
    pub fn scope<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }

    /// Writes the headers that hand this context on.
    ///
    /// # Panics
    /// Never: digits, dashes and what a state may hold are allowed in a header.
    pub fn write_headers(&self, headers: &mut HeaderMap) {
        let value = |text: &[u8]| HeaderValue::from_bytes(text).expect("printable ASCII is allowed in a header");
        headers.insert(TRACEPARENT, value(&self.encode()));
        if let Some(state) = self.state() {
            headers.insert(TRACESTATE, value(state.as_bytes()));
        }
    }

    /// The value of the `tracestate` header, where there is any.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_str()
    }

    fn encode(&self) -> [u8; LENGTH] {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        write_hex(&mut text[3..35], self.trace_id);
        write_hex(&mut text[36..52], u128::from(self.span_id));
        write_hex(&mut text[53..55], u128::from(self.flags));
        text
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

impl FromStr for TraceContext {
    type Err = InvalidTraceparent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text.as_bytes())
    }
}

fn write_hex(digits: &mut [u8], mut value: u128) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(value & 0xf) as usize];
        value >>= 4;
    }
}

/// Version 00 must have exactly this form; a later version may append `-` and more, which is ignored (section 4.3). So are
/// flags that this version does not know (section 3.2.2.5).
fn parse(text: &[u8]) -> Result<TraceContext, InvalidTraceparent> {
    let text = std::str::from_utf8(text).map_err(|_| InvalidTraceparent)?;
    let text = trimmed(text).as_bytes();
    if text.len() < LENGTH || text[2] != b'-' || text[35] != b'-' || text[52] != b'-' {
        return Err(InvalidTraceparent);
    }
    let version = read_hex(&text[0..2])?;
    let well_ended = match version {
        0 => text.len() == LENGTH,
        0xff => false,
        _ => text.len() == LENGTH || text[LENGTH] == b'-',
    };
    let trace_id = read_hex(&text[3..35])?;
    let span_id = read_hex(&text[36..52])?;
    let flags = read_hex(&text[53..55])?;
    if !well_ended || trace_id == 0 || span_id == 0 {
        return Err(InvalidTraceparent);
    }
    Ok(TraceContext {
        trace_id,
        span_id: span_id as u64,
        flags: flags as u8 & (SAMPLED | RANDOM),
        state: TraceState::default(),
    })
}

/// Lower-case digits only, as the standard demands.
fn read_hex(digits: &[u8]) -> Result<u128, InvalidTraceparent> {
    digits.iter().try_fold(0, |value: u128, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return Err(InvalidTraceparent),
        };
        Ok(value << 4 | u128::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{TRACEPARENT, TraceContext, TraceState};

    /// The example of the standard.
    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    proptest! {
        #[test]
        fn what_is_written_is_read_back(trace_id in 1..=u128::MAX, span_id in 1..=u64::MAX, flags in 0..4_u8) {
            let context = TraceContext { trace_id, span_id, flags, state: TraceState::default() };
            let mut headers = http::HeaderMap::new();
            context.write_headers(&mut headers);
            let value = headers[TRACEPARENT].to_str().unwrap();
            prop_assert_eq!(value, context.to_string());
            prop_assert_eq!(value.parse(), Ok(context));
        }

        #[test]
        fn nothing_makes_the_parser_panic(text in ".{0,80}") {
            let _ = text.parse::<TraceContext>();
        }

        #[test]
        fn a_single_wrong_character_is_refused_or_is_another_digit(at in 0..55_usize, wrong in "[g-zA-Z _.]") {
            // A blank at an end is no character of the value.
            prop_assume!(wrong != " " || (1..54).contains(&at));
            let mut text = EXAMPLE.to_owned();
            text.replace_range(at..=at, &wrong);
            prop_assert!(text.parse::<TraceContext>().is_err());
        }
    }

    #[test]
    fn reads_the_example() {
        let context: TraceContext = EXAMPLE.parse().unwrap();
        assert_eq!(context.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!((context.span_id, context.flags), (0x00f0_67aa_0ba9_02b7, 1));
    }

    #[test]
    fn zero_ids_version_ff_and_extra_text_in_version_00_are_refused() {
        for text in [
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            assert!(text.parse::<TraceContext>().is_err(), "{text}");
        }
        assert!(
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"
                .parse::<TraceContext>()
                .is_ok()
        );
        assert!(
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more"
                .parse::<TraceContext>()
                .is_err()
        );
    }
}
