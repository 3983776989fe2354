//! Statements that give rows back, run to their end.

use std::future::Future;

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::QueryAs;
use sqlx::{Any, Executor, FromRow};

/// How services fetch single rows.
///
/// sqlx's own `fetch_one` and `fetch_optional` stop at the first row. To SQLite a statement that writes is then never
/// done: outside a transaction it is committed all the same, but nothing is ever moved from the write-ahead log into the
/// database, and the log grows for as long as the process lives. These run the statement to its end, so they are right
/// for every statement; a test forbids the others.
pub trait Fetch<O>: Sized {
    /// The only row, or the first one.
    ///
    /// # Errors
    /// When the database fails, or there is no row.
    fn one<'c>(
        self,
        executor: impl Executor<'c, Database = Any>,
    ) -> impl Future<Output = Result<O, sqlx::Error>> + Send;

    /// The only row, or the first one, if there is any.
    ///
    /// # Errors
    /// When the database fails.
    fn optional<'c>(
        self,
        executor: impl Executor<'c, Database = Any>,
    ) -> impl Future<Output = Result<Option<O>, sqlx::Error>> + Send;
}

impl<O> Fetch<O> for QueryAs<'_, Any, O, AnyArguments>
where
    O: Send + Unpin + for<'r> FromRow<'r, AnyRow>,
{
    async fn one<'c>(self, executor: impl Executor<'c, Database = Any>) -> Result<O, sqlx::Error> {
        self.optional(executor).await?.ok_or(sqlx::Error::RowNotFound)
    }

    async fn optional<'c>(self, executor: impl Executor<'c, Database = Any>) -> Result<Option<O>, sqlx::Error> {
        Ok(self.fetch_all(executor).await?.into_iter().next())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{Database, Migration};

    const MIGRATIONS: [Migration; 1] = [Migration::new(
        1,
        "things",
        "CREATE TABLE things (id IDENTITY_KEY, name TEXT NOT NULL, token BIGINT NOT NULL DEFAULT 0);
              INSERT INTO things (name) VALUES ('first');",
    )];
    /// SQLite moves the log into the database every thousand pages of 4 KiB; a few transactions more may be in it.
    const LOG_BYTES_MAX: u64 = 6 * 1024 * 1024;
    const WRITES: i64 = 3_000;

    fn log_bytes(file: &Path) -> u64 {
        let mut log = file.as_os_str().to_owned();
        log.push("-wal");
        std::fs::metadata(log).unwrap().len()
    }

    async fn opened(folder: &tempfile::TempDir) -> (Database, std::path::PathBuf) {
        let file = folder.path().join("things.db");
        let url = format!("sqlite://{}", file.display());
        (Database::open(&url, &MIGRATIONS).await.unwrap(), file)
    }

    #[tokio::test]
    async fn the_log_stays_bounded_over_thousands_of_writes_that_give_rows_back() {
        let folder = tempfile::tempdir().unwrap();
        let (database, file) = opened(&folder).await;
        let name = "n".repeat(3_000);
        for count in 2..WRITES + 2 {
            let insert = sqlx::query_as::<_, (i64,)>("INSERT INTO things (name) VALUES ($1) RETURNING id").bind(&name);
            assert_eq!(insert.one(&*database).await.unwrap(), (count,));
        }
        assert!(log_bytes(&file) < LOG_BYTES_MAX, "{} bytes", log_bytes(&file));
        assert!(
            std::fs::metadata(&file).unwrap().len() > 3_000 * 3_000 / 2,
            "the rows are in the database"
        );
    }

    #[tokio::test]
    async fn so_it_does_over_updates_of_a_quantity() {
        let folder = tempfile::tempdir().unwrap();
        let (database, file) = opened(&folder).await;
        let quantity = crate::quantity!("things", "token");
        sqlx::query("UPDATE things SET token = $1")
            .bind(WRITES)
            .execute(&*database)
            .await
            .unwrap();
        for left in (0..WRITES).rev() {
            let mut connection = database.acquire().await.unwrap();
            assert_eq!(quantity.take(&mut connection, 1, 1).await.unwrap(), Some(left));
        }
        assert!(log_bytes(&file) < LOG_BYTES_MAX, "{} bytes", log_bytes(&file));
    }

    #[tokio::test]
    async fn one_row_or_none_are_told_apart() {
        let database = Database::open("sqlite::memory:", &MIGRATIONS).await.unwrap();
        let find = |id: i64| sqlx::query_as::<_, (String,)>("SELECT name FROM things WHERE id = $1").bind(id);
        assert_eq!(find(1).one(&*database).await.unwrap().0, "first");
        assert_eq!(find(1).optional(&*database).await.unwrap(), Some(("first".to_owned(),)));
        assert_eq!(find(2).optional(&*database).await.unwrap(), None);
        assert!(matches!(find(2).one(&*database).await, Err(sqlx::Error::RowNotFound)));
    }
}
