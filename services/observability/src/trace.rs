//! W3C Trace Context, level 1 (<https://www.w3.org/TR/trace-context/>): the `traceparent` header.

use std::fmt;
use std::future::Future;
use std::str::FromStr;

use http::{HeaderMap, HeaderValue};

/// Name of the header that carries the context.
pub const TRACEPARENT: &str = "traceparent";

tokio::task_local! {
    static CURRENT: TraceContext;
}

/// Where a request is in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace; never zero.
    pub trace_id: u128,
    /// The part of the trace that is at work; never zero.
    pub span_id: u64,
    /// Bit 0: the caller records this trace.
    pub flags: u8,
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
            flags: SAMPLED,
        }
    }

    /// A part of the same trace, caused by this one.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            span_id: rand::random::<u64>().max(1),
            ..*self
        }
    }

    /// Continues the trace that a request carries, or starts one.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Self {
        headers
            .get(TRACEPARENT)
            .and_then(|value| parse(value.as_bytes()).ok())
            .map_or_else(Self::start, |parent| parent.child())
    }

    /// The context of the task that is running, when it is inside [`scope`](Self::scope).
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|context| *context).ok()
    }

    /// Runs `work` within this context: its log lines carry the ids and its calls forward them.
    pub fn scope<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }

    /// The value of the header that hands this context on.
    #[must_use]
    pub fn header_value(&self) -> HeaderValue {
        HeaderValue::from_bytes(&self.encode()).expect("hexadecimal digits and dashes are allowed in a header")
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

/// Version 00 must have exactly this form; a later version may append `-` and more, which is ignored (section 4.3).
fn parse(text: &[u8]) -> Result<TraceContext, InvalidTraceparent> {
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
        flags: flags as u8,
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

    use super::{TRACEPARENT, TraceContext};

    /// The example of the standard.
    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    proptest! {
        #[test]
        fn what_is_written_is_read_back(trace_id in 1..=u128::MAX, span_id in 1..=u64::MAX, flags: u8) {
            let context = TraceContext { trace_id, span_id, flags };
            let value = context.header_value();
            prop_assert_eq!(value.to_str().unwrap(), context.to_string());
            prop_assert_eq!(value.to_str().unwrap().parse(), Ok(context));
        }

        #[test]
        fn nothing_makes_the_parser_panic(text in ".{0,80}") {
            let _ = text.parse::<TraceContext>();
        }

        #[test]
        fn a_single_wrong_character_is_refused_or_is_another_digit(at in 0..55_usize, wrong in "[g-zA-Z _.]") {
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

    #[test]
    fn a_request_continues_its_trace_in_a_span_of_its_own() {
        let mut headers = http::HeaderMap::new();
        headers.insert(TRACEPARENT, EXAMPLE.parse().unwrap());
        let context = TraceContext::from_headers(&headers);
        let parent: TraceContext = EXAMPLE.parse().unwrap();
        assert_eq!(context.trace_id, parent.trace_id);
        assert_ne!(context.span_id, parent.span_id);

        headers.insert(TRACEPARENT, "nonsense".parse().unwrap());
        assert_ne!(TraceContext::from_headers(&headers).trace_id, parent.trace_id);
    }
}
