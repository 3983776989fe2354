//! From the outbox to Kafka.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chassis::{Shutdown, unix_ms};
use futures_util::future::join_all;
use rdkafka::message::OwnedHeaders;
use serde::Deserialize;
use store::Database;
use tokio::sync::Notify;

use crate::crash::{Crashes, Doom, Moment};
use crate::{MessagingError, Outbox, Producer, headers};

/// Events that are taken from the outbox at once.
const BATCH: i64 = 200;
/// How long a relay may work before another instance takes over. The clocks of the instances may differ by less.
const LEASE: Duration = Duration::from_secs(3);
/// How often the outbox is looked at when nobody tells of anything new.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Pause after a failure.
const FAILURE_PAUSE: Duration = Duration::from_millis(200);

/// What a relay publishes through: Kafka, or a stand-in in tests.
pub trait Publish: Send + Sync + 'static {
    /// Publishes a message and waits until it is stored.
    fn publish_stored(&self, message: &Stored) -> impl Future<Output = Result<(), MessagingError>> + Send;
}

/// A row of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its place in the outbox.
    pub id: i64,
    /// Where it is to go.
    pub topic: String,
    /// Its key.
    pub key: String,
    /// The event.
    pub payload: String,
    /// The trace that it was written in.
    pub traceparent: Option<String>,
    /// What tracing systems keep with that trace.
    pub tracestate: Option<String>,
}

impl Publish for Producer {
    async fn publish_stored(&self, message: &Stored) -> Result<(), MessagingError> {
        let trace = message.traceparent.as_deref();
        let headers = trace.map_or_else(OwnedHeaders::new, |trace| {
            headers::of_trace(trace, message.tracestate.as_deref())
        });
        self.send(
            &message.topic,
            message.key.as_bytes(),
            message.payload.as_bytes(),
            headers,
        )
        .await?
        .done()
        .await
        .map(drop)
    }
}

/// Publishes what is in an outbox, in its order for each key, and takes it out when Kafka has it.
///
/// Every instance of a service runs one; a lease in the database lets one of them work. If it dies, at whatever point,
/// the next one begins with the first event that is still there: nothing is lost, and what was published but not taken
/// out is published again. An instance that was believed dead may do so too. Whoever reads must therefore be able to
/// meet an event twice: see [`is_first`](crate::is_first). The *first* deliveries of one key are always in order, since
/// every relay publishes an event only after all earlier ones of its key.
pub struct Relay<P> {
    database: Database,
    publisher: P,
    /// Who works; the same again after a restart, so that it need not wait for its own lease to end.
    name: String,
    added: Arc<Notify>,
    published: AtomicU64,
    gap: Duration,
    crashes: Crashes,
}

/// As much of an event as says what kind it is.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

impl<P: Publish> Relay<P> {
    /// A relay of this outbox for the instance of this name.
    pub fn new(outbox: &Outbox, database: Database, publisher: P, instance: &str) -> Self {
        Self {
            crashes: Crashes::none(database.clone()),
            database,
            publisher,
            name: instance.to_owned(),
            added: Arc::clone(&outbox.added),
            published: AtomicU64::new(0),
            gap: Duration::ZERO,
        }
    }

    /// The same relay with a barrier for experiments: a pause before events are published, and again before they are
    /// taken out of the outbox.
    #[must_use]
    pub fn with_gap(mut self, gap: Duration) -> Self {
        self.gap = gap;
        self
    }

    /// The same relay, which dies at these places.
    #[must_use]
    pub fn with_crashes(mut self, crashes: Crashes) -> Self {
        self.crashes = crashes;
        self
    }

    /// Events that this relay has published since it was made.
    #[must_use]
    pub fn published(&self) -> u64 {
        self.published.load(Ordering::Relaxed)
    }

