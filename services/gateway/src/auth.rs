//! Who may see what: JSON Web Tokens (RFC 7519), signed with HMAC-SHA-256.
//!
//! The accounts are for demonstration: `admin` with password `admin` may see `/api/secure`, `customer` with password
//! `customer` may not.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use chassis::{Environment, Failure, Json};
use contract::environment::JWT_SECRET;
use contract::{Login, Token};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Shared;

/// Signs tokens where `JWT_SECRET` is not set: good for a laboratory, known to everybody.
const DEVELOPMENT_SECRET: &str = "a secret for development only";
const TOKEN_LIFETIME_S: u64 = 3_600;
/// User name, password, role.
const ACCOUNTS: [(&str, &str, &str); 2] = [("admin", "admin", ADMIN), ("customer", "customer", "customer")];
const ADMIN: &str = "admin";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Claims {
    /// Who.
    sub: String,
    /// What they may do.
    role: String,
    /// Until when, in seconds since 1970.
    exp: u64,
}

/// Signs tokens and checks them.
pub(crate) struct Tokens {
    sign: EncodingKey,
    verify: DecodingKey,
    rules: Validation,
}

impl Tokens {
    pub(crate) fn new(environment: &Environment) -> Self {
        let secret = environment.get(JWT_SECRET).unwrap_or(DEVELOPMENT_SECRET).as_bytes();
        let mut rules = Validation::new(Algorithm::HS256);
        // Signer and checker share a clock, so a token ends when it says.
        rules.leeway = 0;
        Self {
            sign: EncodingKey::from_secret(secret),
            verify: DecodingKey::from_secret(secret),
            rules,
        }
    }

    fn issue(&self, claims: &Claims) -> Result<String, Failure> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.sign).map_err(Failure::internal)
    }

    fn check(&self, headers: &HeaderMap) -> Result<Claims, Failure> {
        let value = headers
            .get(AUTHORIZATION)
            .ok_or_else(|| Failure::unauthorized("send Authorization: Bearer <token>"))?;
        let token = value
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| Failure::unauthorized("Authorization must be of the form: Bearer <token>"))?;
        match jsonwebtoken::decode::<Claims>(token, &self.verify, &self.rules) {
            Ok(data) => Ok(data.claims),
            Err(error) => Err(Failure::unauthorized(match error.kind() {
                ErrorKind::ExpiredSignature => "the token has expired; log in again",
                ErrorKind::InvalidSignature => "the token was not signed here, or was changed",
                _ => "the token is not understood",
            })),
        }
    }
}

pub(crate) async fn login(
    State(gateway): Shared,
    Json(Login { username, password }): Json<Login>,
) -> Result<Json<Token>, Failure> {
    let account = ACCOUNTS
        .iter()
        .find(|(name, secret, _)| *name == username && *secret == password);
    let (name, _, role) = account.ok_or_else(|| Failure::unauthorized("user name or password are wrong"))?;
    let claims = Claims {
        sub: (*name).to_owned(),
        role: (*role).to_owned(),
        exp: now_s() + TOKEN_LIFETIME_S,
    };
    let token = gateway.tokens.issue(&claims)?;
    Ok(Json(Token {
        token,
        token_type: "Bearer".to_owned(),
        expires_in_s: TOKEN_LIFETIME_S,
    }))
}

pub(crate) async fn secure(State(gateway): Shared, headers: HeaderMap) -> Result<Json<Value>, Failure> {
    let claims = gateway.tokens.check(&headers)?;
    if claims.role != ADMIN {
        return Err(Failure::forbidden(format!(
            "this needs the role {ADMIN}; {} has {}",
            claims.sub, claims.role
        )));
    }
    Ok(Json(
        json!({"user": claims.sub, "role": claims.role, "instance": gateway.instance}),
    ))
}

fn now_s() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use chassis::testing::{Answer, answer, assert_problem, assert_refuses_bodies, post_to, settings};
    use contract::ServiceName;
    use http::Request;

    use super::*;
    use crate::app;

    fn router() -> Router {
        app(&settings(ServiceName::Gateway, &[])).unwrap()
    }

    fn tokens(secret: &str) -> Tokens {
        Tokens::new(&[(JWT_SECRET, secret)].into_iter().collect())
    }

    async fn secure(authorization: Option<&str>) -> Answer {
        let mut request = Request::get("/api/secure");
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value);
        }
        answer(&router(), request.body(Body::empty()).unwrap()).await
    }

    async fn token_of(account: &str) -> String {
        let answer = post_to(
            &router(),
            "/api/login",
            &json!({"username": account, "password": account}),
        )
        .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn the_right_role_gets_in() {
        let answer = secure(Some(&format!("Bearer {}", token_of("admin").await))).await;
        assert_eq!((answer.status, &answer.json()["user"]), (200, &json!("admin")));
    }

    #[tokio::test]
    async fn everybody_else_stays_out_for_the_right_reason() {
        let good = token_of("admin").await;
        let claims = |exp| Claims {
            sub: "admin".to_owned(),
            role: ADMIN.to_owned(),
            exp,
        };
        let expired = tokens("").issue(&claims(now_s() - 1)).unwrap();
        let foreign = tokens("another secret").issue(&claims(now_s() + 60)).unwrap();
        let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else {
            panic!("{good}")
        };
        // The claims of one token under the signature of another.
        let other = token_of("customer").await;
        let tampered = format!("{header}.{payload}.{}", other.rsplit('.').next().unwrap());
        // {"alg":"none","typ":"JWT"}
        let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.");
        for (authorization, status, detail) in [
            (None, 401, "send Authorization"),
            (Some(format!("Basic {good}")), 401, "Bearer <token>"),
            (Some("Bearer".to_owned()), 401, "Bearer <token>"),
            (Some("Bearer nonsense".to_owned()), 401, "not understood"),
            (Some(format!("Bearer {expired}")), 401, "expired"),
            (Some(format!("Bearer {foreign}")), 401, "not signed here"),
            (Some(format!("Bearer {tampered}")), 401, "not signed here"),
            (Some(format!("Bearer {unsigned}{signature}")), 401, "not understood"),
            (Some(format!("Bearer {other}")), 403, "needs the role admin"),
        ] {
            let answer = secure(authorization.as_deref()).await;
            assert_problem(&answer, status);
            assert!(answer.body.contains(detail), "{detail} in {answer:?}");
            assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401);
        }
    }

    #[tokio::test]
    async fn a_wrong_login_gets_no_token() {
        assert_refuses_bodies(&router(), "/api/login").await;
        for (body, status) in [
            (json!({"username": "admin", "password": "guess"}), 401),
            (json!({"username": "nobody", "password": "admin"}), 401),
            (json!({"username": "", "password": "admin"}), 422),
        ] {
            assert_problem(&post_to(&router(), "/api/login", &body).await, status);
        }
    }
}
