//! Reading as a member of a group.

use std::sync::Arc;
use std::time::Duration;

use contract::events::DomainEvent;
use observability::TraceContext;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{CommitMode, Consumer as _, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message, OwnedHeaders};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::broker::blocking;
use crate::context::Member;
use crate::producer::AnyEvent;
use crate::{Broker, MessagingError, headers};

/// Heartbeats in one session.
const HEARTBEATS: u32 = 4;
/// Pause after an error of the library, which mends itself.
const ERROR_PAUSE: Duration = Duration::from_millis(50);

/// A member of a group. Nothing is committed unless asked for.
#[derive(Clone)]
pub struct Consumer {
    consumer: Arc<StreamConsumer<Member>>,
    broker: Broker,
}

/// A place in the log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The topic, without the prefix.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The place in it.
    pub offset: i64,
}

/// A message as it came.
pub struct Received<'a> {
    message: BorrowedMessage<'a>,
    broker: &'a Broker,
}

/// Why a message is no event.
#[derive(Debug, thiserror::Error)]
pub enum NoEvent {
    /// It has no payload.
    #[error("the message is empty")]
    Empty,
    /// It is no CloudEvents envelope, or its data is not what its type promises.
    #[error("the message is not an event: {0}")]
    Malformed(#[from] serde_json::Error),
}

impl<'a> Received<'a> {
    pub(crate) const fn new(message: BorrowedMessage<'a>, broker: &'a Broker) -> Self {
        Self { message, broker }
    }

    /// Where it lies.
    #[must_use]
    pub fn position(&self) -> Position {
        Position {
            topic: self.broker.short(self.message.topic()).to_owned(),
            partition: self.message.partition(),
            offset: self.message.offset(),
        }
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.message.key().unwrap_or_default()
    }

    /// What it holds.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.message.payload().unwrap_or_default()
    }

    /// The text of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        headers::text(self.message.headers(), name)
    }

    /// A part of the trace that it came in, or of a new one.
    #[must_use]
    pub fn trace(&self) -> TraceContext {
        headers::trace(self.message.headers())
    }

    /// Reads it as an event whose data may be anything.
    ///
    /// # Errors
    /// When it is none.
    pub fn event(&self) -> Result<AnyEvent, NoEvent> {
        let payload = self.message.payload().ok_or(NoEvent::Empty)?;
        Ok(contract::json::from_slice(payload)?)
    }

    /// Reads it as an event of a type that this version knows; `None` when it does not know the type.
    ///
    /// # Errors
    /// When it is no event, or its data is not what its type promises.
    pub fn domain_event(&self) -> Result<Option<contract::events::Envelope<DomainEvent>>, NoEvent> {
        Ok(self.event()?.typed()?)
    }

    /// Its headers, for a copy of it.
    pub(crate) fn headers(&self) -> OwnedHeaders {
        self.message
            .headers()
            .map_or_else(OwnedHeaders::new, rdkafka::message::BorrowedHeaders::detach)
    }

    /// Its headers without those of these names.
    pub(crate) fn headers_without(&self, names: &[&str]) -> OwnedHeaders {
        let kept = self.headers();
        kept.iter()
            .filter(|header| !names.contains(&header.key))
            .fold(OwnedHeaders::new(), |headers, header| headers.insert(header))
    }
}

