//! The balancer's own answers.

use contract::Problem;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde::Serialize;

use crate::body::ResponseBody;

/// Names the instance that wrote an answer.
pub const X_INSTANCE: HeaderName = HeaderName::from_static("x-instance");

/// Names, in an answer of the balancer itself, the instance that did not answer.
pub const X_UPSTREAM: HeaderName = HeaderName::from_static(contract::UPSTREAM_HEADER);

/// A problem document with the status' own phrase as its title.
pub fn problem(status: StatusCode, detail: impl Into<String>) -> Response<ResponseBody> {
    let title = status.canonical_reason().unwrap_or("Error");
    json(
        status,
        Problem::MEDIA_TYPE,
        &Problem::new(status.as_u16(), title, detail),
    )
}

/// `value` as a JSON answer.
pub fn json(status: StatusCode, media_type: &'static str, value: &impl Serialize) -> Response<ResponseBody> {
    let text = serde_json::to_vec(value).expect("plain data with text keys is always JSON");
    text_answer(status, media_type, text)
}

/// Bytes as an answer that no cache may keep.
pub fn text_answer(
    status: StatusCode,
    media_type: &'static str,
    text: impl Into<bytes::Bytes>,
) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::own(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
