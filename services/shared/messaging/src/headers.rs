//! What travels beside a message.

use observability::{TRACEPARENT, TRACESTATE, TraceContext};
use rdkafka::message::{BorrowedHeaders, Header, Headers, OwnedHeaders};

/// How often it was tried before: absent, or from 1.
pub const ATTEMPTS: &str = "x-attempts";
/// When it is due again, in milliseconds since 1970.
pub const DUE_MS: &str = "x-due-ms";
/// Why it was moved here.
pub const REASON: &str = "x-reason";
/// The topic, the partition and the offset at which it was first.
pub const ORIGIN: [&str; 3] = ["x-origin-topic", "x-origin-partition", "x-origin-offset"];

/// The text of the first header of this name.
pub(crate) fn text<'a>(headers: Option<&'a BorrowedHeaders>, name: &str) -> Option<&'a str> {
    headers?
        .iter()
        .find(|header| header.key == name)
        .and_then(|header| std::str::from_utf8(header.value?).ok())
}

/// One header.
pub(crate) fn with(headers: OwnedHeaders, name: &str, value: &str) -> OwnedHeaders {
    headers.insert(Header {
        key: name,
        value: Some(value),
    })
}

/// The values of all headers of this name; a header may have none.
fn all<'a>(headers: Option<&'a BorrowedHeaders>, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
    let headers = headers.into_iter().flat_map(Headers::iter);
    headers
        .filter(move |header| header.key == name)
        .map(|header| header.value.unwrap_or_default())
}

/// A part of the trace that a message came in, or of a new one.
pub(crate) fn trace(headers: Option<&BorrowedHeaders>) -> TraceContext {
    TraceContext::received(all(headers, TRACEPARENT), all(headers, TRACESTATE))
}

/// The trace of the task that is running, if it has one.
pub(crate) fn of_this_task() -> OwnedHeaders {
    match TraceContext::current() {
        Some(context) => of_trace(&context.to_string(), context.state()),
        None => OwnedHeaders::new(),
    }
}

/// The headers that hand on a trace.
pub(crate) fn of_trace(traceparent: &str, tracestate: Option<&str>) -> OwnedHeaders {
    let headers = with(OwnedHeaders::new(), TRACEPARENT, traceparent);
    match tracestate {
        Some(state) => with(headers, TRACESTATE, state),
        None => headers,
    }
}
