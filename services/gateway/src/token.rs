//! Signed tokens: JSON Web Tokens (RFC 7519) under HMAC-SHA-256 (RFC 7515), and when one of them is to be believed.
//!
//! A secret is replaced without logging anybody out: the new one signs, and the one before is still believed for as long as its tokens
//! live. A token names its key (`kid`). Every instance gives the same secret the same name, for it is a part of the secret's hash.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use chassis::{Failure, Settings, SettingsError};
use contract::Program;
use contract::environment::{JWT_SECRET, JWT_SECRET_BEFORE, JWT_SKEW_MS};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

use crate::claims::{Claims, present};
use crate::refusal::Refusal;

/// Signs tokens where `JWT_SECRET` is not set: good for a laboratory, known to everybody.
const DEVELOPMENT_SECRET: &str = "a secret for development only";
const ALGORITHM: &str = "HS256";
/// For whom tokens are, where they say for whom.
const AUDIENCE: &str = Program::Gateway.as_str();
/// Bytes of a secret's hash that are its name. They tell no more about the secret than a signature does.
const NAME_BYTES: usize = 6;
const SKEW_MS_MAX: u64 = 600_000;

/// The part of a header that decides something.
#[derive(Deserialize)]
struct Protected {
    alg: String,
    /// The name of the key. Where it is absent, any key will do.
    #[serde(default, deserialize_with = "present")]
    kid: Option<String>,
    /// Extensions that the reader has to understand, or refuse the token. None is understood here.
    #[serde(default, deserialize_with = "present")]
    crit: Option<IgnoredAny>,
}

/// A secret, ready to sign.
struct Key {
    name: String,
    mac: Hmac<Sha256>,
}

impl Key {
    fn new(secret: &[u8]) -> Self {
        let named = Sha256::new().chain_update(b"kid:").chain_update(secret).finalize();
        Self {
            name: URL_SAFE_NO_PAD.encode(&named[..NAME_BYTES]),
            mac: Hmac::new_from_slice(secret).expect("HMAC takes a key of any length"),
        }
    }

    /// A token of this header and these claims.
    fn signed(&self, header: &str, claims: &[u8]) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.mac.clone().chain_update(&message).finalize().into_bytes();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Compares in constant time, so that how long it takes tells nothing about the right signature.
    fn has_signed(&self, message: &str, signature: &[u8]) -> bool {
        self.mac.clone().chain_update(message).verify_slice(signature).is_ok()
    }
}

/// Signs tokens and checks them.
pub(crate) struct Tokens {
    /// The key that signs, and then the one before it.
    keys: Vec<Key>,
    /// By how much clocks may differ, in seconds.
    skew_s: f64,
}

impl Tokens {
    /// Reads `JWT_SECRET`, `JWT_SECRET_BEFORE` and `JWT_SKEW_MS`, and warns where there is no secret.
    ///
    /// # Errors
    /// When the skew is no time.
    pub(crate) fn from_settings(settings: &Settings) -> Result<Self, SettingsError> {
        let env = &settings.environment;
        let secret = env.get(JWT_SECRET).unwrap_or_else(|| {
            tracing::warn!("{JWT_SECRET} is not set: tokens are signed with a secret that everybody knows");
            DEVELOPMENT_SECRET
        });
        let secrets = std::iter::once(secret).chain(env.get(JWT_SECRET_BEFORE));
        Ok(Self {
            keys: secrets.map(|secret| Key::new(secret.as_bytes())).collect(),
            skew_s: env.milliseconds(JWT_SKEW_MS, 0, 0, SKEW_MS_MAX)?.as_secs_f64(),
        })
    }

