//! What a request must look like before it is passed on.

use http::header::{HOST, HeaderValue};
use http::uri::{PathAndQuery, Uri};
use http::{HeaderMap, Method, Request, StatusCode, Version};
use hyper::body::Incoming;

use crate::failure::Failure;

/// Refuses what no instance should have to understand, and turns an absolute target into `Host` and path, as RFC 9112 section 3.2.2
/// demands.
pub fn check_target(request: &mut Request<Incoming>) -> Result<(), Failure> {
    if request.method() == Method::CONNECT {
        return Err(Failure::BadRequest(
            StatusCode::NOT_IMPLEMENTED,
            "the balancer is no tunnel: it does not take CONNECT",
        ));
    }
    check_host(request.headers(), request.version())?;
    if request.uri().scheme().is_some() {
        let uri = std::mem::take(request.uri_mut()).into_parts();
        if let Some(host) = uri
            .authority
            .and_then(|authority| HeaderValue::from_str(authority.as_str()).ok())
        {
            request.headers_mut().insert(HOST, host);
        }
        let path = uri.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        *request.uri_mut() = Uri::from(path);
    }
    Ok(())
}

/// One `Host`, and only HTTP/1.0 may leave it out (RFC 9112 section 3.2).
fn check_host(headers: &HeaderMap, version: Version) -> Result<(), Failure> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), None) => Ok(()),
        (None, _) if version == Version::HTTP_10 => Ok(()),
        (None, _) => Err(Failure::BadRequest(
            StatusCode::BAD_REQUEST,
            "the request has no Host header; send one",
        )),
        (Some(_), Some(_)) => Err(Failure::BadRequest(
            StatusCode::BAD_REQUEST,
            "the request has several Host headers; send one",
        )),
    }
}
