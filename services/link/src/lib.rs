//! A TCP proxy that makes the way from one service to another slow, narrow, lossy or cut.
//!
//! It stands between a caller and a callee, knows nothing of what they say, and changes no byte of it. Half of a connection may be
//! closed while the other goes on. It listens for the caller at one port, and for whoever controls it at another:
//!
//! | Endpoint | Answer |
//! |---|---|
//! | `GET /conditions` | what the link does to connections: [`LinkConditions`] |
//! | `PUT /conditions` | takes others in their place, also for connections that are open |
//! | `GET /health`, `/ready`, `/metrics` | as with every service |
//!
//! What the conditions mean on a stream of bytes, and where that differs from a real network:
//!
//! - **latency, jitter**: each segment arrives later; none overtakes another. A new connection waits for a round trip first, as
//!   the handshake would have; the caller's own kernel, though, has been told by then that it is connected.
//! - **loss**: a stream loses no byte. A lost segment comes after a retransmission time-out, and what was sent behind it waits: see
//!   [`Line::send`].
//! - **bandwidth**: of each connection by itself, each way; connections do not compete for it.
//! - **black hole**: everything is taken and nothing passed, without a word to anybody. Callers still connect, since the proxy's
//!   kernel answers them, and then hear nothing. Once the link is open again, what is held goes on at once, where a kernel would
//!   wait for its next retransmission. A caller that meanwhile gave up a new connection was never there.
//! - **reset**: open connections are reset, and new ones as soon as they are accepted. So they are when the callee refuses.
//!
//! Like the balancer it asks for no credentials: listen where that is meant.

mod connection;
mod line;
mod pipe;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use chassis::{App, Json, Listener, ServeError, Settings};
use contract::{LinkConditions, Validate, environment};
use rustix::process::{Resource, getrlimit};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::connection::Connection;
pub use crate::line::{Arrival, Direction, Line, SEGMENT_BYTES};

/// Connections that are open at once; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 4_096;
/// Descriptors that connections leave to the rest, so that the link can be controlled, however many there are.
const DESCRIPTORS_SPARED: usize = 64;

/// What a link is told of.
#[derive(Debug, Clone, PartialEq)]
struct Config {
    /// Port that the caller uses; 0 takes any free one.
    port: u16,
    /// The callee, `host:port`.
    to: String,
    seed: u64,
    conditions: LinkConditions,
}

impl Config {
    fn read(settings: &Settings) -> Result<Self, ServeError> {
        let env = &settings.environment;
        let to = env.get(environment::LINK_TO).unwrap_or_default();
        let has_port = to
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        if !has_port {
            return Err(env
                .refuse(environment::LINK_TO, "the callee's host:port, such as 127.0.0.1:8080")
                .into());
        }
        let refuse = || {
            env.refuse(
                environment::LINK_CONDITIONS,
                "conditions as JSON, such as {\"latency_ms\": 50}",
            )
        };
        let conditions: LinkConditions = match env.get(environment::LINK_CONDITIONS) {
            Some(text) => contract::json::from_str(text).map_err(|_| refuse())?,
            None => LinkConditions::default(),
        };
        conditions.validate().map_err(|_| refuse())?;
        Ok(Self {
            port: env.parse(
                environment::LINK_PORT,
                0,
                "a port from 0 (any free one) to 65535",
                |_| true,
            )?,
            to: to.to_owned(),
            seed: env.parse(environment::LINK_SEED, 1, "a whole number from 0 to 2^64 - 1", |_| true)?,
            conditions,
        })
    }
}

type Shared = Arc<watch::Sender<LinkConditions>>;

