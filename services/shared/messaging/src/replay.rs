//! Reading the log from its start: to build a state anew, or to look at what lies in a topic.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::broker::{Extent, blocking};
use crate::consumer::Received;
use crate::context::Member;
use crate::{Broker, MessagingError};

/// How long the next message may be waited for.
const STALLED: Duration = Duration::from_secs(10);

/// A topic, read from its start to where it ended when it was opened: partition by partition in their order. Belongs to no
/// group and commits nothing.
pub struct Replay {
    consumer: StreamConsumer<Member>,
    broker: Broker,
    topic: String,
    /// Where each partition ends that is not read to its end.
    open: BTreeMap<i32, i64>,
    read: u64,
}

impl Replay {
    /// Opens a topic at its start. One that is not there has no messages.
    ///
    /// # Errors
    /// When the brokers do not answer.
    pub async fn open(broker: &Broker, topic: &str) -> Result<Self, MessagingError> {
        let extents = broker.extents(topic).await?;
        let mut config = broker.config();
        config
            // Never joined: the library wants one.
            .set("group.id", broker.group("replay"))
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "50");
        let consumer: StreamConsumer<Member> =
            StreamConsumer::from_config_and_context(&config, Member::new("replay".to_owned()))?;
        let mut list = TopicPartitionList::new();
        let mut open = BTreeMap::new();
        for Extent { partition, end, .. } in extents.into_iter().filter(|extent| extent.end > extent.start) {
            list.add_partition_offset(&broker.topic(topic), partition, Offset::Beginning)?;
            open.insert(partition, end);
        }
        let consumer = blocking(move || {
            consumer.assign(&list)?;
            Ok(consumer)
        })
        .await?;
        Ok(Self {
            consumer,
            broker: broker.clone(),
            topic: topic.to_owned(),
            open,
            read: 0,
        })
    }

    /// The next message; `None` at the end.
    ///
    /// # Errors
    /// When the brokers do not answer.
    pub async fn next(&mut self) -> Result<Option<Received<'_>>, MessagingError> {
        while !self.open.is_empty() {
            let message = match tokio::time::timeout(STALLED, self.consumer.recv()).await {
                Ok(Ok(message)) => message,
                Ok(Err(KafkaError::PartitionEOF(partition))) => {
                    self.open.remove(&partition);
                    continue;
                }
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => {
                    return Err(MessagingError::Unreachable {
                        brokers: self.broker.settings().brokers.clone(),
                        waited: STALLED,
                        reason: format!("{} was not read to its end", self.topic),
                    });
                }
            };
            let (partition, offset) = (message.partition(), message.offset());
            let Some(end) = self.open.get(&partition).copied() else {
                continue;
            };
            if offset + 1 >= end {
                self.open.remove(&partition);
            }
            if offset < end {
                self.read += 1;
                return Ok(Some(Received::new(message, &self.broker)));
            }
        }
        Ok(None)
    }

    /// How many messages came so far.
    #[must_use]
    pub const fn read(&self) -> u64 {
        self.read
    }
}
