//! Requests as bytes.

use url::Url;

use crate::plan::{BadRequest, Request, StartError};

/// A request ready to be written, again and again.
#[derive(Debug)]
pub(crate) struct Wire {
    /// Head and body, for each key; one where there are none.
    messages: Vec<Vec<u8>>,
    /// Whether sending it twice has the effect of sending it once (RFC 9110, section 9.2.2).
    pub(crate) idempotent: bool,
    /// Whether it is a `HEAD`, whose answer has no body whatever its headers say.
    pub(crate) is_head: bool,
}

impl Wire {
    /// Checks and serialises a request to `target`.
    pub(crate) fn new(class: &str, target: &Url, request: &Request) -> Result<Self, StartError> {
        let messages = match request.keys {
            None => vec![request.to_bytes(class, target)?],
            Some(0) => return Err(invalid(class, "the number of keys", "0", "one key at least is needed")),
            Some(keys) => (1..=keys)
                .map(|key| request.with_key(key).to_bytes(class, target))
                .collect::<Result<_, _>>()?,
        };
        Ok(Self {
            messages,
            idempotent: ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"].contains(&request.method.as_str()),
            is_head: request.method == "HEAD",
        })
    }

    /// How many different messages there are.
    pub(crate) fn count(&self) -> usize {
        self.messages.len()
    }

    /// Head and body of one of them.
    pub(crate) fn bytes(&self, number: usize) -> &[u8] {
        &self.messages[number]
    }
}

fn invalid(class: &str, what: &'static str, value: &str, hint: &'static str) -> StartError {
    StartError::Invalid {
        class: class.to_owned(),
        what,
        value: format!("{value:?}"),
        hint,
    }
}

impl Request {
    /// Refuses everything that HTTP does not allow, or that would reach another host than the one that is asked: a stray line
    /// break would become a second header or request, and `//host` or `/\\host` is an address by itself (URL Standard,
    /// relative slash state).
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), BadRequest> {
        let bad = |what, value: &str, hint| {
            Err(BadRequest {
                what,
                value: value.to_owned(),
                hint,
            })
        };
        if !is_token(&self.method) {
            return bad("the method", &self.method, "write a method such as GET");
        }
        if !self.path.starts_with('/') || self.path.starts_with("//") {
            return bad(
                "the path",
                &self.path,
                "start it with one /; the host is that of the service",
            );
        }
        if !self
            .path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\\#".contains(&byte))
        {
            return bad(
                "the path",
                &self.path,
                "percent-encode blanks, #, \\ and all that is not printable ASCII",
            );
        }
        for (name, value) in &self.headers {
            if !is_token(name) {
                return bad("a header name", name, "use letters, digits and hyphens");
            }
            if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
                return bad("a header value", value, "remove line breaks and control characters");
            }
            if name.eq_ignore_ascii_case("transfer-encoding") {
                return bad("a header name", name, "leave it out: the body is sent with its length");
            }
            if name.eq_ignore_ascii_case("content-length") && value.trim().parse() != Ok(self.body_len()) {
                return bad(
                    "the content-length",
                    value,
                    "leave it out: it is added with the right value",
                );
            }
        }
        Ok(())
    }

    /// Head and body, once they were found sound.
    fn to_bytes(&self, class: &str, target: &Url) -> Result<Vec<u8>, StartError> {
        self.check()
            .map_err(|BadRequest { what, value, hint }| invalid(class, what, &value, hint))?;
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        let mut line = |name: &str, value: &str| {
            head.push_str(name);
            head.push_str(": ");
            head.push_str(value);
            head.push_str("\r\n");
        };
        if !self.has_header("host") {
            line("host", &authority(target));
        }
        for (name, value) in &self.headers {
            line(name, value);
        }
        if let Some(body) = &self.body
            && !self.has_header("content-length")
        {
            line("content-length", &body.len().to_string());
        }
        head.push_str("\r\n");
        head.push_str(self.body.as_deref().unwrap_or_default());
        Ok(head.into_bytes())
    }

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

    fn wires(request: &Request) -> Result<Vec<String>, StartError> {
        let target = Url::parse("http://127.0.0.1:8080").unwrap();
        let wire = Wire::new("reads", &target, request)?;
        let text = |message: &Vec<u8>| String::from_utf8(message.clone()).unwrap();
        Ok(wire.messages.iter().map(text).collect())
    }

    fn wire(request: &Request) -> Result<String, StartError> {
        wires(request).map(|wires| wires.concat())
    }

    #[test]
    fn each_key_is_a_message_with_its_number_filled_in() {
        let mut request = Request {
            body: Some("{\"of\":{key}}".into()),
            keys: Some(10),
            ..Request::get("/users/{key}?all")
        };
        request.headers.push(("x-key".into(), "k{key}".into()));
        let wires = wires(&request).unwrap();
        assert_eq!(wires.len(), 10);
        for part in [
            "GET /users/10?all HTTP",
            "x-key: k10\r\n",
            "content-length: 9\r\n",
            "\r\n\r\n{\"of\":10}",
        ] {
            assert!(wires[9].contains(part), "{part}: {}", wires[9]);
        }
        request.keys = Some(0);
        assert!(super::Wire::new("reads", &Url::parse("http://a").unwrap(), &request).is_err());
        // Without keys braces are what they are.
        assert!(wire(&Request { keys: None, ..request }).unwrap().contains("k{key}"));
    }

    #[test]
    fn a_body_gets_its_length_in_bytes() {
        let request = Request {
            method: "POST".into(),
            path: "/api/orders?x=1".into(),
            headers: vec![("Content-Type".into(), "application/json".into())],
            body: Some("{\"ä\":1}".into()),
            keys: None,
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
            Request::get("http://127.0.0.1:1/x"),
            Request::get("//127.0.0.1:1/x"),
            Request::get("/\\127.0.0.1:1/x"),
            Request::get("/a#b"),
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
