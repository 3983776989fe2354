//! Five requests in ten seconds for each client, counted by each instance for itself: behind several instances a client
//! gets as many times five, which is what the lesson about rate limits shows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use chassis::{Failure, Json, Settings, SettingsError};
use reliability::SlidingWindow;
use serde_json::{Value, json};

use crate::client::TrustedProxies;
use crate::instance::Instance;

const LIMIT: usize = 5;
const WINDOW: Duration = Duration::from_secs(10);
/// Clients remembered at once.
const CLIENTS_MAX: usize = 10_000;

pub(crate) struct Limiter {
    window: Mutex<SlidingWindow>,
    proxies: TrustedProxies,
}

impl Limiter {
    /// Reads `TRUSTED_PROXIES`.
    ///
    /// # Errors
    /// When it holds something else than addresses.
    pub(crate) fn from_settings(settings: &Settings) -> Result<Self, SettingsError> {
        Ok(Self {
            window: Mutex::new(SlidingWindow::new(LIMIT, WINDOW, CLIENTS_MAX)),
            proxies: TrustedProxies::from_settings(settings)?,
        })
    }
}

pub(crate) async fn limited(
    State(limiter): State<Arc<Limiter>>,
    State(instance): State<Instance>,
    request: Request,
) -> Result<Json<Value>, Failure> {
    let client = limiter.proxies.client(&request);
    let admitted = limiter
        .window
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .admit(&client, Instant::now());
    match admitted {
        Ok(()) => Ok(Json(json!({"client": client, "instance": instance}))),
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

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::Router;
    use axum::body::Body;
    use axum::extract::ConnectInfo;
    use chassis::testing::{Answer, answer, assert_problem, settings};
    use contract::Program;

    use super::*;
    use crate::app;

    async fn ask(router: &Router, peer: [u8; 4], reported: &str) -> Answer {
        let mut request = Request::get("/api/limited").header("x-forwarded-for", reported);
        let peer = ConnectInfo(SocketAddr::from((peer, 5_000)));
        request.extensions_mut().unwrap().insert(peer);
        answer(router, request.body(Body::empty()).unwrap()).await
    }

    #[tokio::test]
    async fn the_sixth_request_has_to_wait_and_other_clients_do_not() {
        let router = app(&settings(Program::Gateway, &[])).unwrap();
        for count in 0..LIMIT {
            let other = format!("10.0.0.{count}");
            assert_eq!(ask(&router, [192, 0, 2, 1], &other).await.status, 200);
        }
        let refused = ask(&router, [192, 0, 2, 1], "10.0.0.99").await;
        assert_problem(&refused, 429);
        let retry_after_s: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=WINDOW.as_secs()).contains(&retry_after_s), "{retry_after_s}");
        assert_eq!(ask(&router, [192, 0, 2, 2], "10.0.0.99").await.status, 200);
    }
}
