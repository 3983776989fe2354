//! A limit on how often each client may ask: five times in ten seconds, unless the settings say otherwise.
//!
//! In the memory of an instance it is counted by that instance alone. Behind several instances a client gets as many times as much,
//! which is what the lesson about rate limits shows. In Redis all instances count together.

mod shared;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use chassis::{Check, Failure, Json, ServeError, Settings, SettingsError};
use contract::environment::{RATE_LIMIT, RATE_LIMIT_IN, RATE_LIMIT_ON_FAILURE};
use metrics::counter;
use reliability::rate::{Decision, PerClient, Quota, RateLimitSettings, SLIDING_LOG};
use serde_json::{Value, json};
use store::Redis;

use self::shared::SharedLimit;
use crate::client::TrustedProxies;
use crate::clock::Clock;
use crate::instance::Instance;

/// Unless `RATE_LIMIT` says otherwise.
const LIMIT: u32 = 5;
const WINDOW: Duration = Duration::from_secs(10);
/// Clients remembered at once.
const CLIENTS_MAX: usize = 10_000;
const DECISIONS: &str = "rate_limit_decisions_total";

pub(crate) struct Limiter {
    quota: Quota,
    place: Place,
    proxies: TrustedProxies,
}

/// Where the requests are counted.
enum Place {
    Memory {
        clients: Mutex<PerClient>,
        clock: Clock,
    },
    Redis {
        limit: SharedLimit,
        /// Whether requests are admitted while Redis does not answer.
        fails_open: bool,
    },
}

impl Limiter {
    /// Reads `RATE_LIMIT`, `RATE_LIMIT_IN`, `RATE_LIMIT_ON_FAILURE` and `TRUSTED_PROXIES`.
    ///
    /// # Errors
    /// When one of them holds what it may not hold, or a Redis is needed and there is none.
    pub(crate) fn from_settings(settings: &Settings) -> Result<Self, ServeError> {
        metrics::describe_counter!(
            DECISIONS,
            "Requests that a rate limit decided about, or could not decide about as Redis did not answer."
        );
        let env = &settings.environment;
        let limit = read(settings)?;
        let in_redis = env.choice(RATE_LIMIT_IN, &[("memory", false), ("redis", true)])?;
        let fails_open = env.choice(RATE_LIMIT_ON_FAILURE, &[("open", true), ("closed", false)])?;
        let place = if in_redis {
            let address = settings.required_redis(&format!("{RATE_LIMIT_IN} is redis"))?;
            let redis = Redis::connect(address.url.expose(), &address.prefix)?;
            let limit = SharedLimit::new(redis, &limit).map_err(|error| env.refuse(RATE_LIMIT, &error.to_string()))?;
            Place::Redis { limit, fails_open }
        } else {
            let clients = Mutex::new(PerClient::new(limit, CLIENTS_MAX));
            let clock = Clock::start();
            Place::Memory { clients, clock }
        };
        Ok(Self {
            quota: limit.quota,
            place,
            proxies: TrustedProxies::from_settings(settings)?,
        })
    }

    /// The readiness check of Redis, where it is needed: a limit that fails open can do without.
    pub(crate) fn check(&self) -> Option<Check> {
        match &self.place {
            Place::Redis {
                limit,
                fails_open: false,
            } => Some(limit.redis().check()),
            Place::Redis { .. } | Place::Memory { .. } => None,
        }
    }

    /// Decides about a request of `client`.
    ///
    /// # Errors
    /// When Redis does not answer, and the limit fails closed.
    async fn admit(&self, client: &str) -> Result<Decision, Failure> {
        let (limit, fails_open) = match &self.place {
            Place::Memory { clients, clock } => {
                let mut clients = clients.lock().unwrap_or_else(PoisonError::into_inner);
                // Under the lock, so that time does not run backwards for the limit.
                return Ok(clients.admit(client, clock.now()));
            }
            Place::Redis { limit, fails_open } => (limit, *fails_open),
        };
        match limit.admit(client).await {
            Ok(decision) => Ok(decision),
            Err(error) => {
                counter!(DECISIONS, "decision" => "unknown").increment(1);
                tracing::debug!(%error, fails_open, "the rate limit is not known");
                if fails_open {
                    return Ok(Decision::Admitted { remaining: 0 });
                }
                let detail = format!("the rate limit is not known, so nobody is admitted: {error}");
                Err(Failure::unavailable(detail).with_kind(contract::kind::LIMIT_UNKNOWN))
            }
        }
    }
}

fn read(settings: &Settings) -> Result<RateLimitSettings, SettingsError> {
    let env = &settings.environment;
    let Some(line) = env.get(RATE_LIMIT) else {
        return Ok(RateLimitSettings {
            kind: SLIDING_LOG,
            quota: Quota::new(LIMIT, WINDOW),
        });
    };
    line.parse().map_err(|error| {
        let allowed = format!("a policy such as \"gcra limit=5 window=10s burst=5\": {error}");
        env.refuse(RATE_LIMIT, &allowed)
    })
}

pub(crate) async fn limited(
    State(limiter): State<Arc<Limiter>>,
    State(instance): State<Instance>,
    request: Request,
) -> Result<Json<Value>, Failure> {
    let client = limiter.proxies.client(&request);
    match limiter.admit(&client).await? {
        Decision::Admitted { .. } => {
            counter!(DECISIONS, "decision" => "admitted").increment(1);
            Ok(Json(json!({"client": client, "instance": instance})))
        }
        Decision::Refused { retry_after } => {
            counter!(DECISIONS, "decision" => "refused").increment(1);
            // Rounded up: who waits for less would come too early.
            let wait_s = retry_after.as_secs_f64().ceil() as u64;
            let Quota { limit, window, .. } = limiter.quota;
            let detail = format!(
                "{client} may ask {limit} times in {} s; try again in {wait_s} s",
                window.as_secs_f64()
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
