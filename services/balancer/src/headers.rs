//! What an intermediary does to headers.

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, Entry, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING,
    UPGRADE, VIA,
};
use http::{StatusCode, Version, response};
use http_body::Frame;

use crate::framing::{AnswerError, Codings, content_length};

/// `X-Forwarded-For`: the addresses that a request came through, client first.
pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// `X-Forwarded-Proto`: the scheme that the client used.
pub const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
/// Those that always speak of one connection, beside `Connection` itself.
static HOP_BY_HOP: [HeaderName; 5] = [KEEP_ALIVE, PROXY_CONNECTION, TE, TRANSFER_ENCODING, UPGRADE];
/// Those that `Connection` cannot name: they say where a message goes and where it ends, and through whom it came. A client must not
/// be able to take them away from the instance.
static PROTECTED: [HeaderName; 5] = [HOST, CONTENT_LENGTH, X_FORWARDED_FOR, X_FORWARDED_PROTO, VIA];

/// Removes what speaks of one connection only: the fields that `Connection` names, and those that RFC 9110 section 7.6.1 lists.
pub fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if let Entry::Occupied(entry) = headers.entry(CONNECTION) {
        let nominated = nominated(entry.iter());
        entry.remove();
        for name in nominated {
            headers.remove(name);
        }
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// The fields that values of `Connection` name. An empty list, which is the rule, allocates nothing.
fn nominated<'a>(values: impl Iterator<Item = &'a HeaderValue>) -> Vec<HeaderName> {
    values
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|option| !option.eq_ignore_ascii_case(b"close") && !option.eq_ignore_ascii_case(b"keep-alive"))
        .filter_map(|option| HeaderName::from_bytes(option).ok())
        .filter(|name| !PROTECTED.contains(name))
        .collect()
}

/// What the headers of a request are made fit with.
pub struct Passage<'a> {
    /// The client's address.
    pub client: &'a HeaderValue,
    /// Stands in for the `Host` that a client of HTTP/1.0 did not send.
    pub default_host: &'a HeaderValue,
    /// The version that the client spoke.
    pub version: Version,
    /// Whether a body follows.
    pub has_body: bool,
}

