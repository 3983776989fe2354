//! What a request must look like before it is passed on.

use http::header::{HOST, HeaderValue, MAX_FORWARDS};
use http::uri::{PathAndQuery, Uri};
use http::{HeaderMap, Method, Request, StatusCode, Version};

use crate::authority::{is_authority, is_encoded};
use crate::failure::Failure;
use crate::framing::{Codings, number};

/// Refuses what no instance should have to understand, and turns an absolute target into `Host` and path, as RFC 9112 section 3.2.2
/// demands.
pub fn check_request<B>(request: &mut Request<B>) -> Result<(), Failure> {
    if request.method() == Method::CONNECT {
        return Err(Failure::BadRequest(
            StatusCode::NOT_IMPLEMENTED,
            "the balancer is not a tunnel: it does not take CONNECT",
        ));
    }
    check_codings(request.headers())?;
    check_host(request.headers(), request.version())?;
    check_target(request)?;
    if matches!(*request.method(), Method::OPTIONS | Method::TRACE) {
        count_hop(request)?;
    }
    Ok(())
}

fn refuse<T>(detail: &'static str) -> Result<T, Failure> {
    Err(Failure::BadRequest(StatusCode::BAD_REQUEST, detail))
}

/// Chunks only: other codings would be lost on the way (RFC 9112, section 6.1).
fn check_codings(headers: &HeaderMap) -> Result<(), Failure> {
    match Codings::of(headers) {
        Codings::None | Codings::Chunked => Ok(()),
        Codings::Twice => refuse("the request body is chunked more than once; chunk it once"),
        Codings::Unknown => Err(Failure::BadRequest(
            StatusCode::NOT_IMPLEMENTED,
            "the balancer knows no transfer coding but chunked; use Content-Encoding",
        )),
    }
}

/// One `Host` that is one, and only HTTP/1.0 may leave it out (RFC 9112 section 3.2).
fn check_host(headers: &HeaderMap, version: Version) -> Result<(), Failure> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if is_authority(host.as_bytes()) => Ok(()),
        (Some(_), None) => refuse("the Host header is not a host with or without a port"),
        (None, _) if version == Version::HTTP_10 => Ok(()),
        (None, _) => refuse("the request has no Host header; send one"),
        (Some(_), Some(_)) => refuse("the request has several Host headers; send one"),
    }
}

/// The form of the target fits its method. `http::Uri` takes more than the four forms that there are.
fn check_target<B>(request: &mut Request<B>) -> Result<(), Failure> {
    let target = request.uri();
    if target.scheme().is_some() {
        return make_relative(request);
    }
    let path = target.path_and_query().map_or("", PathAndQuery::as_str);
    if target.authority().is_some() {
        return refuse("the request's target is a host; only CONNECT has such a target");
    }
    if path == "*" && request.method() != Method::OPTIONS {
        return refuse("the request's target is *; only OPTIONS has such a target");
    }
    if path != "*" && !path.starts_with('/') {
        return refuse("the request's target does not begin with /");
    }
    check_characters(path)
}

/// A path and a query hold what RFC 3986 (sections 3.3 and 3.4) lets them hold: where two programs on the way read anything else in
/// two ways, one of them is deceived. A fragment is no part of a target either; `http::Uri` has cut it off by now.
fn check_characters(path_and_query: &str) -> Result<(), Failure> {
    if is_encoded(path_and_query.as_bytes(), b"/?:@") {
        Ok(())
    } else {
        refuse("the request's target has a character that belongs there only percent-encoded")
    }
}

fn make_relative<B>(request: &mut Request<B>) -> Result<(), Failure> {
    let uri = std::mem::take(request.uri_mut()).into_parts();
    if !matches!(
        uri.scheme.as_ref().map(http::uri::Scheme::as_str),
        Some("http" | "https")
    ) {
        return refuse("the scheme of the request's target is neither http nor https");
    }
    let authority = uri
        .authority
        .filter(|authority| is_authority(authority.as_str().as_bytes()));
    let Some(host) = authority.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok()) else {
        return refuse("the request's target does not name a host; user information does not belong there");
    };
    request.headers_mut().insert(HOST, host);
    // Where there was no path, the root is meant; that OPTIONS then asks about the whole server is lost in `http::Uri`. A
    // query or a fragment right after the host leaves a path that is empty.
    let path = uri.path_and_query.as_ref().map_or("", PathAndQuery::as_str);
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    check_characters(&path)?;
    let Ok(path) = PathAndQuery::try_from(path) else {
        return refuse("the path of the request's target is none");
    };
    *request.uri_mut() = Uri::from(path);
    Ok(())
}

