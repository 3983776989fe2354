//! Who may see what.
//!
//! The accounts are for demonstration: `admin` with password `admin` may see `/api/secure`, `customer` with password
//! `customer` may not.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use chassis::{Failure, Json};
use contract::{Login, Token};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::claims::Claims;
use crate::instance::Instance;
use crate::refusal::Refusal;
use crate::token::Tokens;

const TOKEN_LIFETIME_S: u64 = 3_600;
/// User name, password, role.
const ACCOUNTS: [(&str, &str, &str); 2] = [("admin", "admin", ADMIN), ("customer", "customer", "customer")];
const ADMIN: &str = "admin";

/// What the token of a request says.
fn check(tokens: &Tokens, headers: &HeaderMap) -> Result<Claims, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (Some(only), None) => only,
        (None, _) => return Err(Refusal::Missing),
        (Some(_), Some(_)) => return Err(Refusal::Several),
    };
    let token = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or(Refusal::OtherScheme)?;
    tokens.check(token, now_s())
}

pub(crate) async fn login(
    State(tokens): State<Arc<Tokens>>,
    Json(Login { username, password }): Json<Login>,
) -> Result<Json<Token>, Failure> {
    let account = ACCOUNTS
        .iter()
        .find(|(name, secret, _)| *name == username && *secret == password);
    let (name, _, role) = account.ok_or_else(|| Failure::unauthorized("user name or password are wrong"))?;
    let claims = Claims {
        sub: (*name).to_owned(),
        role: (*role).to_owned(),
        exp: (now_s() + TOKEN_LIFETIME_S as f64).floor(),
        nbf: None,
        aud: None,
    };
    let token = tokens.issue(&claims)?;
    Ok(Json(Token {
        token,
        token_type: "Bearer".to_owned(),
        expires_in_s: TOKEN_LIFETIME_S,
    }))
}

pub(crate) async fn secure(
    State(tokens): State<Arc<Tokens>>,
    State(instance): State<Instance>,
    headers: HeaderMap,
) -> Result<Json<Value>, Failure> {
    let claims = check(&tokens, &headers)?;
    if claims.role != ADMIN {
        return Err(Failure::forbidden(format!(
            "this needs the role {ADMIN}; {} has {}",
            claims.sub, claims.role
        ))
        .with_kind("urn:lab:wrong-role"));
    }
    Ok(Json(
        json!({"user": claims.sub, "role": claims.role, "instance": instance}),
    ))
}

/// Seconds since 1970, with fractions.
fn now_s() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use chassis::testing::{Answer, answer, assert_problem, assert_refuses_bodies, post_to, settings};
    use contract::Program;
    use contract::environment::JWT_SECRET;
    use http::Request;

    use super::*;
    use crate::app;

    fn router() -> Router {
        app(&settings(Program::Gateway, &[])).unwrap()
    }

    fn tokens(secret: &str) -> Tokens {
        Tokens::from_settings(&settings(Program::Gateway, &[(JWT_SECRET, secret)])).unwrap()
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
            nbf: None,
            aud: None,
        };
        let expired = tokens("").issue(&claims(now_s() - 1.0)).unwrap();
        let foreign = tokens("another secret").issue(&claims(now_s() + 60.0)).unwrap();
        let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else {
            panic!("{good}")
        };
        // The claims of one token under the signature of another.
        let other = token_of("customer").await;
        let tampered = format!("{header}.{payload}.{}", other.rsplit('.').next().unwrap());
        // {"alg":"none","typ":"JWT"}
        let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.");
        for (authorization, status, detail, kind) in [
            (None, 401, "send Authorization", "token-missing"),
            (Some(format!("Basic {good}")), 401, "Bearer <token>", "token-missing"),
            (Some("Bearer".to_owned()), 401, "Bearer <token>", "token-missing"),
            (
                Some("Bearer nonsense".to_owned()),
                401,
                "not understood",
                "token-not-understood",
            ),
            (Some(format!("Bearer {expired}")), 401, "expired", "token-expired"),
            (
                Some(format!("Bearer {foreign}")),
                401,
                "not signed here",
                "token-unknown-key",
            ),
            (
                Some(format!("Bearer {tampered}")),
                401,
                "not signed here",
                "token-bad-signature",
            ),
            (
                Some(format!("Bearer {unsigned}{signature}")),
                401,
                "not understood",
                "token-wrong-algorithm",
            ),
            (
                Some(format!("Bearer {other}")),
                403,
                "needs the role admin",
                "wrong-role",
            ),
        ] {
            let answer = secure(authorization.as_deref()).await;
            assert_problem(&answer, status);
            assert!(answer.body.contains(detail), "{detail} in {answer:?}");
            assert_eq!(answer.json()["type"], format!("urn:lab:{kind}"));
            assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401);
        }
    }

    #[tokio::test]
    async fn a_request_has_one_authorization() {
        let good = format!("Bearer {}", token_of("admin").await);
        for (values, status) in [(vec![&good], 200), (vec![&good, &good], 401)] {
            let mut request = Request::get("/api/secure");
            for value in values {
                request = request.header(AUTHORIZATION, value);
            }
            let answer = answer(&router(), request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, status, "{answer:?}");
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