/// Makes a client's request headers fit for the instance. Their framing is [sound](crate::framing).
///
/// `Host` is passed on as the client wrote it, so that an instance can build absolute links. The client's address is appended to
/// `X-Forwarded-For`, and the balancer to `Via`. `X-Forwarded-Proto` is `http` unless a proxy in front has already said otherwise.
/// `Expect` is passed on where it means something: it is the instance that knows whether it wants the body.
pub fn prepare_request(headers: &mut HeaderMap, passage: &Passage<'_>) {
    let is_chunked = headers.contains_key(TRANSFER_ENCODING);
    let takes_trailers = headers.contains_key(TE) && lists(headers, &TE, b"trailers");
    remove_hop_by_hop(headers);
    if is_chunked {
        // The framing on the next connection is stated anew, and a length beside it would be a contradiction.
        headers.remove(CONTENT_LENGTH);
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    if takes_trailers {
        // Said anew, too: what the client can take, the balancer passes on.
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    if !passage.has_body || passage.version < Version::HTTP_11 {
        headers.remove(EXPECT);
    }
    headers.entry(HOST).or_insert_with(|| passage.default_host.clone());
    let chain = appended(headers, &X_FORWARDED_FOR, passage.client);
    headers.insert(X_FORWARDED_FOR, chain);
    let hop = match passage.version {
        Version::HTTP_11 => HeaderValue::from_static("1.1 balancer"),
        _ => HeaderValue::from_static("1.0 balancer"),
    };
    let way = appended(headers, &VIA, &hop);
    headers.insert(VIA, way);
    headers
        .entry(X_FORWARDED_PROTO)
        .or_insert(HeaderValue::from_static("http"));
}

/// Whether a client waits to be told to send its body.
pub fn expects_continue(headers: &HeaderMap) -> bool {
    headers.contains_key(EXPECT) && lists(headers, &EXPECT, b"100-continue")
}

fn lists(headers: &HeaderMap, name: &HeaderName, wanted: &[u8]) -> bool {
    let mut items = headers
        .get_all(name)
        .into_iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    items.any(|item| item.trim_ascii().eq_ignore_ascii_case(wanted))
}

/// Makes the head of an instance's answer fit for the client. Gives whether the connection may carry another request.
///
/// # Errors
/// When it does not say reliably where the answer ends (RFC 9112, section 6.3), or ends HTTP altogether.
pub fn prepare_answer(head: &mut response::Parts) -> Result<bool, AnswerError> {
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(AnswerError::Switched);
    }
    let is_coded = match Codings::of(&head.headers) {
        Codings::None => false,
        Codings::Chunked => true,
        Codings::Twice | Codings::Unknown => return Err(AnswerError::Coding),
    };
    let length = content_length(&head.headers)?;
    let has_content = head.status != StatusCode::NO_CONTENT;
    // An instance that contradicts itself is believed this once, as the standard says, and not a second time.
    let is_sound = if has_content {
        !is_coded || length.is_none()
    } else {
        !is_coded && length.is_none_or(|length| length == 0)
    };
    if is_coded || !has_content {
        head.headers.remove(CONTENT_LENGTH);
    } else if let Some(length) = length.filter(|_| says_more_than_once(&head.headers)) {
        head.headers.insert(CONTENT_LENGTH, length.into());
    }
    remove_hop_by_hop(&mut head.headers);
    // The version is that of a connection, too; hyper lowers it for a client of HTTP/1.0.
    head.version = Version::HTTP_11;
    Ok(is_sound)
}

/// Makes the head of an interim answer fit for the client. It has no body, whatever it says.
pub fn prepare_interim(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    headers.remove(CONTENT_LENGTH);
}

/// The same for what comes behind a body.
pub fn clean_trailers(mut frame: Frame<Bytes>) -> Frame<Bytes> {
    if let Some(trailers) = frame.trailers_mut() {
        remove_hop_by_hop(trailers);
        for name in &PROTECTED {
            trailers.remove(name);
        }
    }
    frame
}

/// Whether there are several lengths, in one field or in more.
fn says_more_than_once(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_LENGTH).into_iter();
    values.next().is_some_and(|value| value.as_bytes().contains(&b',')) || values.next().is_some()
}

