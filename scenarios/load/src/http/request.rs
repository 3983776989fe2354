//! Requests as bytes.

use url::Url;

use crate::plan::{Request, StartError};

/// A request ready to be written, again and again.
#[derive(Debug)]
pub(crate) struct Wire {
    /// Head and body.
    pub(crate) bytes: Vec<u8>,
    /// Whether sending it twice has the effect of sending it once (RFC 9110, section 9.2.2).
    pub(crate) idempotent: bool,
    /// Whether it is a `HEAD`, whose answer has no body whatever its headers say.
    pub(crate) is_head: bool,
}

impl Wire {
    /// Checks and serialises a request to `target`. A stray line break would become a second header or request, so
    /// everything that HTTP does not allow is refused here, once, before anything is sent.
    pub(crate) fn new(class: &str, target: &Url, request: &Request) -> Result<Self, StartError> {
        let invalid = |what, value: &str, hint| {
            Err(StartError::Invalid {
                class: class.to_owned(),
                what,
                value: format!("{value:?}"),
                hint,
            })
        };
        if !is_token(&request.method) {
            return invalid("the method", &request.method, "write a method such as GET");
        }
        if !request.path.starts_with('/') || !request.path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return invalid(
                "the path",
                &request.path,
                "begin it with / and percent-encode all that is not printable ASCII",
            );
        }
        let mut head = format!("{} {} HTTP/1.1\r\n", request.method, request.path);
        let mut line = |name: &str, value: &str| {
            head.push_str(name);
            head.push_str(": ");
            head.push_str(value);
            head.push_str("\r\n");
        };
        if !request.has_header("host") {
            line("host", &authority(target));
        }
        for (name, value) in &request.headers {
            if !is_token(name) {
                return invalid("a header name", name, "use letters, digits and hyphens");
            }
            if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
                return invalid("a header value", value, "remove line breaks and control characters");
            }
            if name.eq_ignore_ascii_case("transfer-encoding") {
                return invalid("a header name", name, "leave it out: the body is sent with its length");
            }
            if name.eq_ignore_ascii_case("content-length") && value.trim().parse() != Ok(request.body_len()) {
                return invalid(
                    "the content-length",
                    value,
                    "leave it out: it is added with the right value",
                );
            }
            line(name, value);
        }
        if let Some(body) = &request.body
            && !request.has_header("content-length")
        {
            line("content-length", &body.len().to_string());
        }
        head.push_str("\r\n");
        head.push_str(request.body.as_deref().unwrap_or_default());
        Ok(Self {
            bytes: head.into_bytes(),
            idempotent: ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"].contains(&request.method.as_str()),
            is_head: request.method == "HEAD",
        })
    }
}

impl Request {
    fn has_header(&self, wanted: &str) -> bool {
        self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted))
    }

    fn body_len(&self) -> usize {
        self.body.as_ref().map_or(0, String::len)
    }
}

fn authority(target: &Url) -> String {
    let host = target.host_str().unwrap_or_default();
    target
        .port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(request: &Request) -> Result<String, StartError> {
        let target = Url::parse("http://127.0.0.1:8080").unwrap();
        Wire::new("reads", &target, request).map(|wire| String::from_utf8(wire.bytes).unwrap())
    }

    #[test]
    fn a_body_gets_its_length_in_bytes() {
        let request = Request {
            method: "POST".into(),
            path: "/api/orders?x=1".into(),
            headers: vec![("Content-Type".into(), "application/json".into())],
            body: Some("{\"ä\":1}".into()),
        };
        assert_eq!(
            wire(&request).unwrap(),
            "POST /api/orders?x=1 HTTP/1.1\r\nhost: 127.0.0.1:8080\r\nContent-Type: application/json\r\n\
             content-length: 8\r\n\r\n{\"ä\":1}"
        );
    }

    #[test]
    fn a_given_host_is_kept_and_not_doubled() {
        let mut request = Request::get("/");
        request.headers.push(("Host".into(), "shop".into()));
        assert_eq!(wire(&request).unwrap(), "GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
    }

    #[test]
    fn what_would_smuggle_a_second_request_is_refused() {
        let bad_header = |name: &str, value: &str| {
            let mut request = Request::get("/");
            request.headers.push((name.into(), value.into()));
            request
        };
        for request in [
            Request::get("/ HTTP/1.1\r\nx: y"),
            Request::get("relative"),
            Request::get("/ü"),
            Request {
                method: "GE T".into(),
                ..Request::get("/")
            },
            bad_header("x", "1\r\nhost: other"),
            bad_header("x\r\n", "1"),
            bad_header("", "1"),
            bad_header("content-length", "5"),
            bad_header("Transfer-Encoding", "chunked"),
        ] {
            assert!(wire(&request).is_err(), "{request:?}");
        }
    }
}
