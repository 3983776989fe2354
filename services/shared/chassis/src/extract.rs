//! Extractors that refuse with a problem document.

use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::{QueryRejection, RawPathParamsRejection};
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use contract::limits::{BODY_BYTES_MAX, LIST_ROWS_DEFAULT, LIST_ROWS_MAX};
use contract::{Validate, Violation};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Failure;

/// How much of a body that is too long is still read, in bytes, so that its sender gets to read the answer: a
/// connection closed with unread input is reset, and the answer may be lost with it.
const DISCARDED_BYTES_MAX: usize = 1024 * 1024;

/// How long a body may take to arrive, whatever its length.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A JSON body. As an argument it is read, parsed (see [`contract::json`]) and validated; as an answer it is written.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

/// A body as it came, up to [`BODY_BYTES_MAX`].
#[derive(Debug, Clone)]
pub struct BodyBytes(pub Bytes);

/// The parameter of a path, which has one.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

/// What can be the parameter of a path. Each value has one spelling: `/accounts/01` is not `/accounts/1`. (`%31` is: RFC
/// 3986, section 6.2.2.2, has them equal, so it is decoded before it gets here.)
pub trait PathParameter: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// What it must be.
    fn read(text: &str) -> Result<Self, &'static str>;
}

impl PathParameter for i64 {
    fn read(text: &str) -> Result<Self, &'static str> {
        let number = text.parse::<Self>().ok();
        number
            .filter(|number| number.to_string() == text)
            .ok_or("a whole number of 64 bits, without leading zeros and without a plus sign")
    }
}

impl PathParameter for String {
    fn read(text: &str) -> Result<Self, &'static str> {
        Ok(text.to_owned())
    }
}

/// The parameters of a query.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

/// How many rows of a list are asked for: `?limit=`, from 1 to [`LIST_ROWS_MAX`], by default [`LIST_ROWS_DEFAULT`].
#[derive(Debug, Clone, Copy)]
pub struct RowLimit(pub i64);

/// Reads a whole body of at most `bytes_max` bytes.
///
/// # Errors
/// 413 when it is longer, 400 when it ends early, 408 when it is not there after half a minute.
pub async fn read_body(body: Body, bytes_max: usize) -> Result<Bytes, Failure> {
    read_within(BODY_TIMEOUT, body, bytes_max).await
}

async fn read_within(limit: Duration, body: Body, bytes_max: usize) -> Result<Bytes, Failure> {
    match tokio::time::timeout(limit, collect(body, bytes_max)).await {
        Ok(read) => read,
        Err(_) => Err(Failure::request_timeout(format!(
            "the body did not arrive within {} s",
            limit.as_secs_f64()
        ))),
    }
}

async fn collect(mut body: Body, bytes_max: usize) -> Result<Bytes, Failure> {
    let mut collected = BytesMut::new();
    let mut first = Bytes::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::bad_request(format!("the body did not arrive whole: {error}")))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let before = length;
        length += data.len();
        if length > bytes_max + DISCARDED_BYTES_MAX {
            break;
        }
        if length > bytes_max {
            (first, collected) = (Bytes::new(), BytesMut::new());
        } else if before == 0 {
            // Nearly every body comes in one piece, which needs no copy.
            first = data;
        } else {
            if collected.is_empty() {
                collected.extend_from_slice(&first);
            }
            collected.extend_from_slice(&data);
        }
    }
    if length > bytes_max {
        return Err(Failure::too_large(format!(
            "the body may have {bytes_max} bytes at most"
        )));
    }
    Ok(if collected.is_empty() {
        first
    } else {
        collected.freeze()
    })
}

impl<S: Sync> FromRequest<S> for BodyBytes {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        read_body(request.into_body(), BODY_BYTES_MAX).await.map(Self)
    }
}