/// The values of a list, with one more behind them.
fn appended(headers: &HeaderMap, name: &HeaderName, last: &HeaderValue) -> HeaderValue {
    if !headers.contains_key(name) {
        return last.clone();
    }
    let mut chain = Vec::new();
    for value in headers.get_all(name) {
        chain.extend_from_slice(value.as_bytes());
        chain.extend_from_slice(b", ");
    }
    chain.extend_from_slice(last.as_bytes());
    // Header values joined by a comma and a space make a header value, so the fallback is never taken.
    HeaderValue::from_bytes(&chain).unwrap_or_else(|_| last.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    fn prepared(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = map(pairs);
        let passage = Passage {
            client: &HeaderValue::from_static("10.0.0.9"),
            default_host: &HeaderValue::from_static("default:1"),
            version: Version::HTTP_11,
            has_body: false,
        };
        prepare_request(&mut headers, &passage);
        headers
    }

    #[test]
    fn removes_the_listed_and_the_nominated_fields_and_nothing_else() {
        let mut headers = map(&[
            ("connection", "close, X-Secret"),
            ("connection", "x-second ,, bad name"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("x-secret", "1"),
            ("x-second", "2"),
            ("x-kept", "3"),
            ("x-kept", "4"),
        ]);
        remove_hop_by_hop(&mut headers);
        assert_eq!(headers, map(&[("x-kept", "3"), ("x-kept", "4")]));
    }

    #[test]
    fn host_and_length_cannot_be_nominated_away() {
        let headers = prepared(&[
            ("connection", "host, content-length"),
            ("host", "shop"),
            ("content-length", "3"),
        ]);
        assert_eq!(headers["host"], "shop");
        assert_eq!(headers["content-length"], "3");
    }

    #[test]
    fn forwarding_fields_cannot_be_nominated_away() {
        let headers = prepared(&[
            ("connection", "x-forwarded-for, via, x-forwarded-proto"),
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-proto", "https"),
            ("via", "1.1 edge"),
        ]);
        assert_eq!(headers["x-forwarded-for"], "1.1.1.1, 10.0.0.9");
        assert_eq!(headers["x-forwarded-proto"], "https");
        assert_eq!(headers["via"], "1.1 edge, 1.1 balancer");
    }

    #[test]
    fn the_client_is_appended_to_a_chain_of_one_or_several_fields() {
        let headers = prepared(&[("x-forwarded-for", "1.1.1.1, 2.2.2.2"), ("x-forwarded-for", "3.3.3.3")]);
        let all: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
        assert_eq!(all, ["1.1.1.1, 2.2.2.2, 3.3.3.3, 10.0.0.9"]);
    }

    #[test]
    fn defaults_fill_in_only_what_is_missing() {
        let headers = prepared(&[("expect", "100-continue")]);
        let expected = map(&[
            ("host", "default:1"),
            ("x-forwarded-for", "10.0.0.9"),
            ("x-forwarded-proto", "http"),
            ("via", "1.1 balancer"),
        ]);
        assert_eq!(headers, expected);
        assert_eq!(
            prepared(&[("x-forwarded-proto", "https")])["x-forwarded-proto"],
            "https"
        );
    }

    #[test]
    fn a_chunked_request_stays_chunked_and_loses_a_contradicting_length() {
        let headers = prepared(&[("transfer-encoding", "chunked"), ("content-length", "5")]);
        assert_eq!(headers["transfer-encoding"], "chunked");
        assert!(!headers.contains_key("content-length"));
    }

    #[test]
    fn only_trailers_are_said_to_be_taken() {
        let headers = prepared(&[("te", "gzip;q=1, Trailers"), ("connection", "te")]);
        assert_eq!(
            (&headers["te"], &headers["connection"]),
            (&"trailers".parse().unwrap(), &"te".parse().unwrap())
        );
        assert!(!prepared(&[("te", "gzip")]).contains_key("te"));
    }

    fn answered(status: u16, pairs: &[(&'static str, &'static str)]) -> Result<(bool, HeaderMap), AnswerError> {
        let (mut head, ()) = http::Response::builder().status(status).body(()).unwrap().into_parts();
        head.headers = map(pairs);
        prepare_answer(&mut head).map(|is_sound| (is_sound, head.headers))
    }

    #[test]
    fn chunks_win_over_a_length_and_the_connection_is_not_believed_again() {
        let both = [("content-length", "3"), ("transfer-encoding", "chunked")];
        assert_eq!(answered(200, &both), Ok((false, HeaderMap::new())));
        assert_eq!(answered(200, &both[1..]), Ok((true, HeaderMap::new())));
        assert_eq!(answered(200, &both[..1]), Ok((true, map(&both[..1]))));
    }

    #[test]
    fn equal_lengths_are_one_and_different_ones_are_none() {
        let one = map(&[("content-length", "5")]);
        for same in [
            &[("content-length", "5"), ("content-length", "5")][..],
            &[("content-length", "5 , 5")],
        ] {
            assert_eq!(answered(200, same), Ok((true, one.clone())));
        }
        for wrong in [
            &[("content-length", "5"), ("content-length", "6")][..],
            &[("content-length", "5, 6")],
            &[("content-length", "5,")],
            &[("content-length", "+5")],
            &[("content-length", "")],
            &[("content-length", "99999999999999999999")],
        ] {
            assert_eq!(answered(200, wrong), Err(AnswerError::Length), "{wrong:?}");
        }
    }

    #[test]
    fn codings_that_would_be_lost_are_refused() {
        for codings in [
            &[("transfer-encoding", "gzip, chunked")][..],
            &[("transfer-encoding", "gzip")],
            &[("transfer-encoding", "chunked, chunked")],
            &[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
            &[("transfer-encoding", "")],
        ] {
            assert_eq!(answered(200, codings), Err(AnswerError::Coding), "{codings:?}");
        }
    }

    #[test]
    fn an_answer_without_content_has_no_length() {
        assert_eq!(answered(204, &[("content-length", "0")]), Ok((true, HeaderMap::new())));
        assert_eq!(answered(204, &[("content-length", "5")]), Ok((false, HeaderMap::new())));
        assert_eq!(answered(101, &[("upgrade", "x")]), Err(AnswerError::Switched));
    }
}
