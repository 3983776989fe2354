//! The transactional outbox: an event is written in the transaction that makes it true, and published afterwards.
//!
//! Writing to a database and publishing to Kafka are two writes, and a process can die between them: then there is an
//! order that nobody hears of, or an event of an order that is not there. With an outbox there is one write. The
//! [`Relay`](crate::Relay) does the rest, again and again until it is done, so an event may be published more than once.
//! C. Richardson, *Microservices Patterns*, 2018, chapter 3.

use std::sync::Arc;

use contract::Program;
use contract::events::Payload;
use observability::TraceContext;
use sqlx::AnyConnection;
use store::{Database, Fetch, Migration};
use tokio::sync::Notify;

use crate::{MessagingError, event};

/// The statements that make the outbox, for a [`Migration`] of the service.
pub const OUTBOX_TABLE: &str = "
CREATE TABLE outbox (
    id IDENTITY_KEY,
    topic TEXT NOT NULL,
    event_key TEXT NOT NULL,
    payload TEXT NOT NULL,
    traceparent TEXT
);

-- One relay at a time: whose turn it is, and until when.
CREATE TABLE outbox_relay (
    id BIGINT PRIMARY KEY,
    relay TEXT NOT NULL,
    until_ms BIGINT NOT NULL
);

INSERT INTO outbox_relay (id, relay, until_ms) VALUES (1, '', 0);
";

/// The migration of this version number that makes the outbox.
#[must_use]
pub const fn outbox_migration(version: i64) -> Migration {
    Migration::new(version, "outbox", OUTBOX_TABLE)
}

/// The migration of this version number that makes room in the outbox for the state of a trace.
#[must_use]
pub const fn outbox_tracestate_migration(version: i64) -> Migration {
    Migration::new(
        version,
        "state of traces in the outbox",
        "ALTER TABLE outbox ADD COLUMN tracestate TEXT;",
    )
}

/// Takes events that are to be published once their transaction is committed. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbox {
    /// Who speaks.
    source: Program,
    pub(crate) added: Arc<Notify>,
}

impl Outbox {
    /// The outbox of a service, in a database that has [`OUTBOX_TABLE`].
    #[must_use]
    pub fn new(source: Program) -> Self {
        Self {
            source,
            added: Arc::default(),
        }
    }

    /// Writes an event of this payload into the outbox, as a part of the transaction of `connection`, together with the
    /// trace of the running task.
    ///
    /// # Errors
    /// When the database fails, or the event cannot be written as JSON.
    pub async fn add<P: Payload>(
        &self,
        connection: &mut AnyConnection,
        topic: &str,
        payload: P,
    ) -> Result<(), MessagingError> {
        let event = event(self.source.as_str(), payload);
        let payload = serde_json::to_string(&event)?;
        let trace = TraceContext::current();
        sqlx::query(
            "INSERT INTO outbox (topic, event_key, payload, traceparent, tracestate) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(topic)
        .bind(event.subject.as_str())
        .bind(payload)
        .bind(trace.as_ref().map(ToString::to_string))
        .bind(trace.as_ref().and_then(TraceContext::state))
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Tells the relay of this instance that something was committed. Without it the relay finds it a moment later.
    pub fn wake(&self) {
        self.added.notify_one();
    }
}

/// How many events of the outbox are not published yet.
///
/// # Errors
/// When the database fails.
pub async fn unpublished(database: &Database) -> Result<u64, sqlx::Error> {
    let (count,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM outbox").one(&**database).await?;
    Ok(u64::try_from(count).unwrap_or_default())
}
