//! Signed tokens: JSON Web Tokens (RFC 7519) under HMAC-SHA-256 (RFC 7515), and when one of them is to be believed.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use chassis::{Environment, Failure};
use contract::Program;
use contract::environment::JWT_SECRET;
use hmac::{Hmac, KeyInit, Mac};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::Sha256;

/// Signs tokens where `JWT_SECRET` is not set: good for a laboratory, known to everybody.
const DEVELOPMENT_SECRET: &str = "a secret for development only";
const ALGORITHM: &str = "HS256";
/// The header of the tokens that are issued here.
const HEADER: &str = r#"{"typ":"JWT","alg":"HS256"}"#;
/// For whom tokens are, where they say for whom.
const AUDIENCE: &str = Program::Gateway.as_str();

/// What a token says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// Who.
    pub(crate) sub: String,
    /// What they may do.
    pub(crate) role: String,
    /// Until when, in seconds since 1970, fractions allowed; at this moment it has ended.
    pub(crate) exp: f64,
    /// From when on, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub(crate) nbf: Option<f64>,
    /// For whom; for anybody where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub(crate) aud: Option<Audience>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn includes(&self, name: &str) -> bool {
        match self {
            Self::One(only) => only == name,
            Self::Several(names) => names.iter().any(|one| one == name),
        }
    }
}

/// The part of a header that decides something.
#[derive(Deserialize)]
struct Protected {
    alg: String,
    /// Extensions that the reader has to understand, or refuse the token. None is understood here.
    #[serde(default, deserialize_with = "present")]
    crit: Option<IgnoredAny>,
}

/// A member that may be absent, but is not `null`.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

/// Signs tokens and checks them.
pub(crate) struct Tokens {
    /// The key, ready to sign.
    key: Hmac<Sha256>,
}

impl Tokens {
    /// Reads `JWT_SECRET`, and warns where it is not set.
    pub(crate) fn new(environment: &Environment) -> Self {
        let secret = environment.get(JWT_SECRET).unwrap_or_else(|| {
            tracing::warn!("{JWT_SECRET} is not set: tokens are signed with a secret that everybody knows");
            DEVELOPMENT_SECRET
        });
        let key = Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
        Self { key }
    }

    /// A token that says this.
    pub(crate) fn issue(&self, claims: &Claims) -> Result<String, Failure> {
        let claims = serde_json::to_vec(claims).map_err(Failure::internal)?;
        Ok(self.signed(HEADER, &claims))
    }

    /// A token of this header and these claims.
    fn signed(&self, header: &str, claims: &[u8]) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.key.clone().chain_update(&message).finalize().into_bytes();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// What a token says, if it is to be believed at `now_s`, in seconds since 1970.
    ///
    /// # Errors
    /// Why it is not.
    pub(crate) fn check(&self, token: &str, now_s: f64) -> Result<Claims, &'static str> {
        const NOT_UNDERSTOOD: &str = "the token is not understood";
        let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
            return Err(NOT_UNDERSTOOD);
        };
        let protected: Protected = part(header).ok_or(NOT_UNDERSTOOD)?;
        if protected.alg != ALGORITHM {
            return Err("the token is not understood: it must be signed with HS256");
        }
        if protected.crit.is_some() {
            return Err("the token is not understood: its header has critical extensions");
        }
        let signed = &token[..header.len() + 1 + payload.len()];
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| NOT_UNDERSTOOD)?;
        // Compares in constant time, so that how long it takes tells nothing about the right signature.
        let verified = self.key.clone().chain_update(signed).verify_slice(&signature);
        verified.map_err(|_| "the token was not signed here, or was changed")?;
        let claims: Claims = part(payload).ok_or(NOT_UNDERSTOOD)?;
        if now_s >= claims.exp {
            return Err("the token has expired; log in again");
        }
        if claims.nbf.is_some_and(|from| now_s < from) {
            return Err("the token does not hold yet");
        }
        if claims.aud.as_ref().is_some_and(|audience| !audience.includes(AUDIENCE)) {
            return Err("the token is for somebody else");
        }
        Ok(claims)
    }
}

