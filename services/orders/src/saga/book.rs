//! Orders of sagas in the database, with each step that they took.

use chassis::Failure;
use contract::{NewOrder, OrderStatus, OrdersSummary, SagaOrder, Transition};
use sqlx::AnyConnection;
use store::{Database, Fetch};

use super::machine::{Progress, Step};

type Row = (i64, i64, i64, i64, i64, String, Option<String>);
type TransitionRow = (i64, String, Option<String>, String, i64, i64);
type Counts = (i64, i64, i64, i64, i64, i64);

/// An order in the middle of a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) id: i64,
    pub(super) user_id: i64,
    pub(super) amount_cents: i64,
    pub(super) progress: Progress,
}

/// Writes a new order; gives its key.
pub(super) async fn place(
    connection: &mut AnyConnection,
    wanted: &NewOrder,
    now_ms: i64,
    deadline_ms: i64,
) -> Result<i64, sqlx::Error> {
    let (id,): (i64,) = sqlx::query_as(
        "INSERT INTO sagas (user_id, product_id, quantity, status, created_ms, deadline_ms) \
         VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
    )
    .bind(wanted.user_id)
    .bind(wanted.product_id)
    .bind(wanted.quantity)
    .bind(Progress::PLACED.status.as_str())
    .bind(now_ms)
    .bind(deadline_ms)
    .one(&mut *connection)
    .await?;
    note(connection, id, now_ms, "placed", None, Progress::PLACED).await?;
    Ok(id)
}

/// The order under this key, if there is one.
pub(super) async fn entry(connection: &mut AnyConnection, id: i64) -> Result<Option<Entry>, sqlx::Error> {
    let row: Option<(i64, i64, String, i64, i64)> =
        sqlx::query_as("SELECT user_id, amount_cents, status, held, paid FROM sagas WHERE id = $1")
            .bind(id)
            .optional(connection)
            .await?;
    row.map(|(user_id, amount_cents, status, held, paid)| {
        Ok(Entry {
            id,
            user_id,
            amount_cents,
            progress: Progress {
                status: stored(&status)?,
                held: held != 0,
                paid: paid != 0,
            },
        })
    })
    .transpose()
}

/// Takes a step, unless somebody else took one since the order was read: then it says so, and nothing is written.
pub(super) async fn advance(
    connection: &mut AnyConnection,
    entry: &Entry,
    step: &Step,
    cause: &str,
    reason: Option<&str>,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let (from, to) = (entry.progress, step.to);
    let decided = to.status != from.status && matches!(to.status, OrderStatus::Confirmed | OrderStatus::Cancelled);
    let taken = sqlx::query(
        "UPDATE sagas SET status = $1, held = $2, paid = $3, amount_cents = $4, reason = COALESCE($5, reason), \
         decided_ms = COALESCE($6, decided_ms) WHERE id = $7 AND status = $8 AND held = $9 AND paid = $10",
    )
    .bind(to.status.as_str())
    .bind(i64::from(to.held))
    .bind(i64::from(to.paid))
    .bind(entry.amount_cents)
    .bind(reason)
    .bind(decided.then_some(now_ms))
    .bind(entry.id)
    .bind(from.status.as_str())
    .bind(i64::from(from.held))
    .bind(i64::from(from.paid))
    .execute(&mut *connection)
    .await?;
    if taken.rows_affected() == 0 {
        return Ok(false);
    }
    note(connection, entry.id, now_ms, cause, Some(from.status), to).await?;
    Ok(true)
}

async fn note(
    connection: &mut AnyConnection,
    id: i64,
    now_ms: i64,
    cause: &str,
    from: Option<OrderStatus>,
    to: Progress,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO saga_transitions (order_id, at_ms, cause, from_status, to_status, held, paid) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(id)
    .bind(now_ms)
    .bind(cause)
    .bind(from.map(OrderStatus::as_str))
    .bind(to.status.as_str())
    .bind(i64::from(to.held))
    .bind(i64::from(to.paid))
    .execute(connection)
    .await
    .map(drop)
}

/// Orders that are undecided although their time is over, oldest first.
pub(super) async fn overdue(database: &Database, now_ms: i64) -> Result<Vec<i64>, sqlx::Error> {
    let rows: Vec<(i64,)> = sqlx::query_as(
        "SELECT id FROM sagas WHERE status IN ('pending', 'reserved') AND deadline_ms < $1 ORDER BY id LIMIT 100",
    )
    .bind(now_ms)
    .fetch_all(&**database)
    .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Orders that are undecided, or cancelled with something to be given back.
pub(super) async fn open(database: &Database) -> Result<u64, sqlx::Error> {
    let (open,): (i64,) = sqlx::query_as(
        "SELECT COUNT(*) FROM sagas WHERE status IN ('pending', 'reserved', 'paid') \
         OR (status = 'cancelled' AND (held = 1 OR paid = 1))",
    )
    .one(&**database)
    .await?;
    Ok(u64::try_from(open).unwrap_or_default())
}

pub(super) async fn find(database: &Database, id: i64) -> Result<Option<SagaOrder>, Failure> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, user_id, product_id, quantity, amount_cents, status, reason FROM sagas WHERE id = $1",
    )
    .bind(id)
    .optional(&**database)
    .await
    .map_err(Failure::internal)?;
    row.map(order).transpose()
}

