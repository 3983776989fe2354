//! What the stream of orders does to the figures.

use std::time::Duration;
use store::Fetch;

use chassis::{Settings, SettingsError};
use contract::environment::{CONSUME_EARLY_MS, CONSUME_EARLY_PRODUCT, CONSUME_POISON_PRODUCT, CONSUME_WORK_MS};
use contract::events::{DomainEvent, Envelope, OrderCreated};
use messaging::{Handler, Position, Refusal};
use sqlx::AnyConnection;
use time::OffsetDateTime;

use crate::stories;

const MS_MAX: u64 = 600_000;
const PRODUCT: &str = "the number of a product, or 0 for none";

/// Counts events, and adds up what orders bring.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    /// Who counts.
    instance: String,
    /// How long that takes.
    work: Duration,
    faults: Faults,
}

/// What goes wrong on purpose.
#[derive(Debug, Clone, Copy, Default)]
struct Faults {
    /// Orders of this product can never be handled.
    poison_product: i64,
    /// Orders of this product cannot be handled before they have this age.
    early_product: i64,
    age: Duration,
}

impl Figures {
    pub(crate) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let env = &settings.environment;
        let product = |variable| env.parse(variable, 0, PRODUCT, |product: &i64| *product >= 0);
        Ok(Self {
            instance: settings.instance.clone(),
            work: env.milliseconds(CONSUME_WORK_MS, 0, 0, MS_MAX)?,
            faults: Faults {
                poison_product: product(CONSUME_POISON_PRODUCT)?,
                early_product: product(CONSUME_EARLY_PRODUCT)?,
                age: env.milliseconds(CONSUME_EARLY_MS, 300, 0, MS_MAX)?,
            },
        })
    }

    /// The same without work and faults: what was handled once is handled again.
    pub(crate) fn at_once(&self) -> Self {
        Self {
            instance: self.instance.clone(),
            work: Duration::ZERO,
            faults: Faults::default(),
        }
    }
}

impl Faults {
    fn look(&self, order: &OrderCreated, happened: OffsetDateTime) -> Result<(), Refusal> {
        if order.product_id == self.poison_product {
            let reason = format!("orders of product {} cannot be handled", order.product_id);
            return Err(Refusal::Never(reason));
        }
        let is_early = OffsetDateTime::now_utc() - happened < self.age;
        if order.product_id == self.early_product && is_early {
            let reason = format!("orders of product {} cannot be handled yet", order.product_id);
            return Err(Refusal::Later(reason));
        }
        Ok(())
    }
}

impl Handler for Figures {
    async fn prepare(&self, event: &Envelope<DomainEvent>) -> Result<(), Refusal> {
        tokio::time::sleep(self.work).await;
        match &event.data {
            DomainEvent::OrderCreated(order) => self.faults.look(order, event.time),
            _ => Ok(()),
        }
    }

    async fn handle(
        &self,
        event: &Envelope<DomainEvent>,
        at: &Position,
        connection: &mut AnyConnection,
    ) -> Result<(), Refusal> {
        count(connection, event.data.kind()).await?;
        stories::write(connection, event).await?;
        let window_s = event.time.unix_timestamp();
        match &event.data {
            DomainEvent::OrderCreated(order) => {
                self.note_effect(connection, event, order.order_id, at).await?;
                add(connection, window_s, Window::ordered(order.amount_cents)).await?;
            }
            DomainEvent::OrderConfirmed(order) => {
                add(connection, window_s, Window::confirmed(order.amount_cents)).await?;
            }
            DomainEvent::OrderCancelled(_) => add(connection, window_s, Window::cancelled()).await?,
            _ => {}
        }
        Ok(())
    }
}

impl Figures {
    async fn note_effect(
        &self,
        connection: &mut AnyConnection,
        event: &Envelope<DomainEvent>,
        order_id: i64,
        at: &Position,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO effects (event_id, order_id, topic_partition, topic_offset, instance, at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(event.id.as_str())
        .bind(order_id)
        .bind(i64::from(at.partition))
        .bind(at.offset)
        .bind(self.instance.as_str())
        .bind(milliseconds(OffsetDateTime::now_utc()))
        .execute(connection)
        .await
        .map(drop)
    }
}

/// What an event adds to the figures of its second.
#[derive(Debug, Clone, Copy, Default)]
struct Window {
    orders: i64,
    amount_cents: i64,
    confirmed: i64,
    confirmed_cents: i64,
    cancelled: i64,
}

impl Window {
    fn ordered(amount_cents: i64) -> Self {
        Self {
            orders: 1,
            amount_cents,
            ..Self::default()
        }
    }

    fn confirmed(confirmed_cents: i64) -> Self {
        Self {
            confirmed: 1,
            confirmed_cents,
            ..Self::default()
        }
    }

    fn cancelled() -> Self {
        Self {
            cancelled: 1,
            ..Self::default()
        }
    }
}

async fn add(connection: &mut AnyConnection, window_s: i64, window: Window) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO revenue (window_s, orders, amount_cents, confirmed, confirmed_cents, cancelled) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (window_s) DO UPDATE SET orders = revenue.orders + excluded.orders, \
         amount_cents = revenue.amount_cents + excluded.amount_cents, \
         confirmed = revenue.confirmed + excluded.confirmed, \
         confirmed_cents = revenue.confirmed_cents + excluded.confirmed_cents, \
         cancelled = revenue.cancelled + excluded.cancelled",
    )
    .bind(window_s)
    .bind(window.orders)
    .bind(window.amount_cents)
    .bind(window.confirmed)
    .bind(window.confirmed_cents)
    .bind(window.cancelled)
    .execute(connection)
    .await
    .map(drop)
}

/// Counts in the statement itself, so that instances do not overwrite one another's count; gives the count.
pub(crate) async fn count(connection: &mut AnyConnection, kind: &str) -> Result<i64, sqlx::Error> {
    let (count,): (i64,) = sqlx::query_as(
        "INSERT INTO event_counts (kind, occurrences) VALUES ($1, 1) \
         ON CONFLICT (kind) DO UPDATE SET occurrences = event_counts.occurrences + 1 RETURNING occurrences",
    )
    .bind(kind)
    .one(connection)
    .await?;
    Ok(count)
}

fn milliseconds(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
