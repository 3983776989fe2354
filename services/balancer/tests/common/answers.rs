//! A reader of messages of its own, stricter than any that is meant to be lenient: what the balancer writes must satisfy it.

/// The first request in `bytes`, if it is whole: its target, and its length in bytes.
///
/// # Errors
/// When the balancer cannot have meant it: it writes its own name and the client's address into each request, and one framing.
pub fn request(bytes: &[u8]) -> Result<Option<(String, usize)>, &'static str> {
    let mut fields = [httparse::EMPTY_HEADER; 256];
    let mut head = httparse::Request::new(&mut fields);
    let length = match head.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err("no request"),
    };
    let ends_with = |name: &str, end: &[u8]| {
        let values = values(head.headers, name);
        matches!(values[..], [value] if value.ends_with(end))
    };
    if !ends_with("via", b" balancer") || !ends_with("x-forwarded-for", b"127.0.0.1") {
        return Err("a request that the balancer did not write");
    }
    if values(head.headers, "host").len() != 1 {
        return Err("a request without one host");
    }
    let target = head.path.unwrap_or_default().to_owned();
    let body = body(head.headers, &bytes[length..], Some(0))?;
    Ok(body.map(|body| (target, length + body)))
}

/// What a client got: interim answers, then final ones, each whole but perhaps the last. Those to `HEAD` have no body.
///
/// # Errors
/// When it cannot be told where an answer ends, or there is more than answers.
pub fn check_answers(bytes: &[u8], to_head: bool) -> Result<(), String> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let mut fields = [httparse::EMPTY_HEADER; 256];
        let mut head = httparse::Response::new(&mut fields);
        let length = match head.parse(rest) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(()),
            Err(error) => return Err(format!("{error}: {}", String::from_utf8_lossy(rest))),
        };
        let status = head.code.unwrap_or_default();
        let is_closed = values(head.headers, "connection")
            .iter()
            .any(|value| value.eq_ignore_ascii_case(b"close"));
        let unread = &rest[length..];
        let body = match status {
            101 => return Err("the protocol was switched".to_owned()),
            100..200 | 204 | 304 => Some(0),
            _ if to_head => Some(0),
            _ => body(head.headers, unread, is_closed.then_some(unread.len()))?,
        };
        match body {
            // Broken off, which the client can tell.
            None => return Ok(()),
            Some(body) => rest = &unread[body..],
        }
    }
    Ok(())
}

fn values<'a>(fields: &[httparse::Header<'a>], name: &str) -> Vec<&'a [u8]> {
    let named = fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
    named.map(|field| field.value).collect()
}

/// How long the body at the start of `bytes` is, if it is whole; `unstated` where the head does not say.
fn body(fields: &[httparse::Header<'_>], bytes: &[u8], unstated: Option<usize>) -> Result<Option<usize>, &'static str> {
    match (
        &values(fields, "transfer-encoding")[..],
        &values(fields, "content-length")[..],
    ) {
        ([], []) => unstated.map(Some).ok_or("a message without an end"),
        ([coding], []) if coding.eq_ignore_ascii_case(b"chunked") => chunks(bytes),
        ([], [length]) => {
            let length = str::from_utf8(length)
                .ok()
                .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            let length: usize = length
                .and_then(|text| text.parse().ok())
                .ok_or("a length that is no number")?;
            Ok((bytes.len() >= length).then_some(length))
        }
        _ => Err("a message with several framings"),
    }
}

fn chunks(bytes: &[u8]) -> Result<Option<usize>, &'static str> {
    let mut at = 0;
    loop {
        let (line, size) = match httparse::parse_chunk_size(&bytes[at..]) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err("a chunk without a size"),
        };
        at += line;
        if size == 0 {
            break;
        }
        let end = at + usize::try_from(size).map_err(|_| "a chunk of no end")?;
        match bytes.get(end..end + 2) {
            None => return Ok(None),
            Some(b"\r\n") => at = end + 2,
            Some(_) => return Err("a chunk that does not end"),
        }
    }
    loop {
        let Some(line) = bytes[at..].windows(2).position(|pair| pair == b"\r\n") else {
            return Ok(None);
        };
        at += line + 2;
        if line == 0 {
            return Ok(Some(at));
        }
    }
}
