//! Which tokens the gateway believes (RFC 7519, RFC 7515).

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::tempdir;

use crate::common::http::get_with;
use crate::common::service::Service;
use crate::common::skip;

/// What signs tokens where nothing else was chosen.
const SECRET: &str = "a secret for development only";
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// base64url without padding (RFC 4648, 5).
fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| {
            bits << 8 | usize::from(chunk.get(at).copied().unwrap_or(0))
        });
        for digit in 0..=chunk.len() {
            text.push(char::from(DIGITS[bits >> (18 - 6 * digit) & 63]));
        }
    }
    text
}

/// A token of this header and these claims; none where there is no openssl to sign it.
fn signed(header: &str, claims: &str) -> Option<String> {
    let message = format!("{}.{}", base64url(header.as_bytes()), base64url(claims.as_bytes()));
    let mut openssl = Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", SECRET, "-binary"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    openssl.stdin.take()?.write_all(message.as_bytes()).ok()?;
    let output = openssl.wait_with_output().ok()?;
    assert!(output.status.success());
    Some(format!("{message}.{}", base64url(&output.stdout)))
}

#[test]
fn a_token_is_believed_as_the_standards_say() {
    const LATER: &str = r#"{"sub":"a","role":"admin","exp":9999999999}"#;
    if signed(HEADER, LATER).is_none() {
        return skip("there is no openssl");
    }
    let folder = tempdir().unwrap();
    let gateway = Service::start("gateway", folder.path(), &[]);
    let status = |header: &str, claims: &str| {
        let token = format!("Bearer {}", signed(header, claims).unwrap());
        get_with(gateway.port, "/api/secure", &[("authorization", &token)]).status
    };
    let from_later = LATER.replace('}', r#","nbf":9999999998}"#);
    let extended = r#"{"alg":"HS256","crit":["x"],"x":1}"#;
    let mut statuses = vec![
        status(HEADER, LATER),
        status(HEADER, &from_later),
        status(extended, LATER),
    ];
    // A whole second has been reached when it is the present one.
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    statuses.push(status(HEADER, &LATER.replace("9999999999", &now_s.to_string())));
    assert_eq!(
        statuses,
        [200, 401, 401, 401],
        "plain, not yet valid, with an unknown extension, ended"
    );
}
