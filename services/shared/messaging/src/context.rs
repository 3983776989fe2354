//! What the Kafka library has to say, and what it asks, goes through here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;

/// Sends the library's lines to the log of the service. Broken connections are an everyday thing that the library mends
/// by itself, so its errors are warnings here and its warnings are details.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!(facility, "Kafka: {message}");
            }
            RDKafkaLogLevel::Error => tracing::warn!(facility, "Kafka: {message}"),
            _ => tracing::debug!(facility, "Kafka: {message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, "Kafka: {reason}");
    }
}

impl ConsumerContext for Quiet {}

/// The same for a member of a group, which also takes part in its rebalances.
#[derive(Debug)]
pub(crate) struct Member {
    group: String,
    joined: AtomicBool,
    revoked: Mutex<Option<Instant>>,
}

impl Member {
    pub(crate) fn new(group: String) -> Self {
        Self {
            group,
            joined: AtomicBool::new(false),
            revoked: Mutex::new(None),
        }
    }

    /// Whether it was given partitions at least once; that may have been none of them.
    pub(crate) fn has_joined(&self) -> bool {
        self.joined.load(Ordering::Acquire)
    }

    fn mark_revoked(&self, at: Option<Instant>) -> Option<Instant> {
        let mut revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *revoked, at)
    }
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        Quiet.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        Quiet.error(error, reason);
    }
}

impl ConsumerContext for Member {
    /// The library calls this while it is asked for the next message, so nothing is being handled at that moment. What
    /// was handled is committed before the partitions go: their next owner begins exactly there.
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Revoke(partitions) => {
                self.mark_revoked(Some(Instant::now()));
                // Nothing to commit is an error to the library, and none here.
                let _ = consumer.commit_consumer_state(CommitMode::Sync);
                tracing::info!(group = self.group, partitions = partitions.count(), "partitions go");
            }
            Rebalance::Assign(partitions) => {
                tracing::info!(group = self.group, partitions = partitions.count(), "partitions come");
            }
            Rebalance::Error(error) => tracing::warn!(group = self.group, %error, "a rebalance failed"),
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if matches!(rebalance, Rebalance::Assign(_)) {
            self.joined.store(true, Ordering::Release);
            metrics::counter!("messaging_rebalances_total", "group" => self.group.clone()).increment(1);
            if let Some(revoked) = self.mark_revoked(None) {
                metrics::histogram!("messaging_rebalance_seconds", "group" => self.group.clone())
                    .record(revoked.elapsed().as_secs_f64());
            }
        }
        let owned = consumer.assignment().map_or(0, |partitions| partitions.count());
        metrics::gauge!("messaging_partitions", "group" => self.group.clone()).set(owned as f64);
    }

    fn main_queue_min_poll_interval(&self) -> rdkafka::util::Timeout {
        rdkafka::util::Timeout::After(Duration::from_millis(100))
    }
}