impl<T: DeserializeOwned + Validate, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let is_json = is_json(request.headers());
        // Read first, whatever the type: see `DISCARDED_BYTES_MAX`.
        let body = read_body(request.into_body(), BODY_BYTES_MAX).await?;
        if !is_json {
            return Err(Failure::unsupported_media_type(
                "the body must be sent as application/json",
            ));
        }
        let value: T = contract::json::from_slice(&body).map_err(|error| {
            if error.is_data() {
                Failure::unprocessable(format!("the body does not have the right shape: {error}"))
            } else {
                Failure::bad_request(format!("the body is not JSON: {error}"))
            }
        })?;
        value.validate().map_err(|violations| {
            let causes: Vec<String> = violations.iter().map(Violation::to_string).collect();
            Failure::unprocessable(causes.join("; ")).with_causes(causes)
        })?;
        Ok(Self(value))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response(),
            Err(error) => Failure::internal(error).into_response(),
        }
    }
}

/// Whether a body is `application/json` or a type built on it, whatever its parameters.
#[must_use]
pub fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let media_type = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type == "application/json" || media_type.starts_with("application/") && media_type.ends_with("+json")
}

impl<T: PathParameter, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let refuse = |reason: String| Failure::bad_request(format!("the path does not fit: {reason}"));
        let parameters = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|error| match error {
                RawPathParamsRejection::InvalidUtf8InPathParam(error) => refuse(error.body_text()),
                error => Failure::internal(error),
            })?;
        let Some((name, text)) = parameters.iter().next() else {
            return Err(Failure::internal(std::io::Error::other("the route has no parameter")));
        };
        let value = T::read(text).map_err(|allowed| refuse(format!("{name} is {text:?}, but must be {allowed}")))?;
        Ok(Self(value))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let query = axum::extract::Query::from_request_parts(parts, state).await;
        query
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|error: QueryRejection| {
                Failure::bad_request(format!("the query does not fit: {}", error.body_text()))
            })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RowLimit {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Asked {
            limit: Option<i64>,
        }
        if parts.uri.query().is_none() {
            return Ok(Self(LIST_ROWS_DEFAULT));
        }
        let Query(Asked { limit }) = Query::from_request_parts(parts, state).await?;
        let limit = limit.unwrap_or(LIST_ROWS_DEFAULT);
        if (1..=LIST_ROWS_MAX).contains(&limit) {
            Ok(Self(limit))
        } else {
            Err(Failure::bad_request(format!(
                "limit must be between 1 and {LIST_ROWS_MAX}, not {limit}"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use proptest::prelude::*;

    use super::*;

    fn chunked(chunks: Vec<Vec<u8>>) -> Body {
        Body::from_stream(stream::iter(chunks.into_iter().map(Ok::<_, std::io::Error>)))
    }

    proptest! {
        #[test]
        fn a_body_is_read_whole_or_refused(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8)) {
            let whole: Vec<u8> = chunks.concat();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            match runtime.block_on(read_body(chunked(chunks), 100)) {
                Ok(body) => prop_assert_eq!(body, whole),
                Err(failure) => {
                    prop_assert!(whole.len() > 100);
                    prop_assert_eq!(failure.status(), 413);
                }
            }
        }
    }

    #[test]
    fn a_number_in_a_path_has_one_spelling() {
        for text in ["0", "1", "-1", "9223372036854775807", "-9223372036854775808"] {
            assert_eq!(i64::read(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "01",
            "+1",
            "-0",
            "00",
            " 1",
            "1 ",
            "1.0",
            "1e0",
            "0x1",
            "\u{0661}",
            "9223372036854775808",
        ] {
            i64::read(text).expect_err(text);
        }
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_given_up() {
        let body = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let failure = read_within(Duration::from_millis(1), body, 100)
            .await
            .expect_err("nothing came");
        assert_eq!(failure.status(), 408);
        assert_eq!(failure.into_response().headers()["connection"], "close");
    }

    #[test]
    fn json_types_are_known_with_their_parameters() {
        for (value, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/vnd.lab+json", true),
            ("text/json", false),
            ("application/jsonp", false),
            ("", false),
        ] {
            let headers = [(CONTENT_TYPE, HeaderValue::from_static(value))].into_iter().collect();
            assert_eq!(is_json(&headers), expected, "{value}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
