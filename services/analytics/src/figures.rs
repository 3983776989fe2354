//! Reading the figures, and making them anew from the log.

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use chassis::{Failure, Json};
use contract::events::topics;
use contract::{DeadLetters, Effects, Figures, Rebuilt};
use messaging::{Commit, Handler, MessagingError, Received, Refusal, Replay, is_first, pending_route};
use sqlx::AnyConnection;
use store::Database;

use crate::consumption::Consumption;

/// Routes that cost nothing but themselves: they are for whoever looks at the service from outside.
pub(crate) fn routes(database: Database, consumption: Option<Consumption>) -> Router {
    Router::new()
        .route("/effects", get(effects))
        .route("/figures", get(show).delete(empty).post(rebuild))
        .route("/dead-letters", get(dead_letters))
        .with_state(Looked {
            database,
            consumption: consumption.clone(),
        })
        .merge(pending_route(consumption))
}

#[derive(Clone)]
struct Looked {
    database: Database,
    consumption: Option<Consumption>,
}

impl Looked {
    fn consumption(&self) -> Result<&Consumption, Failure> {
        let missing = || Failure::not_found("this system has no Kafka: KAFKA_BROKERS is not set");
        self.consumption.as_ref().ok_or_else(missing)
    }
}

type EffectRow = (String, i64, i64, i64, String, i64);

async fn effects(State(looked): State<Looked>) -> Result<Json<Effects>, Failure> {
    let rows: Vec<EffectRow> = sqlx::query_as(
        "SELECT event_id, order_id, topic_partition, topic_offset, instance, at_ms FROM effects ORDER BY id",
    )
    .fetch_all(&*looked.database)
    .await
    .map_err(Failure::internal)?;
    Ok(Json(summed_up(&rows)))
}

/// What the rows say, in the order in which they were written.
fn summed_up(rows: &[EffectRow]) -> Effects {
    let mut events = BTreeSet::new();
    let mut orders = BTreeSet::new();
    let mut instances = BTreeSet::new();
    // By partition: the highest offset so far, and when its last effect was.
    let mut partitions: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    let mut effects = Effects::default();
    for (event, order, partition, offset, instance, at_ms) in rows {
        effects.effects += 1;
        orders.insert(order);
        instances.insert(instance);
        let is_new = events.insert(event);
        let (highest, last_ms) = partitions.entry(*partition).or_insert((*offset, *at_ms));
        effects.longest_gap_ms = effects.longest_gap_ms.max(at_ms - *last_ms);
        *last_ms = *at_ms;
        if is_new && offset < highest {
            effects.out_of_order += 1;
        }
        *highest = (*highest).max(*offset);
    }
    let count = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    effects.events = count(events.len());
    effects.orders = count(orders.len());
    effects.instances = count(instances.len());
    effects.partitions = count(partitions.len());
    effects.repeated = effects.effects - effects.events;
    let times = rows.iter().map(|row| row.5);
    let span_ms = times
        .clone()
        .max()
        .zip(times.min())
        .map_or(0, |(last, first)| last - first);
    if span_ms > 0 {
        effects.per_s = (effects.effects - 1) as f64 * 1_000.0 / span_ms as f64;
    }
    effects
}

type Window = (i64, i64, i64, i64, i64, i64);

async fn show(State(looked): State<Looked>) -> Result<Json<Figures>, Failure> {
    let windows: Vec<Window> = sqlx::query_as(
        "SELECT window_s, orders, amount_cents, confirmed, confirmed_cents, cancelled FROM revenue ORDER BY window_s",
    )
    .fetch_all(&*looked.database)
    .await
    .map_err(Failure::internal)?;
    Ok(Json(figures(&windows)))
}

fn figures(windows: &[Window]) -> Figures {
    let numbers = windows
        .iter()
        .flat_map(|&(window, orders, amount, confirmed, cents, cancelled)| {
            [window, orders, amount, confirmed, cents, cancelled]
        });
    let (confirmed, cancelled) = windows.iter().fold((0, 0), |(confirmed, cancelled), window| {
        (confirmed + window.3, cancelled + window.5)
    });
    let decided = confirmed + cancelled;
    Figures {
        orders: windows.iter().map(|window| window.1).sum(),
        amount_cents: windows.iter().map(|window| window.2).sum(),
        confirmed,
        confirmed_cents: windows.iter().map(|window| window.4).sum(),
        cancelled,
        success_rate: (decided > 0).then(|| confirmed as f64 / decided as f64),
        windows: i64::try_from(windows.len()).unwrap_or(i64::MAX),
        digest: digest(numbers),
    }
}

/// Hash of the numbers, cut to what every JSON reader can hold.
fn digest(numbers: impl Iterator<Item = i64>) -> u64 {
    let bytes: Vec<u8> = numbers.flat_map(i64::to_be_bytes).collect();
    hash::fnv1a(&bytes) >> 11
}