/// One part of a token: JSON in base64url without padding. A member that is there twice makes it mean two things.
fn part<T: for<'de> Deserialize<'de>>(text: &str) -> Option<T> {
    let json = URL_SAFE_NO_PAD.decode(text).ok()?;
    contract::json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The moment of the test, in seconds since 1970.
    const NOW: i64 = 1_800_000_000;

    fn tokens(secret: &str) -> Tokens {
        Tokens::new(&[(JWT_SECRET, secret)].into_iter().collect())
    }

    fn claims(exp: &str, more: &str) -> String {
        format!(r#"{{"sub":"a","role":"admin","exp":{exp}{more}}}"#)
    }

    fn with_claims(claims: &str) -> Result<Claims, &'static str> {
        let key = tokens("key");
        key.check(&key.signed(HEADER, claims.as_bytes()), NOW as f64)
    }

    #[test]
    fn what_was_issued_is_believed_until_it_ends() {
        let key = tokens("key");
        let claims = Claims {
            sub: "admin".to_owned(),
            role: "admin".to_owned(),
            exp: NOW as f64 + 60.0,
            nbf: None,
            aud: None,
        };
        let token = key.issue(&claims).unwrap();
        assert_eq!(key.check(&token, NOW as f64), Ok(claims));
        assert_eq!(key.check(&token, NOW as f64 + 59.9).map(drop), Ok(()));
        assert!(key.check(&token, NOW as f64 + 60.0).unwrap_err().contains("expired"));
        assert!(
            tokens("other")
                .check(&token, NOW as f64)
                .unwrap_err()
                .contains("not signed here")
        );
    }

    #[test]
    fn claims_are_believed_as_the_standard_says() {
        let later = (NOW + 100).to_string();
        for (exp, more, reason) in [
            (later.as_str(), "", ""),
            ("1800000100.5", "", ""),
            ("1.8e10", "", ""),
            ("9223372036854775808", "", ""),
            ("18446744073709551616", "", ""),
            ("1800000000", "", "expired"),
            ("1800000000.5", "", ""),
            ("1799999999.5", "", "expired"),
            ("0", "", "expired"),
            ("-1", "", "expired"),
            ("1e309", "", "not understood"),
            ("null", "", "not understood"),
            ("true", "", "not understood"),
            ("[1800000100]", "", "not understood"),
            (r#""1800000100""#, "", "not understood"),
            ("1", r#","exp":1800000100"#, "not understood"),
            ("1800000100", r#","exp":1"#, "not understood"),
            (&later, r#","role":"admin""#, "not understood"),
            (&later, r#","nbf":1800000050"#, "not hold yet"),
            (&later, r#","nbf":1800000000.5"#, "not hold yet"),
            (&later, r#","nbf":1800000000"#, ""),
            (&later, r#","nbf":"1""#, "not understood"),
            (&later, r#","nbf":null"#, "not understood"),
            (&later, r#","iat":1800000050"#, ""),
            (&later, r#","iss":"anybody""#, ""),
            (&later, r#","aud":"gateway""#, ""),
            (&later, r#","aud":["other","gateway"]"#, ""),
            (&later, r#","aud":"other""#, "somebody else"),
            (&later, r#","aud":["other"]"#, "somebody else"),
            (&later, r#","aud":[]"#, "somebody else"),
            (&later, r#","aud":null"#, "not understood"),
            (&later, r#","aud":1"#, "not understood"),
        ] {
            let found = with_claims(&claims(exp, more));
            let found = found.err().unwrap_or_default();
            assert!(
                found.contains(reason) && found.is_empty() == reason.is_empty(),
                "{exp} {more}: {found:?}"
            );
        }
        let deep = format!(r#","x":{}{}"#, "[".repeat(20_000), "]".repeat(20_000));
        let broken = [
            r#"{"sub":"a","role":"admin"}"#.to_owned(),
            format!(r#"{{"sub":"a","role":["admin"],"exp":{later}}}"#),
            format!(r#"{{"sub":"\ud800","role":"admin","exp":{later}}}"#),
            format!("\u{feff}{}", claims(&later, "")),
            format!("{}x", claims(&later, "")),
            "[]".to_owned(),
            format!(r#"["a","admin",{later}]"#),
        ];
        for claims in broken {
            assert!(with_claims(&claims).unwrap_err().contains("not understood"), "{claims}");
        }
        // Deep or long, it ends: whatever is unknown is passed over.
        let _ = with_claims(&claims(&later, &deep));
        assert!(with_claims(&claims(&later, &format!(r#","x":"{}""#, "a".repeat(50_000)))).is_ok());
    }

    #[test]
    fn headers_are_believed_as_the_standard_says() {
        let key = tokens("key");
        let claims = claims(&(NOW + 100).to_string(), "");
        for (header, is_believed) in [
            (HEADER, true),
            (r#"{"alg":"HS256"}"#, true),
            (
                r#"{"alg":"HS256","typ":"at+jwt","kid":"../../dev/null","jwk":{"kty":"oct","k":"AA"}}"#,
                true,
            ),
            (r#"{"alg":"none"}"#, false),
            (r#"{"alg":"None"}"#, false),
            (r#"{"alg":"nOnE"}"#, false),
            (r#"{"alg":"hs256"}"#, false),
            (r#"{"alg":"HS512"}"#, false),
            (r#"{"alg":"RS256"}"#, false),
            (r#"{"alg":["HS256"]}"#, false),
            (r#"{"typ":"JWT"}"#, false),
            (r#"{"alg":"none","alg":"HS256"}"#, false),
            (r#"{"alg":"HS256","crit":["x-must"],"x-must":true}"#, false),
            (r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#, false),
            (r#"{"alg":"HS256","crit":[]}"#, false),
            (r#"{"alg":"HS256","crit":null}"#, false),
            (r#"["HS256"]"#, false),
            ("", false),
        ] {
            let checked = key.check(&key.signed(header, claims.as_bytes()), NOW as f64);
            assert_eq!(checked.is_ok(), is_believed, "{header}: {checked:?}");
        }
    }

    /// The example of RFC 7515, appendix A.1, whose key is given in base64url.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key = URL_SAFE_NO_PAD.decode(key).unwrap();
        let tokens = Tokens {
            key: Hmac::new_from_slice(&key).unwrap(),
        };
        let header = "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}";
        let claims = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
        let token = tokens.signed(header, claims.as_bytes());
        assert!(
            token.ends_with(".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "{token}"
        );
    }

    #[test]
    fn a_token_has_three_parts_and_one_spelling() {
        let key = tokens("key");
        let good = key.signed(HEADER, claims(&(NOW + 100).to_string(), "").as_bytes());
        let (message, signature) = good.rsplit_once('.').unwrap();
        let last = good.as_bytes()[good.len() - 1];
        assert!(key.check(&good, NOW as f64).is_ok());
        for token in [
            String::new(),
            "..".to_owned(),
            message.to_owned(),
            format!("{message}."),
            format!("{good}.x"),
            format!("{good}="),
            format!(".{message}.{signature}"),
            format!("{}{}", &good[..good.len() - 1], char::from(last + 1)),
            format!("{good}, Bearer {good}"),
            format!("\"{good}\""),
            format!(" {good}"),
            good.replace('.', ".\n"),
        ] {
            assert!(key.check(&token, NOW as f64).is_err(), "{token}");
        }
    }
}