    /// A token that says this.
    pub(crate) fn issue(&self, claims: &Claims) -> Result<String, Failure> {
        let claims = serde_json::to_vec(claims).map_err(Failure::internal)?;
        let key = &self.keys[0];
        let header = format!(r#"{{"typ":"JWT","alg":"{ALGORITHM}","kid":"{}"}}"#, key.name);
        Ok(key.signed(&header, &claims))
    }

    /// What a token says, if it is to be believed at `now_s`, in seconds since 1970.
    ///
    /// # Errors
    /// Why it is not.
    pub(crate) fn check(&self, token: &str, now_s: f64) -> Result<Claims, Refusal> {
        let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
            return Err(Refusal::NotUnderstood);
        };
        let protected: Protected = part(header).ok_or(Refusal::NotUnderstood)?;
        if protected.alg != ALGORITHM {
            return Err(Refusal::WrongAlgorithm);
        }
        if protected.crit.is_some() {
            return Err(Refusal::NotUnderstood);
        }
        let message = &token[..header.len() + 1 + payload.len()];
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refusal::NotUnderstood)?;
        let named = |key: &&Key| protected.kid.as_ref().is_none_or(|name| *name == key.name);
        let mut keys = self.keys.iter().filter(named).peekable();
        if keys.peek().is_none() {
            return Err(Refusal::UnknownKey);
        }
        if !keys.any(|key| key.has_signed(message, &signature)) {
            return Err(Refusal::BadSignature);
        }
        let claims: Claims = part(payload).ok_or(Refusal::NotUnderstood)?;
        if now_s - self.skew_s >= claims.exp {
            return Err(Refusal::Expired);
        }
        if claims.nbf.is_some_and(|from| now_s + self.skew_s < from) {
            return Err(Refusal::NotYetValid);
        }
        if claims.aud.as_ref().is_some_and(|audience| !audience.includes(AUDIENCE)) {
            return Err(Refusal::OtherAudience);
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
    use chassis::testing::settings;

    use super::*;

    /// The moment of the test, in seconds since 1970.
    const NOW: i64 = 1_800_000_000;

    const HEADER: &str = r#"{"typ":"JWT","alg":"HS256"}"#;

    fn tokens_with(variables: &[(&str, &str)]) -> Tokens {
        Tokens::from_settings(&settings(Program::Gateway, variables)).unwrap()
    }

    fn tokens(secret: &str) -> Tokens {
        tokens_with(&[(JWT_SECRET, secret)])
    }

    /// What is said of why a token is not believed; nothing where it is.
    fn reason(checked: Result<Claims, Refusal>) -> String {
        checked.err().map(|refusal| refusal.to_string()).unwrap_or_default()
    }

    fn claims(exp: &str, more: &str) -> String {
        format!(r#"{{"sub":"a","role":"admin","exp":{exp}{more}}}"#)
    }

    fn with_claims(claims: &str) -> Result<Claims, Refusal> {
        let key = tokens("key");
        key.check(&key.keys[0].signed(HEADER, claims.as_bytes()), NOW as f64)
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
        assert_eq!(key.check(&token, NOW as f64 + 60.0), Err(Refusal::Expired));
        assert_eq!(tokens("other").check(&token, NOW as f64), Err(Refusal::UnknownKey));
    }

    #[test]
    fn claims_are_believed_as_the_standard_says() {
        let later = (NOW + 100).to_string();
        for (exp, more, said) in [
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
            let found = reason(with_claims(&claims(exp, more)));
            assert!(
                found.contains(said) && found.is_empty() == said.is_empty(),
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
            assert_eq!(with_claims(&claims), Err(Refusal::NotUnderstood), "{claims}");
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
            (r#"{"alg":"HS256","typ":"at+jwt","jwk":{"kty":"oct","k":"AA"}}"#, true),
            (r#"{"alg":"HS256","kid":"../../dev/null"}"#, false),
            (r#"{"alg":"HS256","kid":""}"#, false),
            (r#"{"alg":"HS256","kid":null}"#, false),
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
            let checked = key.check(&key.keys[0].signed(header, claims.as_bytes()), NOW as f64);
            assert_eq!(checked.is_ok(), is_believed, "{header}: {checked:?}");
        }
    }

    /// The example of RFC 7515, appendix A.1, whose key is given in base64url.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key = URL_SAFE_NO_PAD.decode(key).unwrap();
        let tokens = Key::new(&key);
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
        let good = key.keys[0].signed(HEADER, claims(&(NOW + 100).to_string(), "").as_bytes());
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

    #[test]
    fn a_secret_is_replaced_without_logging_anybody_out() {
        let claims = claims(&(NOW + 100).to_string(), "");
        let claims: Claims = serde_json::from_str(&claims).unwrap();
        let old = tokens("old").issue(&claims).unwrap();
        let rotated = tokens_with(&[(JWT_SECRET, "new"), (JWT_SECRET_BEFORE, "old")]);
        let new = rotated.issue(&claims).unwrap();
        let at = NOW as f64;
        assert!(rotated.check(&old, at).is_ok() && rotated.check(&new, at).is_ok());
        assert!(tokens("new").check(&new, at).is_ok(), "the new secret signs");
        assert_eq!(tokens("new").check(&old, at), Err(Refusal::UnknownKey));
        // Without a name, each key is tried.
        let nameless = tokens("old").keys[0].signed(HEADER, &serde_json::to_vec(&claims).unwrap());
        assert!(rotated.check(&nameless, at).is_ok());
        assert_eq!(tokens("new").check(&nameless, at), Err(Refusal::BadSignature));
        // The name of one key does not lend its belief to another.
        let [_, payload, signature] = old.split('.').collect::<Vec<_>>()[..] else {
            panic!("{old}")
        };
        let posing = format!("{}.{payload}.{signature}", new.split('.').next().unwrap());
        assert_eq!(rotated.check(&posing, at), Err(Refusal::BadSignature));
    }

    #[test]
    fn clocks_may_differ_by_the_skew_and_no_more() {
        let exp = NOW.to_string();
        let nbf = format!(r#","nbf":{}"#, NOW - 10);
        let key = tokens_with(&[(JWT_SECRET, "key"), (JWT_SKEW_MS, "2500")]);
        let token = key.keys[0].signed(HEADER, claims(&exp, &nbf).as_bytes());
        for (after_s, expected) in [
            (0.0, None),
            (2.4, None),
            (2.5, Some(Refusal::Expired)),
            (-12.5, None),
            (-12.6, Some(Refusal::NotYetValid)),
        ] {
            assert_eq!(key.check(&token, NOW as f64 + after_s).err(), expected, "{after_s}");
        }
        assert!(Tokens::from_settings(&settings(Program::Gateway, &[(JWT_SKEW_MS, "-1")])).is_err());
    }
}