/// One hop less, if the client counts them (RFC 9110, section 7.6.2).
fn count_hop<B>(request: &mut Request<B>) -> Result<(), Failure> {
    let Some(hops) = request.headers().get(MAX_FORWARDS) else {
        return Ok(());
    };
    if hops.is_empty() || !hops.as_bytes().iter().all(u8::is_ascii_digit) {
        return refuse("Max-Forwards is not a number");
    }
    // What is too large for a number is as good as the largest.
    let hops = number(hops.as_bytes()).unwrap_or(u64::MAX);
    if hops == 0 {
        return Err(Failure::LastHop {
            is_answered: request.method() == Method::OPTIONS,
        });
    }
    request.headers_mut().insert(MAX_FORWARDS, (hops - 1).into());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(method: &str, target: &str, headers: &[(&'static str, &'static str)]) -> Result<Request<()>, u16> {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        match check_request(&mut request) {
            Ok(()) => Ok(request),
            Err(failure) => Err(failure.into_response().status().as_u16()),
        }
    }

    #[test]
    fn each_target_has_the_form_of_its_method() {
        let host = [("host", "a")];
        for (method, target, passed) in [
            ("GET", "/a?b", Ok("/a?b")),
            ("GET", "//b/c", Ok("//b/c")),
            ("GET", "/a:b@c;d=(e)!/%C3%A9?f=/g?h", Ok("/a:b@c;d=(e)!/%C3%A9?f=/g?h")),
            ("GET", "/%zz", Err(400)),
            ("GET", "/a%4", Err(400)),
            ("GET", "/a\\b", Err(400)),
            ("GET", "/a?{b}", Err(400)),
            ("GET", "http://b/%zz", Err(400)),
            ("GET", "*", Err(400)),
            ("OPTIONS", "*", Ok("*")),
            ("GET", "b:80", Err(400)),
            ("GET", "b", Err(400)),
            ("GET", "http://u:p@b/x", Err(400)),
            ("GET", "http://u@b/x", Err(400)),
            ("GET", "ftp://b/x", Err(400)),
            ("GET", "http://b:99999/x", Err(400)),
            ("GET", "http://b/x?y", Ok("/x?y")),
            ("GET", "http://b", Ok("/")),
            ("GET", "http://b?y", Ok("/?y")),
            ("GET", "http://b:80#x", Ok("/")),
            ("GET", "http://b#x?y", Ok("/")),
            ("OPTIONS", "http://b/", Ok("/")),
            ("CONNECT", "b:80", Err(501)),
        ] {
            let found = checked(method, target, &host).map(|request| request.uri().to_string());
            assert_eq!(found, passed.map(str::to_owned), "{method} {target}");
        }
        let absolute = checked("GET", "http://b:81/x", &host).unwrap();
        assert_eq!(absolute.headers()[HOST], "b:81");
    }

    #[test]
    fn host_is_one_and_is_a_host() {
        for wrong in ["", " ", "a/b@c", "a, b", "a b", "u@a", "a:x", ":80", "[::1"] {
            assert_eq!(checked("GET", "/", &[("host", wrong)]).unwrap_err(), 400, "{wrong:?}");
        }
        assert_eq!(checked("GET", "/", &[("host", "a"), ("host", "a")]).unwrap_err(), 400);
        assert_eq!(
            checked("GET", "http://b/", &[("host", "a b")]).unwrap_err(),
            400,
            "also where it is replaced"
        );
        assert_eq!(checked("GET", "/", &[]).unwrap_err(), 400);
    }

    #[test]
    fn codings_that_would_be_lost_are_refused() {
        for (coding, status) in [
            ("gzip, chunked", 501),
            ("identity, chunked", 501),
            ("chunked, chunked", 400),
        ] {
            let found = checked("POST", "/", &[("host", "a"), ("transfer-encoding", coding)]);
            assert_eq!(found.unwrap_err(), status, "{coding}");
        }
        let chunked = [("host", "a"), ("transfer-encoding", " Chunked ,")];
        assert!(checked("POST", "/", &chunked).is_ok());
    }

    #[test]
    fn hops_are_counted_where_they_count() {
        let hops = |method, hops| checked(method, "/", &[("host", "a"), ("max-forwards", hops)]);
        assert_eq!(hops("OPTIONS", "0").unwrap_err(), 200);
        assert_eq!(hops("TRACE", "0").unwrap_err(), 405);
        assert_eq!(hops("OPTIONS", "x").unwrap_err(), 400);
        for (method, count, expected) in [
            ("OPTIONS", "3", "2"),
            ("TRACE", "1", "0"),
            ("OPTIONS", "99999999999999999999", "18446744073709551614"),
            ("GET", "0", "0"),
        ] {
            assert_eq!(
                hops(method, count).unwrap().headers()[MAX_FORWARDS],
                expected,
                "{method}"
            );
        }
    }
}
