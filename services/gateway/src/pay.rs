//! Paying: once, or until it succeeds.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::{BodyBytes, Failure, Json, Reply};
use contract::{NewPayment, PaymentReport};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use reliability::{Backoff, retry};

use crate::call::{Outcome, is_transient};
use crate::events::Events;
use crate::services::Services;

/// Pauses of up to 50, 100 and 200 ms between four tries.
const BACKOFF: Backoff = Backoff {
    attempts_max: 4,
    base: Duration::from_millis(50),
    max: Duration::from_millis(1_000),
};
/// Says how often a payment was tried, whether it succeeded or not.
const X_ATTEMPTS: HeaderName = HeaderName::from_static("x-attempts");
const EVENT: &str = "payment.captured";

pub(crate) async fn once(
    State(services): State<Arc<Services>>,
    State(events): State<Events>,
    headers: HeaderMap,
    BodyBytes(body): BodyBytes,
) -> Result<Response, Failure> {
    let content_type = headers.get(CONTENT_TYPE).cloned();
    let reply = services
        .payments
        .send(Method::POST, "/payments", content_type, body)
        .await?;
    if reply.status == StatusCode::CREATED {
        events.tell(EVENT);
    }
    Ok(reply.into_response())
}

/// Every try carries the same key, so a try whose answer was lost is not charged again.
pub(crate) async fn with_retry(
    State(services): State<Arc<Services>>,
    State(events): State<Events>,
    Json(mut wanted): Json<NewPayment>,
) -> Response {
    wanted
        .idempotency_key
        .get_or_insert_with(|| format!("{:032x}", rand::random::<u128>()));
    let random = Pcg64Mcg::seed_from_u64(rand::random());
    let tried = retry(
        &BACKOFF,
        random,
        |_| attempt(&services, &wanted),
        |Useless(outcome)| is_transient(outcome),
    )
    .await;
    let attempts = tried.attempts;
    let mut response = match tried
        .outcome
        .map_err(Failure::from)
        .and_then(|reply| Ok((reply.status, reply.json()?)))
    {
        Ok((status, payment)) => {
            if status == StatusCode::CREATED {
                events.tell(EVENT);
            }
            (status, Json(PaymentReport { attempts, payment })).into_response()
        }
        Err(failure) => failure
            .with_causes(vec![format!("tried {attempts} times")])
            .into_response(),
    };
    response.headers_mut().insert(X_ATTEMPTS, HeaderValue::from(attempts));
    response
}

/// A try that did not bring an answer of use: an answer of another kind, or none.
struct Useless(Outcome);

async fn attempt(services: &Services, wanted: &NewPayment) -> Result<Reply, Useless> {
    match services.payments.post("/payments", wanted).await {
        Ok(reply) if reply.status.is_success() => Ok(reply),
        other => Err(Useless(other)),
    }
}

impl From<Useless> for Failure {
    fn from(Useless(outcome): Useless) -> Self {
        match outcome {
            Ok(reply) => reply.failure(),
            Err(failure) => failure.into(),
        }
    }
}
