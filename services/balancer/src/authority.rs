//! `host` or `host:port`, as `Host` and the target of a request may have it (RFC 9110, section 7.2; RFC 3986, section 3.2).

use std::net::Ipv6Addr;

/// Whether this is a host, perhaps with a port. Neither is user information, which RFC 9110 section 4.2.4 has long banned.
pub fn is_authority(text: &[u8]) -> bool {
    let (host, port) = match text.strip_prefix(b"[") {
        Some(rest) => match rest.iter().position(|byte| *byte == b']') {
            Some(end) if is_ip_literal(&rest[..end]) => (&rest[..end], &rest[end + 1..]),
            _ => return false,
        },
        None => {
            let end = text.iter().position(|byte| *byte == b':').unwrap_or(text.len());
            (&text[..end], &text[end..])
        }
    };
    let is_named = text.starts_with(b"[") || is_name(host);
    !host.is_empty() && is_named && (port.is_empty() || port.strip_prefix(b":").is_some_and(is_port))
}

/// Digits, of which there may be none.
fn is_port(text: &[u8]) -> bool {
    text.is_empty() || crate::framing::number(text).is_some_and(|port| port <= u64::from(u16::MAX))
}

fn is_ip_literal(text: &[u8]) -> bool {
    let is_v6 = || str::from_utf8(text).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok());
    let is_future = || {
        let (version, address) = text.split_at(text.iter().position(|byte| *byte == b'.').unwrap_or(0));
        let is_version = matches!(version, [b'v' | b'V', digits @ ..] if !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit));
        let is_address = |byte: &u8| is_plain(*byte) || *byte == b':';
        is_version && address.len() > 1 && address[1..].iter().all(is_address)
    };
    is_v6() || is_future()
}

/// A registered name, which an IPv4 address is, too.
fn is_name(text: &[u8]) -> bool {
    is_encoded(text, b"")
}

/// Whether a text holds but unreserved characters, sub-delimiters, `more`, and any other byte percent-encoded.
pub fn is_encoded(text: &[u8], more: &[u8]) -> bool {
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        let is_fine = match byte {
            b'%' => (0..2).all(|_| bytes.next().is_some_and(u8::is_ascii_hexdigit)),
            byte => is_plain(*byte) || more.contains(byte),
        };
        if !is_fine {
            return false;
        }
    }
    true
}

/// Unreserved characters and sub-delimiters.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_from_what_is_none() {
        for right in [
            "shop",
            "shop:80",
            "shop:",
            "127.0.0.1:8080",
            "a_b.example",
            "a%20b",
            "[::1]",
            "[::1]:80",
            "[v1.a:b]:1",
            "a,b",
        ] {
            assert!(is_authority(right.as_bytes()), "{right}");
        }
        for wrong in [
            "",
            ":80",
            "a b",
            "a, b",
            "a/b@c",
            "u:p@b",
            "u@b",
            "a:b",
            "a:80:80",
            "a:65536",
            "a:+1",
            "a?b",
            "a#b",
            "a\\b",
            "%zz",
            "a%2",
            "[::1",
            "::1",
            "[]",
            "[::1]x",
            "[1.2.3.4]",
            "[v.a]",
            "[v1.]",
            "\u{e4}",
            "a\"b",
            "<a>",
            "a\tb",
        ] {
            assert!(!is_authority(wrong.as_bytes()), "{wrong}");
        }
    }
}
