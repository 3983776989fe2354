//! What happened to single orders, across all services: `GET /stories/{order}`, and `GET /stories/suspect` for the first
//! order with which something is wrong (the one with the most to tell, where all is well).

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use chassis::{Failure, Json, Path};
use contract::events::{
    DomainEvent, Envelope, InventoryReleased, InventoryReserved, OrderCancelled, OrderConfirmed, Payload,
    PaymentCompleted, PaymentRefunded,
};
use contract::{Chapter, Story};
use sqlx::AnyConnection;
use store::Database;

type Row = (i64, String, String, i64);

/// Routes that cost nothing but themselves: they are for whoever looks at the service from outside.
pub(crate) fn routes(database: Database) -> Router {
    Router::new()
        .route("/stories/suspect", get(suspect))
        .route("/stories/{order_id}", get(story))
        .with_state(database)
}

/// Writes an event down, if it is not written down yet.
pub(crate) async fn write(connection: &mut AnyConnection, event: &Envelope<DomainEvent>) -> Result<(), sqlx::Error> {
    // Every subject is the key of an order.
    let Ok(order_id) = event.subject.parse::<i64>() else {
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO journal (event_id, order_id, kind, source, at_us) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (event_id) DO NOTHING",
    )
    .bind(event.id.as_str())
    .bind(order_id)
    .bind(event.kind.as_str())
    .bind(event.source.as_str())
    .bind(i64::try_from(event.time.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX))
    .execute(connection)
    .await
    .map(drop)
}

async fn story(State(database): State<Database>, Path(order_id): Path<i64>) -> Result<Json<Story>, Failure> {
    let rows: Vec<Row> =
        sqlx::query_as("SELECT order_id, kind, source, at_us FROM journal WHERE order_id = $1 ORDER BY at_us, id")
            .bind(order_id)
            .fetch_all(&*database)
            .await
            .map_err(Failure::internal)?;
    let stories = told(rows);
    let story = stories.into_values().next();
    story
        .map(Json)
        .ok_or_else(|| Failure::not_found(format!("nothing was heard of an order {order_id}")))
}

async fn suspect(State(database): State<Database>) -> Result<Json<Story>, Failure> {
    let rows: Vec<Row> = sqlx::query_as("SELECT order_id, kind, source, at_us FROM journal ORDER BY at_us, id")
        .fetch_all(&*database)
        .await
        .map_err(Failure::internal)?;
    let picked = pick(told(rows));
    picked
        .map(Json)
        .ok_or_else(|| Failure::not_found("nothing was heard of any order"))
}

/// The stories that these rows tell, by order.
fn told(rows: Vec<Row>) -> BTreeMap<i64, Story> {
    let mut stories: BTreeMap<i64, Story> = BTreeMap::new();
    for (order_id, kind, source, at_us) in rows {
        let story = stories.entry(order_id).or_insert_with(|| Story {
            order_id,
            ..Story::default()
        });
        story.chapters.push(Chapter { at_us, source, kind });
    }
    for story in stories.values_mut() {
        story.wrong = wrong(&story.chapters);
    }
    stories
}

/// The first story with which something is wrong, or else the first of the longest.
fn pick(mut stories: BTreeMap<i64, Story>) -> Option<Story> {
    let broken = stories.values().find(|story| story.wrong.is_some());
    let chosen = broken.or_else(|| {
        let length = stories.values().map(|story| story.chapters.len()).max();
        stories.values().find(|story| Some(story.chapters.len()) == length)
    });
    let order_id = chosen?.order_id;
    stories.remove(&order_id)
}

/// What is wrong with an order of which this is all that happened.
fn wrong(chapters: &[Chapter]) -> Option<String> {
    let count = |kind: &str| chapters.iter().filter(|chapter| chapter.kind == kind).count();
    let (confirmed, cancelled) = (count(OrderConfirmed::TYPE), count(OrderCancelled::TYPE));
    let (paid, refunded) = (count(PaymentCompleted::TYPE), count(PaymentRefunded::TYPE));
    let (held, released) = (count(InventoryReserved::TYPE), count(InventoryReleased::TYPE));
    let due = usize::from(confirmed > 0);
    let problem = if confirmed + cancelled == 0 {
        "it came to no end"
    } else if confirmed > 0 && cancelled > 0 {
        "it was confirmed and cancelled"
    } else if paid > refunded + due {
        if due == 1 {
            "it was paid twice"
        } else {
            "its money was kept"
        }
    } else if paid < refunded + due {
        if due == 1 {
            "it was not paid"
        } else {
            "it was refunded twice"
        }
    } else if held != released + due {
        "its pieces do not add up"
    } else {
        return None;
    };
    Some(problem.to_owned())
}

#[cfg(test)]
mod tests {
    use contract::events::{InventoryFailed, OrderCreated};

    use super::*;

    fn rows(order_id: i64, kinds: &[&str]) -> Vec<Row> {
        let row = |(at, kind): (usize, &&str)| (order_id, (*kind).to_owned(), "orders".to_owned(), at as i64);
        kinds.iter().enumerate().map(row).collect()
    }

    fn verdict(kinds: &[&str]) -> Option<String> {
        told(rows(1, kinds))[&1].wrong.clone()
    }

    const CONFIRMED: [&str; 4] = [
        OrderCreated::TYPE,
        InventoryReserved::TYPE,
        PaymentCompleted::TYPE,
        OrderConfirmed::TYPE,
    ];

    #[test]
    fn orders_that_add_up_are_sound() {
        assert_eq!(verdict(&CONFIRMED), None);
        let no_stock = [OrderCreated::TYPE, InventoryFailed::TYPE, OrderCancelled::TYPE];
        assert_eq!(verdict(&no_stock), None);
        let undone = [
            OrderCreated::TYPE,
            InventoryReserved::TYPE,
            PaymentCompleted::TYPE,
            OrderCancelled::TYPE,
            PaymentRefunded::TYPE,
            InventoryReleased::TYPE,
        ];
        assert_eq!(verdict(&undone), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let with = |more: &[&'static str]| [&CONFIRMED[..], more].concat();
        for (kinds, about) in [
            (CONFIRMED[..3].to_vec(), "no end"),
            (with(&[PaymentCompleted::TYPE]), "paid twice"),
            (with(&[OrderCancelled::TYPE]), "confirmed and cancelled"),
            (with(&[InventoryReleased::TYPE]), "pieces"),
            (with(&[PaymentRefunded::TYPE]), "not paid"),
            (
                vec![OrderCreated::TYPE, InventoryReserved::TYPE, OrderCancelled::TYPE],
                "pieces",
            ),
            (
                vec![OrderCreated::TYPE, PaymentCompleted::TYPE, OrderCancelled::TYPE],
                "money was kept",
            ),
        ] {
            let found = verdict(&kinds);
            assert!(
                found.as_ref().is_some_and(|found| found.contains(about)),
                "{kinds:?}: {found:?}"
            );
        }
    }

    #[test]
    fn the_first_wrong_one_is_picked_and_else_the_longest() {
        let longer = [&CONFIRMED[..], &["lab.notification.requested.v1"]].concat();
        let sound = [rows(1, &CONFIRMED), rows(2, &longer)].concat();
        assert_eq!(pick(told(sound.clone())).unwrap().order_id, 2);
        let broken = [sound, rows(3, &CONFIRMED[..2])].concat();
        assert_eq!(pick(told(broken)).unwrap().order_id, 3);
        assert_eq!(pick(BTreeMap::new()), None);
    }
}