pub(super) async fn latest(database: &Database, limit: i64) -> Result<Vec<SagaOrder>, Failure> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, user_id, product_id, quantity, amount_cents, status, reason FROM sagas ORDER BY id DESC LIMIT $1",
    )
    .bind(limit)
    .fetch_all(&**database)
    .await
    .map_err(Failure::internal)?;
    rows.into_iter().map(order).collect()
}

fn order((id, user_id, product_id, quantity, amount_cents, status, reason): Row) -> Result<SagaOrder, Failure> {
    Ok(SagaOrder {
        id,
        user_id,
        product_id,
        quantity,
        amount_cents,
        status: stored(&status).map_err(Failure::internal)?,
        reason,
    })
}

/// Every step that an order took, in order.
pub(super) async fn history(database: &Database, id: i64) -> Result<Vec<Transition>, Failure> {
    let rows: Vec<TransitionRow> = sqlx::query_as(
        "SELECT at_ms, cause, from_status, to_status, held, paid FROM saga_transitions WHERE order_id = $1 ORDER BY id",
    )
    .bind(id)
    .fetch_all(&**database)
    .await
    .map_err(Failure::internal)?;
    let transition = |(at_ms, cause, from, to, held, paid): TransitionRow| {
        Ok(Transition {
            at_ms,
            cause,
            from: from.as_deref().map(stored).transpose()?,
            to: stored(&to)?,
            held: held != 0,
            paid: paid != 0,
        })
    };
    let history: Result<Vec<_>, sqlx::Error> = rows.into_iter().map(transition).collect();
    history.map_err(Failure::internal)
}

/// How many orders came to which end, what they brought, and how long that took.
pub(super) async fn summary(database: &Database) -> Result<OrdersSummary, Failure> {
    // Sums of whole numbers are of a wider type on PostgreSQL, and NULL over no rows.
    let counts: Counts = sqlx::query_as(
        "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN status = 'confirmed' THEN 1 ELSE 0 END), 0) AS BIGINT), \
         CAST(COALESCE(SUM(CASE WHEN status = 'cancelled' THEN 1 ELSE 0 END), 0) AS BIGINT), \
         CAST(COALESCE(SUM(CASE WHEN status = 'confirmed' THEN amount_cents ELSE 0 END), 0) AS BIGINT), \
         CAST(COALESCE(SUM(CASE WHEN status = 'confirmed' THEN quantity ELSE 0 END), 0) AS BIGINT), \
         COALESCE(MIN(created_ms), 0) FROM sagas",
    )
    .one(&**database)
    .await
    .map_err(Failure::internal)?;
    let (orders, confirmed, cancelled, confirmed_cents, confirmed_pieces, first_ms) = counts;
    let mut decided: Vec<(i64, i64)> =
        sqlx::query_as("SELECT decided_ms, created_ms FROM sagas WHERE decided_ms IS NOT NULL")
            .fetch_all(&**database)
            .await
            .map_err(Failure::internal)?;
    let last_ms = decided.iter().map(|(decided_ms, _)| *decided_ms).max();
    decided.sort_by_key(|(decided_ms, created_ms)| decided_ms - created_ms);
    let waits: Vec<i64> = decided
        .iter()
        .map(|(decided_ms, created_ms)| decided_ms - created_ms)
        .collect();
    let span_s = last_ms.map_or(0.0, |last_ms| (last_ms - first_ms) as f64 / 1_000.0);
    Ok(OrdersSummary {
        orders,
        unpublished: messaging::unpublished(database).await.map_err(Failure::internal)?,
        open: i64::try_from(open(database).await.map_err(Failure::internal)?).unwrap_or(i64::MAX),
        confirmed,
        cancelled,
        confirmed_cents,
        confirmed_pieces,
        p50_ms: quantile(&waits, 0.5),
        p99_ms: quantile(&waits, 0.99),
        per_s: if span_s > 0.0 { waits.len() as f64 / span_s } else { 0.0 },
    })
}

/// The smallest of the sorted values that at least this share of them does not exceed; 0 of none.
fn quantile(sorted: &[i64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default() as f64
}

fn stored(status: &str) -> Result<OrderStatus, sqlx::Error> {
    OrderStatus::from_stored(status).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_nearest_rank() {
        let hundred: Vec<i64> = (1..=100).collect();
        assert_eq!((quantile(&hundred, 0.5), quantile(&hundred, 0.99)), (50.0, 99.0));
        assert_eq!(
            (quantile(&[7], 0.5), quantile(&[7], 0.99), quantile(&[], 0.5)),
            (7.0, 7.0, 0.0)
        );
    }
}