/// Runs the link as the settings say until they ask for the end; its connections end with it.
///
/// # Errors
/// When a setting is wrong or an address cannot be had.
pub async fn serve(settings: Settings) -> Result<(), ServeError> {
    let config = Config::read(&settings)?;
    let listener = chassis::bind(settings.host, config.port).await?;
    let port = listener.local_addr().map_err(ServeError::Runtime)?.port();
    let conditions = Arc::new(watch::Sender::new(config.conditions));
    let router = control(&settings, Arc::clone(&conditions));
    describe();
    // Whoever started it looks for this line, which comes before the one that says where it is controlled.
    tracing::info!(port, to = config.to, "passing");
    tokio::select! {
        () = pass(listener, config, &conditions) => Ok(()),
        served = chassis::serve(router, &settings) => served,
    }
}

/// Explains its metrics.
fn describe() {
    metrics::describe_counter!("link_connections_total", "Connections that were taken.");
    metrics::describe_gauge!("link_connections", "Connections that are open.");
    metrics::describe_counter!("link_bytes_total", "Bytes that were handed on.");
    metrics::describe_counter!("link_lost_total", "Segments that were lost, and sent again.");
    metrics::describe_counter!("link_resets_total", "Connections that were reset.");
}

/// The control interface.
fn control(settings: &Settings, conditions: Shared) -> Router {
    let routes = Router::new()
        .route("/conditions", get(show).put(change))
        .with_state(conditions);
    App::new(settings).plain(routes).into_router()
}

async fn show(State(conditions): State<Shared>) -> Json<LinkConditions> {
    Json(*conditions.borrow())
}

async fn change(State(conditions): State<Shared>, Json(wanted): Json<LinkConditions>) -> Json<LinkConditions> {
    conditions.send_replace(wanted);
    tracing::info!(conditions = wanted.words(), "the link changed");
    Json(wanted)
}

/// Accepts for ever.
async fn pass(listener: TcpListener, config: Config, conditions: &watch::Sender<LinkConditions>) {
    let places = Arc::new(Semaphore::new(connections_max()));
    let mut listener = Listener::from(listener);
    let mut open = JoinSet::new();
    for number in 0.. {
        let place = Arc::clone(&places)
            .acquire_owned()
            .await
            .expect("nobody closes the semaphore");
        // Nothing can be spared: to both ends, a link is a wire, and the longest silence on it may be meant.
        let (caller, _) = listener.accept().await;
        while open.try_join_next().is_some() {}
        let connection = Connection {
            caller,
            to: config.to.clone(),
            seed: config.seed,
            number,
            conditions: conditions.subscribe(),
        };
        metrics::counter!("link_connections_total").increment(1);
        open.spawn(async move {
            metrics::gauge!("link_connections").increment(1.0);
            connection.serve().await;
            metrics::gauge!("link_connections").decrement(1.0);
            drop(place);
        });
    }
}

/// How many connections the limit of open files allows; each takes two descriptors.
fn connections_max() -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    let allowed = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    (allowed.saturating_sub(DESCRIPTORS_SPARED) / 2).clamp(1, CONNECTIONS_MAX)
}

#[cfg(test)]
mod tests {
    use contract::Program;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, String> {
        Config::read(&chassis::testing::settings(Program::Link, variables)).map_err(|error| error.to_string())
    }

    #[test]
    fn only_the_callee_has_to_be_named() {
        let config = read(&[("LINK_TO", "users:8080")]).unwrap();
        assert_eq!((config.port, config.to.as_str(), config.seed), (0, "users:8080", 1));
        assert!(config.conditions.is_plain());
    }

    #[test]
    fn each_mistake_is_quoted() {
        for (variable, value) in [
            ("LINK_TO", "users"),
            ("LINK_TO", ":8080"),
            ("LINK_PORT", "-1"),
            ("LINK_SEED", "one"),
            ("LINK_CONDITIONS", "slow"),
            ("LINK_CONDITIONS", "[50]"),
            ("LINK_CONDITIONS", "{\"loss\": 2}"),
        ] {
            let message = read(&[("LINK_TO", "users:1"), (variable, value)]).unwrap_err();
            assert!(message.starts_with(&format!("{variable} is {value:?}")), "{message}");
        }
        assert!(read(&[]).unwrap_err().starts_with("LINK_TO"));
    }
}
