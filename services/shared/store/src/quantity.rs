//! A number that many want to lower, and the ways to do it: in one statement, or by reading and writing.

use sqlx::AnyConnection;

use crate::{Database, Fetch};

/// A number in a column of a table with the columns `id` and `token`, and its statements. Made by
/// [`quantity!`](macro@crate::quantity).
///
/// The token is the highest fencing token that the row has seen. A statement that carries a token raises it and is
/// refused when it is lower, in that same statement: M. Kleppmann, *How to do distributed locking*, 2016. The *read*
/// carries the token too: a holder that was only believed dead could otherwise still write between the read and the
/// write of the next one, whose write then undoes it.
#[derive(Debug, Clone, Copy)]
pub struct Quantity {
    #[doc(hidden)]
    pub read: &'static str,
    #[doc(hidden)]
    pub read_fenced: &'static str,
    #[doc(hidden)]
    pub write: &'static str,
    #[doc(hidden)]
    pub write_fenced: &'static str,
    #[doc(hidden)]
    pub take: &'static str,
}

/// The [`Quantity`] in the given column of the given table.
#[macro_export]
macro_rules! quantity {
    ($table:literal, $column:literal) => {
        $crate::Quantity {
            read: concat!("SELECT ", $column, " FROM ", $table, " WHERE id = $1"),
            read_fenced: concat!(
                "UPDATE ",
                $table,
                " SET token = $1 WHERE id = $2 AND token <= $3 RETURNING ",
                $column
            ),
            write: concat!("UPDATE ", $table, " SET ", $column, " = $1 WHERE id = $2"),
            write_fenced: concat!(
                "UPDATE ",
                $table,
                " SET ",
                $column,
                " = $1, token = $2 WHERE id = $3 AND token <= $4"
            ),
            take: concat!(
                "UPDATE ",
                $table,
                " SET ",
                $column,
                " = ",
                $column,
                " - $1 WHERE id = $2 AND ",
                $column,
                " >= $3 RETURNING ",
                $column
            ),
        }
    };
}

/// What a read found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The number.
    Found(i64),
    /// There is no such row.
    Missing,
    /// The row has seen a higher token.
    Stale,
}

impl Quantity {
    /// Reads the number; with a token, no lower one gets through from now on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(&self, database: &Database, id: i64, token: Option<i64>) -> Result<Reading, sqlx::Error> {
        let plain = || sqlx::query_as::<_, (i64,)>(self.read).bind(id);
        let Some(token) = token else {
            let row = plain().optional(&**database).await?;
            return Ok(row.map_or(Reading::Missing, |(value,)| Reading::Found(value)));
        };
        let row: Option<(i64,)> = sqlx::query_as(self.read_fenced)
            .bind(token)
            .bind(id)
            .bind(token)
            .optional(&**database)
            .await?;
        match row {
            Some((value,)) => Ok(Reading::Found(value)),
            None if plain().optional(&**database).await?.is_some() => Ok(Reading::Stale),
            None => Ok(Reading::Missing),
        }
    }

    /// Writes the number, whatever it is by now; with a token, only if the row has seen no higher one. Says whether it
    /// was written.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write(
        &self,
        connection: &mut AnyConnection,
        id: i64,
        value: i64,
        token: Option<i64>,
    ) -> Result<bool, sqlx::Error> {
        let statement = match token {
            None => sqlx::query(self.write).bind(value).bind(id),
            Some(token) => sqlx::query(self.write_fenced)
                .bind(value)
                .bind(token)
                .bind(id)
                .bind(token),
        };
        Ok(statement.execute(connection).await?.rows_affected() == 1)
    }

    /// Lowers the number by `amount` if there is as much, in one statement, and gives what is left; `None` when there
    /// is less, or no such row.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take(&self, connection: &mut AnyConnection, id: i64, amount: i64) -> Result<Option<i64>, sqlx::Error> {
        let row: Option<(i64,)> = sqlx::query_as(self.take)
            .bind(amount)
            .bind(id)
            .bind(amount)
            .optional(connection)
            .await?;
        Ok(row.map(|(left,)| left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Migration;

    const PIECES: Quantity = crate::quantity!("things", "pieces");
    const MIGRATIONS: [Migration; 1] = [Migration::new(
        1,
        "things",
        "CREATE TABLE things (id BIGINT PRIMARY KEY, pieces BIGINT NOT NULL, token BIGINT NOT NULL DEFAULT 0);
              INSERT INTO things (id, pieces) VALUES (1, 10);",
    )];

    async fn write(database: &Database, value: i64, token: Option<i64>) -> bool {
        let mut connection = database.acquire().await.unwrap();
        PIECES.write(&mut connection, 1, value, token).await.unwrap()
    }

    async fn read(database: &Database, id: i64, token: Option<i64>) -> Reading {
        PIECES.read(database, id, token).await.unwrap()
    }

    #[tokio::test]
    async fn a_stale_token_neither_reads_nor_writes() {
        let database = Database::open("sqlite::memory:", &MIGRATIONS).await.unwrap();
        assert_eq!(read(&database, 1, Some(5)).await, Reading::Found(10));
        assert!(write(&database, 9, Some(5)).await);
        assert!(write(&database, 8, Some(7)).await);
        assert!(!write(&database, 1, Some(6)).await);
        assert_eq!(read(&database, 1, Some(6)).await, Reading::Stale);
        assert_eq!(read(&database, 2, Some(6)).await, Reading::Missing);
        assert_eq!(read(&database, 1, None).await, Reading::Found(8));
        assert_eq!(read(&database, 2, None).await, Reading::Missing);
    }

    #[tokio::test]
    async fn a_stale_write_between_the_read_and_the_write_of_the_next_holder_is_refused() {
        let database = Database::open("sqlite::memory:", &MIGRATIONS).await.unwrap();
        assert_eq!(read(&database, 1, Some(1)).await, Reading::Found(10));
        assert_eq!(read(&database, 1, Some(2)).await, Reading::Found(10));
        assert!(!write(&database, 9, Some(1)).await, "its lock has passed to the second");
        assert!(write(&database, 9, Some(2)).await);
    }

    #[tokio::test]
    async fn no_more_is_taken_than_there_is() {
        let database = Database::open("sqlite::memory:", &MIGRATIONS).await.unwrap();
        let mut connection = database.acquire().await.unwrap();
        for (id, amount, left) in [
            (1, 7, Some(3)),
            (1, 4, None),
            (1, 3, Some(0)),
            (1, 1, None),
            (2, 1, None),
        ] {
            assert_eq!(PIECES.take(&mut connection, id, amount).await.unwrap(), left);
        }
    }
}