    /// Works until the end is asked for.
    pub async fn run(&self, shutdown: &Shutdown) {
        loop {
            let pause = match self.step().await {
                Ok(0) => LOOK_EVERY,
                Ok(_) => Duration::ZERO,
                Err(error) => {
                    store::note_trouble(&error);
                    tracing::warn!(%error, "the outbox could not be published; it is tried again");
                    FAILURE_PAUSE
                }
            };
            tokio::select! {
                biased;
                () = shutdown.requested() => return,
                () = self.added.notified(), if pause == LOOK_EVERY => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Publishes the next events, a few hundred at most, if it is this relay's turn; says how many.
    ///
    /// # Errors
    /// When the database fails, or Kafka does not take an event: those before it are done, and it comes first next time.
    pub async fn step(&self) -> Result<u64, MessagingError> {
        if !self.take_turn().await? {
            return Ok(0);
        }
        let mut rest = self.waiting().await?;
        let mut published = 0;
        while !rest.is_empty() {
            let (wave, later) = first_of_each_key(rest);
            published += self.publish(&wave).await?;
            rest = later;
        }
        Ok(published)
    }

    /// Publishes events of different keys at once, and takes out those that are stored.
    async fn publish(&self, wave: &[Stored]) -> Result<u64, MessagingError> {
        tokio::time::sleep(self.gap).await;
        self.crash_if_due(wave, Moment::BeforePublish).await;
        let outcomes = join_all(wave.iter().map(|message| self.publisher.publish_stored(message))).await;
        self.crash_if_due(wave, Moment::AfterPublish).await;
        tokio::time::sleep(self.gap).await;
        let mut transaction = self.database.begin_write().await?;
        let mut published = 0;
        let mut failure = None;
        for (message, outcome) in wave.iter().zip(outcomes) {
            match outcome {
                Ok(()) => {
                    sqlx::query("DELETE FROM outbox WHERE id = $1")
                        .bind(message.id)
                        .execute(&mut *transaction)
                        .await?;
                    published += 1;
                }
                Err(error) => failure = Some(error),
            }
        }
        transaction.commit().await?;
        self.published.fetch_add(published, Ordering::Relaxed);
        metrics::counter!("messaging_outbox_published_total").increment(published);
        failure.map_or(Ok(published), Err)
    }

    async fn crash_if_due(&self, wave: &[Stored], moment: Moment) {
        if self.crashes.is_never() {
            return;
        }
        for message in wave {
            let Ok(Kind { kind }) = contract::json::from_str(&message.payload) else {
                continue;
            };
            self.crashes.due(&kind, moment).await.into_iter().for_each(Doom::come);
        }
    }

    /// Takes or keeps the lease.
    async fn take_turn(&self) -> Result<bool, MessagingError> {
        let now = unix_ms();
        let taken = sqlx::query(
            "UPDATE outbox_relay SET relay = $1, until_ms = $2 WHERE id = 1 AND (relay = $3 OR until_ms < $4)",
        )
        .bind(self.name.as_str())
        .bind(now + LEASE.as_millis() as i64)
        .bind(self.name.as_str())
        .bind(now)
        .execute(&*self.database)
        .await?;
        Ok(taken.rows_affected() == 1)
    }

    async fn waiting(&self) -> Result<Vec<Stored>, MessagingError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, topic, event_key, payload, traceparent, tracestate FROM outbox ORDER BY id LIMIT $1",
        )
        .bind(BATCH)
        .fetch_all(&*self.database)
        .await?;
        let stored = |(id, topic, key, payload, traceparent, tracestate)| Stored {
            id,
            topic,
            key,
            payload,
            traceparent,
            tracestate,
        };
        Ok(rows.into_iter().map(stored).collect())
    }
}

/// Id, topic, key, payload, `traceparent` and `tracestate`.
type Row = (i64, String, String, String, Option<String>, Option<String>);

/// The first message of each key, none of which need wait for another, and those that come after them.
fn first_of_each_key(messages: Vec<Stored>) -> (Vec<Stored>, Vec<Stored>) {
    let mut keys = BTreeSet::new();
    messages
        .into_iter()
        .partition(|message| keys.insert((message.topic.clone(), message.key.clone())))
}
