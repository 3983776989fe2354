//! The Redis that instances share.

use std::sync::Arc;
use std::time::Duration;

use chassis::{Check, ServeError};
use contract::Secret;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{Client, Cmd, ErrorKind, FromRedisValue, IntoConnectionInfo, ScriptInvocation, ServerErrorKind};

/// Longest wait for a connection, and for the answer to a command.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// Pauses between two tries to connect again.
const RECONNECT_PAUSE_MIN: Duration = Duration::from_millis(10);
const RECONNECT_PAUSE_MAX: Duration = Duration::from_millis(100);
/// Tries to connect again before a command that waits for it is told; the next command begins anew.
const RECONNECT_TRIES: usize = 2;

/// One shared connection to a Redis, made when it is first needed and made again when it breaks.
///
/// Commands of many tasks travel on it together. A command is sent once: whether one that failed was done is unknown.
#[derive(Debug, Clone)]
pub struct Redis {
    connection: ConnectionManager,
    prefix: Arc<str>,
}

/// The address leads to no Redis.
#[derive(Debug, Clone, thiserror::Error)]
#[error("REDIS_URL {url:?} is not understood: {reason}; it must be like redis://127.0.0.1:6379")]
pub struct RedisAddressError {
    /// The address as given; a password in it is not shown.
    url: Secret,
    reason: String,
}

impl From<RedisAddressError> for ServeError {
    fn from(error: RedisAddressError) -> Self {
        Self::start("Redis", error)
    }
}

/// Why there is no answer from Redis.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RedisError {
    /// It took too long; the command may have been done.
    #[error("Redis did not answer within {} ms", waited.as_millis())]
    NoAnswer {
        /// How long was waited.
        waited: Duration,
    },
    /// The connection failed, or Redis refused.
    #[error("Redis cannot be used: {0}")]
    Failed(#[from] redis::RedisError),
}

impl RedisError {
    /// Whether the same command may succeed in a moment, because only the connection or the moment was wrong.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NoAnswer { .. } => true,
            Self::Failed(error) => {
                matches!(
                    error.kind(),
                    ErrorKind::Io | ErrorKind::Server(ServerErrorKind::BusyLoading)
                )
            }
        }
    }
}

impl Redis {
    /// Looks at the address; connects when a command comes. `prefix` begins every [`key`](Self::key).
    ///
    /// To be called within a runtime, which keeps the connection.
    ///
    /// # Errors
    /// When the address is not understood.
    pub fn connect(url: &str, prefix: &str) -> Result<Self, RedisAddressError> {
        let refuse = |error: redis::RedisError| RedisAddressError {
            url: Secret::address(url),
            reason: error.to_string(),
        };
        let config = ConnectionManagerConfig::new()
            .set_min_delay(RECONNECT_PAUSE_MIN)
            .set_max_delay(RECONNECT_PAUSE_MAX)
            .set_number_of_retries(RECONNECT_TRIES)
            .set_connection_timeout(Some(ANSWER_TIMEOUT))
            .set_response_timeout(Some(ANSWER_TIMEOUT));
        // Commands are small, and each is waited for: none may be held back to be sent with the next.
        let tcp = TcpSettings::default().set_nodelay(true);
        let address = url.into_connection_info().map_err(refuse)?.set_tcp_settings(tcp);
        let client = Client::open(address).map_err(refuse)?;
        Ok(Self {
            connection: ConnectionManager::new_lazy_with_config(client, config).map_err(refuse)?,
            prefix: prefix.into(),
        })
    }

    /// Whether it answers; for `/ready`.
    #[must_use]
    pub fn check(&self) -> Check {
        let redis = self.clone();
        Check::new("redis", move || {
            let redis = redis.clone();
            async move { redis.ping().await.map_err(|error| error.to_string()) }
        })
    }

    /// The key of the thing `name` of the given kind, such as `lab:lock:seat-7`.
    #[must_use]
    pub fn key(&self, kind: &str, name: &str) -> String {
        format!("{}{kind}:{name}", self.prefix)
    }

    /// Sends a command.
    ///
    /// # Errors
    /// When there is no answer within a second.
    pub async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisError> {
        let mut connection = self.connection.clone();
        in_time(ANSWER_TIMEOUT, command.query_async(&mut connection)).await
    }

    /// Runs a script, loading it first where Redis does not know it.
    ///
    /// # Errors
    /// When there is no answer within `wait`, or a second if that is less.
    pub async fn run<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>, wait: Duration) -> Result<T, RedisError> {
        let mut connection = self.connection.clone();
        in_time(wait.min(ANSWER_TIMEOUT), script.invoke_async(&mut connection)).await
    }

    /// Asks for a sign of life: the barest round trip there is.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn ping(&self) -> Result<(), RedisError> {
        self.query(&redis::cmd("PING")).await
    }
}

async fn in_time<T>(
    wait: Duration,
    answer: impl Future<Output = Result<T, redis::RedisError>>,
) -> Result<T, RedisError> {
    match tokio::time::timeout(wait, answer).await {
        Ok(answer) => answer.map_err(RedisError::Failed),
        Err(_) => Err(RedisError::NoAnswer { waited: wait }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::RedisServer;

    /// Waits until the connection is made.
    async fn is_connected(redis: &Redis) {
        let answered = async {
            while redis.ping().await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), answered)
            .await
            .expect("the connection is made");
    }

    #[tokio::test]
    async fn a_redis_that_dies_is_an_error_and_is_found_again_when_it_is_back() {
        let Some(mut server) = RedisServer::start() else { return };
        let redis = Redis::connect(&server.url(), "test:").unwrap();
        redis.ping().await.unwrap();
        server.kill();
        let error = redis.ping().await.unwrap_err();
        assert!(error.is_transient(), "{error}");
        server.start_again();
        is_connected(&redis).await;
    }

    #[tokio::test]
    async fn an_instance_may_start_before_its_redis() {
        let Some(mut server) = RedisServer::start() else { return };
        server.kill();
        let redis = Redis::connect(&server.url(), "test:").unwrap();
        redis.ping().await.unwrap_err();
        server.start_again();
        is_connected(&redis).await;
    }

    #[tokio::test]
    async fn a_redis_that_hangs_is_given_up() {
        let Some(server) = RedisServer::start() else { return };
        let redis = Redis::connect(&server.url(), "test:").unwrap();
        redis.ping().await.unwrap();
        server.pause();
        assert!(redis.ping().await.unwrap_err().is_transient());
        server.resume();
    }

    #[tokio::test]
    async fn a_wrong_address_is_said_without_its_password() {
        let refused = Redis::connect("http://me:secret@127.0.0.1:1", "test:");
        let error = refused.expect_err("http is not Redis").to_string();
        assert!(error.contains("REDIS_URL") && !error.contains("secret"), "{error}");
    }

    #[tokio::test]
    async fn what_redis_refuses_is_not_worth_another_try() {
        let Some(server) = RedisServer::start() else { return };
        let redis = Redis::connect(&server.url(), "test:").unwrap();
        let error = redis.query::<()>(&redis::cmd("NO-SUCH-COMMAND")).await.unwrap_err();
        assert!(!error.is_transient(), "{error}");
    }
}
