//! Failures of a database that neither a client nor a program is to blame for: a disk that is full or broken, a file that
//! somebody else holds, replaced or took away. They are counted, so that whoever watches the service learns of them.

use std::error::Error;

use sqlx::sqlite::SqliteError;

/// The counter, by reason.
const METRIC: &str = "store_errors_total";

/// Counts an error where it, or what caused it, is such a failure.
pub fn note_trouble(error: &(dyn Error + 'static)) {
    if let Some(reason) = trouble(error) {
        // Here and not at the start, for a database may be opened before the process records metrics. Troubles are rare.
        metrics::describe_counter!(METRIC, "Failures of the database that no request caused.");
        metrics::counter!(METRIC, "reason" => reason).increment(1);
    }
}

/// The reason of such a failure; `None` where it is none.
fn trouble(error: &(dyn Error + 'static)) -> Option<&'static str> {
    std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source()).find_map(|error| {
        let fault = error.downcast_ref::<sqlx::Error>()?.as_database_error()?;
        let code = fault.code()?;
        match fault.try_downcast_ref::<SqliteError>() {
            Some(_) => of_sqlite(code.parse().ok()?),
            None => of_postgres(&code),
        }
    })
}

/// What a result code of SQLite means; its low byte is the kind (<https://www.sqlite.org/rescode.html>).
fn of_sqlite(code: u32) -> Option<&'static str> {
    match code & 0xff {
        5 | 6 => Some("locked"),
        8 => Some("read_only"),
        10 => Some("io_error"),
        11 | 26 => Some("corrupt"),
        13 => Some("full"),
        14 => Some("cannot_open"),
        _ => None,
    }
}

/// What a code of PostgreSQL means (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn of_postgres(code: &str) -> Option<&'static str> {
    match code {
        "53100" => Some("full"),
        "58030" => Some("io_error"),
        "XX001" | "XX002" => Some("corrupt"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Database, Migration};

    const MIGRATIONS: [Migration; 1] = [Migration {
        version: 1,
        description: "things",
        sql: "CREATE TABLE things (name TEXT NOT NULL UNIQUE);",
    }];

    /// What caused it is looked at as well.
    #[derive(Debug, thiserror::Error)]
    #[error("it was not done")]
    struct Wrapped(#[source] sqlx::Error);

    async fn insert(database: &Database) -> Result<(), sqlx::Error> {
        let insert = sqlx::query("INSERT INTO things (name) VALUES ('one')");
        insert.execute(&**database).await.map(drop)
    }

    #[tokio::test]
    async fn a_file_that_somebody_else_holds_is_told_from_a_rule_that_was_broken() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/things.db", folder.path().display());
        let database = Database::open(&url, &MIGRATIONS).await.unwrap();
        sqlx::raw_sql("PRAGMA busy_timeout = 0")
            .execute(&*database)
            .await
            .unwrap();
        let other = Database::open(&url, &MIGRATIONS).await.unwrap();
        let held = other.begin_write().await.unwrap();
        let locked = insert(&database).await.unwrap_err();
        assert_eq!(trouble(&Wrapped(locked)), Some("locked"));
        held.rollback().await.unwrap();
        insert(&database).await.unwrap();
        assert_eq!(trouble(&insert(&database).await.unwrap_err()), None);
        assert_eq!(trouble(&std::io::Error::other("something else")), None);
    }

    #[tokio::test]
    async fn a_database_that_may_not_grow_is_full() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/things.db", folder.path().display());
        let database = Database::open(&url, &MIGRATIONS).await.unwrap();
        // The limit holds for the connection that set it.
        let mut connection = database.acquire().await.unwrap();
        sqlx::raw_sql("PRAGMA max_page_count = 1")
            .execute(&mut *connection)
            .await
            .unwrap();
        let large = sqlx::query("INSERT INTO things (name) VALUES (printf('%100000d', 1))");
        let full = large.execute(&mut *connection).await.unwrap_err();
        assert_eq!(trouble(&full), Some("full"));
    }

    #[test]
    fn extended_codes_are_of_their_kind() {
        // SQLITE_IOERR_WRITE, SQLITE_BUSY_SNAPSHOT, SQLITE_CONSTRAINT_UNIQUE.
        assert_eq!(
            [778, 517, 2067].map(of_sqlite),
            [Some("io_error"), Some("locked"), None]
        );
        assert_eq!(["53100", "57P01"].map(of_postgres), [Some("full"), None]);
    }
}
