//! Five requests in ten seconds for each client, counted by each instance for itself: behind several instances a client
//! gets as many times five, which is what the lesson about rate limits shows.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, Request, State};
use chassis::{Failure, Json};
use reliability::SlidingWindow;
use serde_json::{Value, json};

use crate::Shared;

const LIMIT: usize = 5;
const WINDOW: Duration = Duration::from_secs(10);
/// Clients remembered at once.
const CLIENTS_MAX: usize = 10_000;
/// Longest client name that is taken from a header.
const CLIENT_BYTES_MAX: usize = 64;

pub(crate) struct Limiter(Mutex<SlidingWindow>);

impl Default for Limiter {
    fn default() -> Self {
        Self(Mutex::new(SlidingWindow::new(LIMIT, WINDOW, CLIENTS_MAX)))
    }
}

pub(crate) async fn limited(State(gateway): Shared, request: Request) -> Result<Json<Value>, Failure> {
    let client = client(&request);
    let admitted = gateway
        .limiter
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .admit(&client, Instant::now());
    match admitted {
        Ok(()) => Ok(Json(json!({"client": client, "instance": gateway.instance}))),
        Err(wait) => {
            let wait_s = wait.as_secs_f64().ceil() as u64;
            let detail = format!(
                "{client} may ask {LIMIT} times in {} s; try again in {wait_s} s",
                WINDOW.as_secs()
            );
            Err(Failure::too_many_requests(detail, wait_s))
        }
    }
}

/// The address at the far end, as the balancer reports it, or that of the connection. A client that reaches the gateway
/// directly can report what it likes.
fn client(request: &Request) -> String {
    let reported = request
        .headers()
        .get("x-forwarded-for")
        .and_then(|value| value.to_str().ok())
        .and_then(|addresses| addresses.split(',').next())
        .map(str::trim)
        .filter(|address| !address.is_empty() && address.len() <= CLIENT_BYTES_MAX);
    match (reported, request.extensions().get::<ConnectInfo<SocketAddr>>()) {
        (Some(address), _) => address.to_owned(),
        (None, Some(ConnectInfo(peer))) => peer.ip().to_string(),
        (None, None) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use chassis::testing::{Answer, answer, assert_problem, settings};
    use contract::ServiceName;

    use super::*;
    use crate::app;

    async fn ask(router: &Router, client: &str) -> Answer {
        let request = Request::get("/api/limited").header("x-forwarded-for", format!("{client}, 10.0.0.1"));
        answer(router, request.body(Body::empty()).unwrap()).await
    }

    #[tokio::test]
    async fn the_sixth_request_has_to_wait_and_other_clients_do_not() {
        let router = app(&settings(ServiceName::Gateway, &[])).unwrap();
        for _ in 0..LIMIT {
            assert_eq!(ask(&router, "192.0.2.1").await.status, 200);
        }
        let refused = ask(&router, "192.0.2.1").await;
        assert_problem(&refused, 429);
        let retry_after_s: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=WINDOW.as_secs()).contains(&retry_after_s), "{retry_after_s}");
        assert_eq!(ask(&router, "192.0.2.2").await.status, 200);
    }
}
