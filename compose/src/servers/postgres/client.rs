//! What the lab itself asks of a PostgreSQL: a sign of life, and databases for the services.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Error as Fault};
use tokio::time::timeout;
use url::Url;

/// The database that every server has, to be connected to while there is none of one's own.
const FIRST: &str = "postgres";
/// The server's word for: a database of this name is there already.
const DUPLICATE_DATABASE: &str = "42P04";

/// What a client says first, for whoever asks with no more machinery than a socket: a start of version 3.0 as the user
/// `lab` in the database `postgres` (<https://www.postgresql.org/docs/current/protocol-message-formats.html>).
pub(super) const PING: &[u8] = b"\0\0\0\x24\0\x03\0\0user\0lab\0database\0postgres\0\0";

/// Whether the start of the answer to [`PING`] is that of a server which lets clients in. One that starts, or goes down,
/// answers with an error.
pub(super) fn is_up(answer: &[u8]) -> bool {
    answer.first() == Some(&b'R')
}

/// Asks for a sign of life: connects, and waits until the server takes statements.
///
/// # Errors
/// Why there is none within `wait`, as the end of a sentence about the server.
pub(super) async fn ping(url: &Url, wait: Duration) -> Result<(), String> {
    in_time(wait, async { connect(url).await?.close().await }).await
}

/// What tells one start of a server from the next: when that was.
///
/// # Errors
/// Why it is not known within `wait`, as the end of a sentence about the server.
pub(super) async fn birth(url: &Url, wait: Duration) -> Result<String, String> {
    let mut told = String::new();
    let ask = async {
        let mut connection = connect(url).await?;
        told = sqlx::query_scalar("SELECT pg_postmaster_start_time()::text")
            .fetch_one(&mut connection)
            .await?;
        connection.close().await
    };
    in_time(wait, ask).await?;
    Ok(told)
}

/// Makes databases that are not there yet.
///
/// # Errors
/// Why it cannot, as the end of a sentence about the server.
pub(super) async fn make_databases(url: &Url, names: &[String], wait: Duration) -> Result<(), String> {
    let make = async {
        let mut connection = connect(url).await?;
        for name in names {
            match run(&mut connection, format!("CREATE DATABASE {}", quoted(name))).await {
                Err(Fault::Database(fault)) if fault.code().as_deref() == Some(DUPLICATE_DATABASE) => {}
                made => made?,
            }
        }
        connection.close().await
    };
    in_time(wait, make).await
}

/// Removes databases, whoever is still connected to them; those that are not there are no error.
///
/// # Errors
/// Why it cannot, as the end of a sentence about the server.
pub(super) async fn drop_databases(url: &Url, names: &[String], wait: Duration) -> Result<(), String> {
    let remove = async {
        let mut connection = connect(url).await?;
        for name in names {
            let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name));
            run(&mut connection, statement).await?;
        }
        connection.close().await
    };
    in_time(wait, remove).await
}

async fn connect(url: &Url) -> Result<PgConnection, Fault> {
    let options: PgConnectOptions = url.as_str().parse()?;
    let options = match options.get_database() {
        None | Some("") => options.database(FIRST),
        Some(_) => options,
    };
    options.disable_statement_logging().connect().await
}

async fn run(connection: &mut PgConnection, statement: String) -> Result<(), Fault> {
    // Safe: names are quoted.
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .map(drop)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

async fn in_time(wait: Duration, answer: impl Future<Output = Result<(), Fault>>) -> Result<(), String> {
    match timeout(wait, answer).await {
        Ok(answer) => answer.map_err(|fault| fault.to_string()),
        Err(_) => Err(format!("no answer within {} ms", wait.as_millis())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_words_of_a_client_are_as_long_as_they_say() {
        let length = u32::from_be_bytes(PING[..4].try_into().unwrap());
        assert_eq!(length as usize, PING.len());
    }

    #[tokio::test]
    async fn nobody_gives_no_sign_of_life() {
        let url = "postgres://lab@127.0.0.1:1".parse().unwrap();
        let wait = Duration::from_secs(20);
        assert!(!ping(&url, wait).await.unwrap_err().is_empty());
        assert!(
            !make_databases(&url, &["users".to_owned()], wait)
                .await
                .unwrap_err()
                .is_empty()
        );
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_given_up() {
        let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("postgres://lab@{}", silent.local_addr().unwrap())
            .parse()
            .unwrap();
        let reason = ping(&url, Duration::from_millis(50)).await.unwrap_err();
        assert!(reason.contains("50 ms"), "{reason}");
    }

    #[test]
    fn a_name_cannot_end_its_quotes() {
        assert_eq!(quoted("a\"; DROP TABLE b"), "\"a\"\"; DROP TABLE b\"");
    }
}
