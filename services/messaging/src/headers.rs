//! What travels beside a message.

use observability::{TRACEPARENT, TraceContext};
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

/// The trace of the task that is running, if it has one.
pub(crate) fn of_this_task() -> OwnedHeaders {
    match TraceContext::current() {
        Some(context) => with(OwnedHeaders::new(), TRACEPARENT, &context.to_string()),
        None => OwnedHeaders::new(),
    }
}
