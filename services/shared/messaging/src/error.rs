//! What can go wrong on the way to Kafka and back.

use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

/// Why something was not published, read or committed.
#[derive(Debug, thiserror::Error)]
pub enum MessagingError {
    /// Kafka, or the way to it.
    #[error("Kafka: {0}")]
    Kafka(#[from] KafkaError),
    /// A topic could not be made.
    #[error("the topic {topic} cannot be made: {code}")]
    Topic {
        /// Its name.
        topic: String,
        /// What Kafka said.
        code: RDKafkaErrorCode,
    },
    /// Kafka could not be reached in time.
    #[error("no Kafka at {brokers} within {} ms: {reason}", waited.as_millis())]
    Unreachable {
        /// Where.
        brokers: String,
        /// How long it was tried.
        waited: Duration,
        /// What the last try said.
        reason: String,
    },
    /// An event could not be written down.
    #[error("the event cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The database beside it failed.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// A replayed event was not handled.
    #[error("an event was not handled: {reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// A task of the library ended early, which it does when the process ends.
    #[error("interrupted")]
    Interrupted,
}