impl Consumer {
    /// Joins a group that reads these topics, from their start where it has not committed anything.
    ///
    /// # Errors
    /// When the library refuses the settings.
    pub fn join(broker: &Broker, group: &str, topics: &[&str]) -> Result<Self, MessagingError> {
        let session = broker.settings().session;
        let mut config = broker.config();
        config
            .set("group.id", broker.group(group))
            .set("session.timeout.ms", session.as_millis().to_string())
            .set("heartbeat.interval.ms", (session / HEARTBEATS).as_millis().to_string())
            // What the lessons show: in a rebalance all members give up everything, and get their shares anew.
            .set("partition.assignment.strategy", "range")
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "false")
            // A topic that appears is found soon.
            .set("topic.metadata.refresh.interval.ms", "5000")
            .set("fetch.wait.max.ms", "100")
            .set("fetch.error.backoff.ms", "50")
            .set("queued.max.messages.kbytes", "16384");
        if let Some(member) = &broker.settings().member {
            // Known by its name, it gets its partitions back without waiting for its former life to be given up.
            config.set("group.instance.id", member);
        }
        let consumer: StreamConsumer<Member> =
            StreamConsumer::from_config_and_context(&config, Member::new(group.to_owned()))?;
        let topics: Vec<String> = topics.iter().map(|topic| broker.topic(topic)).collect();
        consumer.subscribe(&topics.iter().map(String::as_str).collect::<Vec<_>>())?;
        Ok(Self {
            consumer: Arc::new(consumer),
            broker: broker.clone(),
        })
    }

    /// Waits for the next message. Errors that the library mends by itself are logged and waited out; the future may be
    /// dropped without losing a message.
    ///
    /// # Errors
    /// When the library can go on no more.
    pub async fn next(&self) -> Result<Received<'_>, MessagingError> {
        loop {
            match self.consumer.recv().await {
                Ok(message) => {
                    return Ok(Received::new(message, &self.broker));
                }
                Err(error) if is_fatal(&error) => return Err(error.into()),
                Err(error) => {
                    tracing::debug!(%error, "Kafka: the next message must be waited for");
                    tokio::time::sleep(ERROR_PAUSE).await;
                }
            }
        }
    }

    /// Asks that the group go on after this place, and does not wait for it. Commits are done in the order in which they
    /// are asked for.
    ///
    /// # Errors
    /// When the library refuses to ask.
    pub fn commit(&self, position: &Position) -> Result<(), MessagingError> {
        let after = self.after(position)?;
        // Kept as well, so that what is asked for now is not missing from the commit before partitions go.
        self.consumer.store_offsets(&after)?;
        self.consumer.commit(&after, CommitMode::Async)?;
        Ok(())
    }

    /// Commits, and waits until the brokers have it.
    ///
    /// # Errors
    /// When they do not take it: the partition is somebody else's now, or they do not answer.
    pub async fn commit_and_wait(&self, position: &Position) -> Result<(), MessagingError> {
        let after = self.after(position)?;
        let consumer = Arc::clone(&self.consumer);
        blocking(move || Ok(consumer.commit(&after, CommitMode::Sync)?)).await
    }

    /// Goes back (or forth), so that the message at this place is the next one of its partition.
    ///
    /// # Errors
    /// When the partition is not this member's any more.
    pub fn seek(&self, position: &Position) -> Result<(), MessagingError> {
        let topic = self.broker.topic(&position.topic);
        // Zero: asked for, and done before the next message of the partition.
        self.consumer.seek(
            &topic,
            position.partition,
            Offset::Offset(position.offset),
            Duration::ZERO,
        )?;
        Ok(())
    }

    /// The partitions that this member has, each with the name of its topic without the prefix.
    #[must_use]
    pub fn partitions(&self) -> Vec<(String, i32)> {
        let Ok(partitions) = self.consumer.assignment() else {
            return Vec::new();
        };
        let element = |element: rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
            (self.broker.short(element.topic()).to_owned(), element.partition())
        };
        partitions.elements().into_iter().map(element).collect()
    }

    /// Whether it has joined its group. It may have no partitions: there may be fewer of them than members.
    #[must_use]
    pub fn has_joined(&self) -> bool {
        self.consumer.context().has_joined()
    }

    /// Leaves the group in good order, so that the others need not wait for the session to end; blocks for a moment.
    pub fn leave(&self) {
        // The library leaves by itself when the last handle is dropped; then nobody waits for the answer.
        self.consumer.unsubscribe();
    }

    fn after(&self, position: &Position) -> Result<TopicPartitionList, KafkaError> {
        let mut list = TopicPartitionList::new();
        let topic = self.broker.topic(&position.topic);
        list.add_partition_offset(&topic, position.partition, Offset::Offset(position.offset + 1))?;
        Ok(list)
    }
}

fn is_fatal(error: &KafkaError) -> bool {
    matches!(
        error,
        KafkaError::MessageConsumptionFatal(_) | KafkaError::ClientCreation(_) | KafkaError::ClientConfig(..)
    )
}
