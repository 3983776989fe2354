//! Moving messages out of the way that cannot be handled.

use std::time::Duration;

use chassis::unix_ms;
use contract::events::topics;
use rdkafka::message::OwnedHeaders;

use crate::consumer::{Position, Received};
use crate::failures::Failures;
use crate::handler::Refusal;
use crate::options::WorkerOptions;
use crate::{Broker, Producer, headers};

/// The longest that a message is put off.
pub(crate) const DELAY_MS_MAX: i64 = 3_600_000;

/// Where a refused message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    Stay,
    Retry { attempt: usize, delay: Duration },
    Dead,
}

/// Moves messages out of the way.
pub(crate) struct Mover {
    producer: Producer,
    broker: Broker,
    group: String,
    failures: Failures,
}

impl Mover {
    pub(crate) fn new(producer: Producer, broker: Broker, options: &WorkerOptions) -> Self {
        Self {
            producer,
            broker,
            group: options.group.clone(),
            failures: options.failures.clone(),
        }
    }

    /// Moves a message that was tried `attempts` times before this one, and says in a word where it went.
    ///
    /// # Errors
    /// Why it stays where it is.
    pub(crate) async fn refused(
        &self,
        attempts: usize,
        received: &Received<'_>,
        position: &Position,
        refusal: &Refusal,
    ) -> Result<&'static str, String> {
        let reason = refusal.reason();
        let (topic, word, due) = match way(&self.failures, attempts, refusal) {
            Way::Stay => return Err(reason.to_owned()),
            Way::Retry { attempt, delay } => {
                let due = unix_ms() + i64::try_from(delay.as_millis()).unwrap_or(DELAY_MS_MAX);
                (
                    topics::retry(&origin(received, position).topic, &self.group, attempt),
                    "retried",
                    Some(due),
                )
            }
            Way::Dead => (
                topics::dead_letter(&origin(received, position).topic, &self.group),
                "dead",
                None,
            ),
        };
        tracing::warn!(?position, reason, topic, "the message is moved");
        let headers = self.headers(attempts + 1, received, position, reason, due);
        let topic = self.broker.topic(&topic);
        let stored = async {
            self.producer
                .enqueue(&topic, None, received.key(), received.payload(), headers)
                .await?
                .done()
                .await
        };
        match stored.await {
            Ok(_) => Ok(word),
            Err(error) => Err(format!("{reason}; and it could not be moved to {topic}: {error}")),
        }
    }

    /// Its own headers, with why and from where it was moved.
    fn headers(
        &self,
        attempts: usize,
        received: &Received<'_>,
        position: &Position,
        reason: &str,
        due: Option<i64>,
    ) -> OwnedHeaders {
        let [topic, partition, offset] = headers::ORIGIN;
        let own = [
            headers::ATTEMPTS,
            headers::REASON,
            headers::DUE_MS,
            topic,
            partition,
            offset,
        ];
        let origin = origin(received, position);
        let kept = received.headers_without(&own);
        let kept = headers::with(kept, headers::ATTEMPTS, &attempts.to_string());
        let kept = headers::with(kept, headers::REASON, reason);
        let kept = headers::with(kept, topic, &origin.topic);
        let kept = headers::with(kept, partition, &origin.partition.to_string());
        let kept = headers::with(kept, offset, &origin.offset.to_string());
        match due {
            Some(due) => headers::with(kept, headers::DUE_MS, &due.to_string()),
            None => kept,
        }
    }
}

/// Where a message was first.
fn origin(received: &Received<'_>, position: &Position) -> Position {
    let [topic, partition, offset] = headers::ORIGIN.map(|name| received.header(name));
    let moved = || {
        Some(Position {
            topic: topic?.to_owned(),
            partition: partition?.parse().ok()?,
            offset: offset?.parse().ok()?,
        })
    };
    moved().unwrap_or_else(|| position.clone())
}

fn way(failures: &Failures, attempts: usize, refusal: &Refusal) -> Way {
    match (failures, refusal) {
        (Failures::Block, _) => Way::Stay,
        (Failures::Move { .. }, Refusal::Never(_)) => Way::Dead,
        (Failures::Move { delays }, Refusal::Later(_)) => match delays.get(attempts) {
            Some(&delay) => Way::Retry {
                attempt: attempts + 1,
                delay,
            },
            None => Way::Dead,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_goes_through_every_retry_topic_and_ends_as_a_dead_letter() {
        let failures = Failures::backoff(Duration::from_millis(100), 3);
        let later = Refusal::Later(String::new());
        let ways: Vec<Way> = (0..4).map(|attempts| way(&failures, attempts, &later)).collect();
        let retry = |attempt, ms| Way::Retry {
            attempt,
            delay: Duration::from_millis(ms),
        };
        assert_eq!(ways, [retry(1, 100), retry(2, 200), retry(3, 400), Way::Dead]);
    }

    #[test]
    fn what_can_never_go_well_is_not_tried_again_and_blocking_moves_nothing() {
        let never = Refusal::Never(String::new());
        let failures = Failures::backoff(Duration::from_millis(100), 3);
        assert_eq!(way(&failures, 0, &never), Way::Dead);
        assert_eq!(way(&Failures::Block, 5, &never), Way::Stay);
        assert_eq!(
            way(&Failures::Move { delays: vec![] }, 0, &Refusal::Later(String::new())),
            Way::Dead
        );
    }
}