async fn empty(State(looked): State<Looked>) -> Result<Json<Rebuilt>, Failure> {
    let mut transaction = looked.database.begin_write().await.map_err(Failure::internal)?;
    for table in [
        "DELETE FROM revenue",
        "DELETE FROM effects",
        "DELETE FROM event_counts",
        "DELETE FROM inbox",
        "DELETE FROM journal",
    ] {
        sqlx::query(table)
            .execute(&mut *transaction)
            .await
            .map_err(Failure::internal)?;
    }
    transaction.commit().await.map_err(Failure::internal)?;
    Ok(Json(Rebuilt::default()))
}

/// Lets every event of the log have its effect, in one transaction. Nothing is emptied first: with an inbox, what had its
/// effect before has none now; without one, it has another.
async fn rebuild(State(looked): State<Looked>) -> Result<Json<Rebuilt>, Failure> {
    let consumption = looked.consumption()?;
    let mut transaction = looked.database.begin_write().await.map_err(Failure::internal)?;
    let log = Replay::open(&consumption.broker, topics::ORDERS).await;
    let mut log = log.map_err(Failure::internal)?;
    while let Some(received) = log.next().await.map_err(Failure::internal)? {
        again(consumption, &received, &mut transaction)
            .await
            .map_err(Failure::internal)?;
    }
    let read = log.read();
    transaction.commit().await.map_err(Failure::internal)?;
    Ok(Json(Rebuilt { read }))
}

async fn again(
    consumption: &Consumption,
    received: &Received<'_>,
    connection: &mut AnyConnection,
) -> Result<(), MessagingError> {
    // What cannot be read is a dead letter, and was one then.
    let Ok(Some(event)) = received.domain_event() else {
        return Ok(());
    };
    let handler = &consumption.replayed;
    if handler.prepare(&event).await.is_err() {
        return Ok(());
    }
    let options = &consumption.options;
    if options.commit == Commit::Inbox && !is_first(connection, &options.group, &event.id).await? {
        return Ok(());
    }
    match handler.handle(&event, &received.position(), connection).await {
        Ok(()) => Ok(()),
        Err(Refusal::Later(reason) | Refusal::Never(reason)) => Err(MessagingError::Refused { reason }),
    }
}

async fn dead_letters(State(looked): State<Looked>) -> Result<Json<DeadLetters>, Failure> {
    let consumption = looked.consumption()?;
    let topic = topics::dead_letter(topics::ORDERS, &consumption.options.group);
    let mut events = BTreeSet::new();
    let letters = Replay::open(&consumption.broker, &topic).await;
    let mut letters = letters.map_err(Failure::internal)?;
    while let Some(received) = letters.next().await.map_err(Failure::internal)? {
        // What is no event is known by its place.
        let id = received
            .event()
            .map_or_else(|_| format!("{:?}", received.position()), |event| event.id);
        events.insert(id);
    }
    Ok(Json(DeadLetters {
        letters: letters.read(),
        events: events.len() as u64,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(event: &str, partition: i64, offset: i64, instance: &str, at_ms: i64) -> EffectRow {
        (event.to_owned(), offset, partition, offset, instance.to_owned(), at_ms)
    }

    #[test]
    fn effects_are_summed_up_by_event_partition_and_instance() {
        let rows = [
            row("a", 0, 1, "analytics-1", 1_000),
            row("b", 1, 1, "analytics-2", 1_100),
            row("c", 0, 3, "analytics-1", 1_250),
            // A repetition is no break of the order, an event that was passed over is one.
            row("a", 0, 1, "analytics-1", 1_300),
            row("d", 0, 2, "analytics-1", 2_000),
        ];
        let effects = summed_up(&rows);
        assert_eq!((effects.effects, effects.events, effects.repeated), (5, 4, 1));
        assert_eq!((effects.partitions, effects.instances), (2, 2));
        assert_eq!((effects.out_of_order, effects.longest_gap_ms), (1, 700));
        assert!((effects.per_s - 4.0).abs() < 1e-9);
        assert_eq!(summed_up(&[]), Effects::default());
    }

    #[test]
    fn the_digest_tells_figures_apart() {
        let windows = [(100, 2, 500, 1, 250, 1), (101, 1, 250, 2, 500, 0)];
        let live = figures(&windows);
        assert_eq!((live.orders, live.amount_cents, live.windows), (3, 750, 2));
        assert_eq!((live.confirmed, live.confirmed_cents, live.cancelled), (3, 750, 1));
        assert_eq!(live.success_rate, Some(0.75));
        assert!(live.digest < 1 << 53);
        assert_eq!(live, figures(&windows));
        let [first, second] = windows;
        let swapped = figures(&[
            (100, second.1, second.2, second.3, second.4, second.5),
            (101, first.1, first.2, first.3, first.4, first.5),
        ]);
        assert_ne!(live.digest, swapped.digest);
        assert_eq!(figures(&[(100, 1, 250, 0, 0, 0)]).success_rate, None);
    }
}
