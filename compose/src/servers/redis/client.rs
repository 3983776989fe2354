//! What the lab itself asks of a Redis.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, cmd};
use tokio::time::timeout;
use url::Url;

/// How many keys are looked at in one step of a removal.
const KEYS_AT_ONCE: u32 = 1_000;

/// Asks for a sign of life: connects, and sends one PING.
///
/// # Errors
/// Why there is none within `wait`, as the end of a sentence about the server.
pub(super) async fn ping(url: &Url, wait: Duration) -> Result<(), String> {
    let answer = async {
        let mut connection = connect(url, wait).await?;
        cmd("PING").query_async::<()>(&mut connection).await
    };
    in_time(wait, answer).await
}

/// What tells one start of a server from the next: its own id of it, new at each start.
///
/// # Errors
/// Why it is not known within `wait`, as the end of a sentence about the server.
pub(super) async fn birth(url: &Url, wait: Duration) -> Result<String, String> {
    let mut told = String::new();
    let answer = async {
        let mut connection = connect(url, wait).await?;
        told = cmd("INFO").arg("server").query_async(&mut connection).await?;
        Ok(())
    };
    in_time(wait, answer).await?;
    let id = told.lines().find_map(|line| line.strip_prefix("run_id:"));
    id.map(|id| id.trim().to_owned())
        .ok_or_else(|| "it does not tell its run_id".to_owned())
}

/// Removes all keys that begin with `prefix`, which must hold no characters with a meaning in Redis's patterns.
pub(super) async fn forget(url: &Url, prefix: &str, wait: Duration) -> Result<(), String> {
    let removal = async {
        let mut connection = connect(url, wait).await?;
        let mut cursor = 0_u64;
        // One turn through all keys; the timeout around it bounds it on a Redis with very many.
        loop {
            let (next, keys): (u64, Vec<Vec<u8>>) = cmd("SCAN")
                .arg(cursor)
                .arg("MATCH")
                .arg(format!("{prefix}*"))
                .arg("COUNT")
                .arg(KEYS_AT_ONCE)
                .query_async(&mut connection)
                .await?;
            if !keys.is_empty() {
                cmd("UNLINK").arg(keys).query_async::<()>(&mut connection).await?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    };
    in_time(wait, removal).await
}

async fn connect(url: &Url, wait: Duration) -> Result<MultiplexedConnection, RedisError> {
    // The whole is timed around; the library's own shorter bounds would only hide how long was waited.
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(wait))
        .set_response_timeout(Some(wait));
    Client::open(url.as_str())?
        .get_multiplexed_async_connection_with_config(&config)
        .await
}

async fn in_time(wait: Duration, answer: impl Future<Output = Result<(), RedisError>>) -> Result<(), String> {
    match timeout(wait, answer).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} ms", wait.as_millis())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn a_port_that_nobody_listens_on_gives_no_sign_of_life() {
        let url = "redis://127.0.0.1:1".parse().unwrap();
        assert!(!ping(&url, WAIT).await.unwrap_err().is_empty());
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_given_up() {
        let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("redis://{}", silent.local_addr().unwrap()).parse().unwrap();
        ping(&url, WAIT).await.unwrap_err();
    }

    #[tokio::test]
    async fn an_answer_of_another_protocol_is_no_sign_of_life() {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap()).parse().unwrap();
        let server = tokio::spawn(async move {
            use tokio::io::AsyncWriteExt;
            let (mut socket, _) = listener.accept().await.unwrap();
            socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            socket
        });
        ping(&url, WAIT).await.unwrap_err();
        drop(server.await.unwrap());
    }
}
