//! What an intermediary does to headers.

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, Entry, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE,
};

/// `X-Forwarded-For`: the addresses that a request came through, client first.
pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// `X-Forwarded-Proto`: the scheme that the client used.
pub const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
/// Those that always speak of one connection, beside `Connection` itself.
static HOP_BY_HOP: [HeaderName; 5] = [KEEP_ALIVE, PROXY_CONNECTION, TE, TRANSFER_ENCODING, UPGRADE];

/// Removes what speaks of one connection only: the fields that `Connection` names, and those that RFC 9110 section 7.6.1 lists.
///
/// `Host` and `Content-Length` stay even when `Connection` names them: they say where a message goes and where it ends, and a client
/// must not be able to take them away from the instance.
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
        .filter(|name| *name != HOST && *name != CONTENT_LENGTH)
        .collect()
}

/// Makes a client's request headers fit for the instance.
///
/// `Host` is passed on as the client wrote it, so that an instance can build absolute links; `default_host` stands in for the
/// client of HTTP/1.0 that sent none. The client's address is appended to `X-Forwarded-For`. `X-Forwarded-Proto` is `http` unless
/// a proxy in front has already said otherwise. `Expect` is removed: the balancer itself says `100 Continue` as soon as the
/// instance takes the body.
pub fn prepare_request(headers: &mut HeaderMap, client: &HeaderValue, default_host: &HeaderValue) {
    let is_chunked = headers.contains_key(TRANSFER_ENCODING);
    remove_hop_by_hop(headers);
    if is_chunked {
        // The framing on the next connection is stated anew, and a length beside it would be a contradiction.
        headers.remove(CONTENT_LENGTH);
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    headers.remove(EXPECT);
    headers.entry(HOST).or_insert_with(|| default_host.clone());
    let chain = forwarded_for(headers, client);
    headers.insert(X_FORWARDED_FOR, chain);
    headers
        .entry(X_FORWARDED_PROTO)
        .or_insert(HeaderValue::from_static("http"));
}

fn forwarded_for(headers: &HeaderMap, client: &HeaderValue) -> HeaderValue {
    if !headers.contains_key(X_FORWARDED_FOR) {
        return client.clone();
    }
    let mut chain = Vec::new();
    for value in headers.get_all(X_FORWARDED_FOR) {
        chain.extend_from_slice(value.as_bytes());
        chain.extend_from_slice(b", ");
    }
    chain.extend_from_slice(client.as_bytes());
    // Header values joined by a comma and a space make a header value, so the fallback is never taken.
    HeaderValue::from_bytes(&chain).unwrap_or_else(|_| client.clone())
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
        let client = HeaderValue::from_static("10.0.0.9");
        prepare_request(&mut headers, &client, &HeaderValue::from_static("default:1"));
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
        let headers = prepared(&[("connection", "x-forwarded-for"), ("x-forwarded-for", "1.1.1.1")]);
        assert_eq!(headers["x-forwarded-for"], "10.0.0.9");
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
}
