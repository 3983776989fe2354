//! Remembering what was done, in the transaction that does it.

use sqlx::AnyConnection;
use store::{Database, Migration};

/// The statements that make the inbox, for a [`Migration`] of the service.
pub const INBOX_TABLE: &str = "
CREATE TABLE inbox (
    reader TEXT NOT NULL,
    event_id TEXT NOT NULL,
    PRIMARY KEY (reader, event_id)
);

-- Where somebody stood still already: a barrier for experiments.
CREATE TABLE holds (
    name TEXT PRIMARY KEY
);
";

/// The migration of this version number that makes the inbox.
#[must_use]
pub const fn inbox_migration(version: i64) -> Migration {
    Migration::new(version, "inbox", INBOX_TABLE)
}

/// Whether this is the first time that somebody is to stand still at the barrier of this name; it is not the next time,
/// whoever asks and after whatever crash.
///
/// # Errors
/// When the database fails.
pub async fn is_first_hold(database: &Database, name: &str) -> Result<bool, sqlx::Error> {
    let noted = sqlx::query("INSERT INTO holds (name) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind(name)
        .execute(&**database)
        .await?;
    Ok(noted.rows_affected() == 1)
}

/// Notes that the group `reader` takes care of an event; `false` when it did so before, and nothing is left to do.
///
/// In the transaction that does what is to be done: either both are there afterwards, or neither. Of two deliveries at
/// once, the database lets the second one wait for the first.
///
/// # Errors
/// When the database fails.
pub async fn is_first(connection: &mut AnyConnection, reader: &str, event_id: &str) -> Result<bool, sqlx::Error> {
    let noted = sqlx::query("INSERT INTO inbox (reader, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(reader)
        .bind(event_id)
        .execute(connection)
        .await?;
    Ok(noted.rows_affected() == 1)
}
