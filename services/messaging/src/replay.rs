//! Reading the log from its begin: to build a state anew, or to look at what lies in a topic.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::broker::blocking;
use crate::consumer::Received;
use crate::context::Member;
use crate::{Broker, MessagingError};

/// How long the next message may be waited for.
const STALLED: Duration = Duration::from_secs(10);

/// Hands every message of a topic to `each`, partition by partition in their order, up to where the log ended when this
/// began. Belongs to no group and commits nothing. Says how many there were.
///
/// # Errors
/// When the brokers do not answer, or `each` fails.
pub async fn replay<E: From<MessagingError>>(
    broker: &Broker,
    topic: &str,
    mut each: impl AsyncFnMut(&Received<'_>) -> Result<(), E>,
) -> Result<u64, E> {
    let log = Log::open(broker, topic).await?;
    let mut open = log.ends;
    let mut read = 0;
    while !open.is_empty() {
        let message = match tokio::time::timeout(STALLED, log.consumer.recv()).await {
            Ok(Ok(message)) => message,
            Ok(Err(KafkaError::PartitionEOF(partition))) => {
                open.remove(&partition);
                continue;
            }
            Ok(Err(error)) => return Err(MessagingError::from(error).into()),
            Err(_) => {
                return Err(MessagingError::Unreachable {
                    brokers: broker.settings().brokers.clone(),
                    waited: STALLED,
                    reason: format!("{topic} was not read to its end"),
                }
                .into());
            }
        };
        let (partition, offset) = (message.partition(), message.offset());
        let Some(end) = open.get(&partition).copied() else {
            continue;
        };
        if offset < end {
            each(&Received::new(message, broker)).await?;
            read += 1;
        }
        if offset + 1 >= end {
            open.remove(&partition);
        }
    }
    Ok(read)
}

/// A topic, opened at its begin.
struct Log {
    consumer: StreamConsumer<Member>,
    /// Where each partition that holds anything ends.
    ends: BTreeMap<i32, i64>,
}

impl Log {
    async fn open(broker: &Broker, topic: &str) -> Result<Self, MessagingError> {
        let partitions = broker.lag("replay", &[topic.to_owned()]).await?;
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
        let mut ends = BTreeMap::new();
        for lag in partitions.iter().filter(|lag| lag.end > lag.committed) {
            list.add_partition_offset(&broker.topic(topic), lag.partition, Offset::Beginning)?;
            ends.insert(lag.partition, lag.end);
        }
        let consumer = blocking(move || {
            consumer.assign(&list)?;
            Ok(consumer)
        })
        .await?;
        Ok(Self { consumer, ends })
    }
}
