//! The way to Kafka: where it is, which topics there are, and how far groups have come.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use chassis::{Check, KafkaSettings};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;

use crate::MessagingError;
use crate::context::Quiet;

/// How long the brokers may take to come up when a service starts.
pub const BROKERS_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a question to a broker may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a readiness check may take; whoever asks waits for half a second.
const READY_TIMEOUT: Duration = Duration::from_millis(400);
/// Pause between two tries to make topics while the brokers come up.
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// A Kafka and the names under which this system uses it. Cheap to clone.
#[derive(Clone)]
pub struct Broker {
    inner: Arc<Inner>,
}

struct Inner {
    settings: KafkaSettings,
    /// Asks for metadata and offsets; made when first needed.
    inspector: OnceLock<BaseConsumer<Quiet>>,
}

/// How far a group has come in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionLag {
    /// The topic, without the prefix.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// Where the group goes on: the offset after the last one that it committed, or where the log begins.
    pub committed: i64,
    /// Where the log ends.
    pub end: i64,
}

/// The log of a partition: from the first offset that is still there to the one that the next message gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) partition: i32,
    pub(crate) start: i64,
    pub(crate) end: i64,
}

impl PartitionLag {
    /// Messages that the group has not committed.
    #[must_use]
    pub fn messages(&self) -> u64 {
        u64::try_from(self.end - self.committed).unwrap_or_default()
    }
}

impl Broker {
    /// The Kafka of these settings. Connects when there is something to do.
    #[must_use]
    pub fn new(settings: KafkaSettings) -> Self {
        Self {
            inner: Arc::new(Inner {
                settings,
                inspector: OnceLock::new(),
            }),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn settings(&self) -> &KafkaSettings {
        &self.inner.settings
    }

    /// The full name of a topic.
    #[must_use]
    pub fn topic(&self, name: &str) -> String {
        format!("{}{name}", self.inner.settings.prefix)
    }

    /// The full name of a group.
    #[must_use]
    pub fn group(&self, name: &str) -> String {
        format!("{}{name}", self.inner.settings.prefix)
    }

    /// The name of a topic without the prefix.
    #[must_use]
    pub fn short<'a>(&self, topic: &'a str) -> &'a str {
        topic.strip_prefix(&self.inner.settings.prefix).unwrap_or(topic)
    }

    /// What every client needs.
    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.inner.settings.brokers)
            // An address such as `localhost` may be one of IPv6 first, where nobody listens.
            .set("broker.address.family", "v4")
            // A broker that comes back is to be found again soon.
            .set("reconnect.backoff.ms", "20")
            .set("reconnect.backoff.max.ms", "500")
            .set("socket.nagle.disable", "true")
            .set("allow.auto.create.topics", "false");
        config
    }

    /// Whether a broker answers; for `/ready`.
    #[must_use]
    pub fn check(&self) -> Check {
        let broker = self.clone();
        Check::new("kafka", move || {
            let broker = broker.clone();
            async move { broker.is_ready().await.map_err(|error| error.to_string()) }
        })
    }

    /// Asks for a sign of life.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn is_ready(&self) -> Result<(), MessagingError> {
        self.ask(|inspector| {
            inspector.fetch_metadata(None, READY_TIMEOUT)?;
            Ok(())
        })
        .await
    }

    /// Makes the topics that are not there, waiting for the brokers to come up if need be. Any number of instances may
    /// do so at once.
    ///
    /// # Errors
    /// When that does not succeed within `wait`.
    pub async fn ensure_topics(&self, topics: &[&str], partitions: i32, wait: Duration) -> Result<(), MessagingError> {
        let began = Instant::now();
        loop {
            let reason = match self.try_ensure(topics, partitions).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let waited = began.elapsed();
            if waited >= wait {
                return Err(MessagingError::Unreachable {
                    brokers: self.inner.settings.brokers.clone(),
                    waited,
                    reason: reason.to_string(),
                });
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    async fn try_ensure(&self, topics: &[&str], partitions: i32) -> Result<(), MessagingError> {
        let wanted: Vec<String> = topics.iter().map(|topic| self.topic(topic)).collect();
        let missing = self.missing(wanted.clone()).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let admin = AdminClient::from_config_and_context(&self.config(), Quiet)?;
        let new: Vec<NewTopic<'_>> = missing
            .iter()
            .map(|topic| NewTopic::new(topic, partitions, TopicReplication::Fixed(1)))
            .collect();
        let options = AdminOptions::new().request_timeout(Some(ANSWER_TIMEOUT));
        for made in admin.create_topics(&new, &options).await? {
            match made {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => return Err(MessagingError::Topic { topic, code }),
            }
        }
        // A topic is made first and gets its leaders then.
        let began = Instant::now();
        while !self.missing(wanted.clone()).await?.is_empty() && began.elapsed() < ANSWER_TIMEOUT {
            tokio::time::sleep(TRY_AGAIN).await;
        }
        Ok(())
    }

    /// Those of the topics (full names) that are not there, or have no leader yet.
    async fn missing(&self, topics: Vec<String>) -> Result<Vec<String>, MessagingError> {
        self.ask(move |inspector| {
            let metadata = inspector.fetch_metadata(None, ANSWER_TIMEOUT)?;
            let usable = |name: &String| {
                metadata.topics().iter().any(|topic| {
                    topic.name() == name
                        && !topic.partitions().is_empty()
                        && topic.partitions().iter().all(|partition| partition.leader() >= 0)
                })
            };
            Ok(topics.into_iter().filter(|name| !usable(name)).collect())
        })
        .await
    }

    /// How far a group has come in these topics, as the brokers say at this moment. A topic that is not there has no
    /// partitions.
    ///
    /// # Errors
    /// When the brokers do not answer.
    pub async fn lag(&self, group: &str, topics: &[String]) -> Result<Vec<PartitionLag>, MessagingError> {
        let mut config = self.config();
        config.set("group.id", self.group(group));
        let (broker, topics) = (self.clone(), topics.to_vec());
        blocking(move || {
            let client = BaseConsumer::<Quiet>::from_config_and_context(&config, Quiet)?;
            broker.lag_with(&client, &topics)
        })
        .await
    }

    /// The same with a client of the group.
    pub(crate) fn lag_with(
        &self,
        client: &impl Consumer<Quiet>,
        topics: &[String],
    ) -> Result<Vec<PartitionLag>, MessagingError> {
        let partitions = self.partitions(client, topics)?;
        let committed = client.committed_offsets(partitions, ANSWER_TIMEOUT)?;
        let lag = |element: rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
            let (low, end) = client.fetch_watermarks(element.topic(), element.partition(), ANSWER_TIMEOUT)?;
            let committed = match element.offset() {
                Offset::Offset(offset) => offset.max(low),
                _ => low,
            };
            Ok(PartitionLag {
                topic: self.short(element.topic()).to_owned(),
                partition: element.partition(),
                committed,
                end,
            })
        };
        committed.elements().into_iter().map(lag).collect()
    }

    /// Where the log of each partition of a topic begins and ends at this moment. A topic that is not there has no
    /// partitions. A broker that has just come up may not lead them yet: that is waited for.
    ///
    /// # Errors
    /// When the brokers do not answer in time.
    pub(crate) async fn extents(&self, topic: &str) -> Result<Vec<Extent>, MessagingError> {
        let began = Instant::now();
        loop {
            let (broker, topics) = (self.clone(), [topic.to_owned()]);
            let found = self.ask(move |inspector| {
                let partitions = broker.partitions(inspector, &topics)?;
                let extent = |element: rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
                    let partition = element.partition();
                    let (start, end) = inspector.fetch_watermarks(element.topic(), partition, ANSWER_TIMEOUT)?;
                    Ok(Extent { partition, start, end })
                };
                partitions.elements().into_iter().map(extent).collect()
            });
            match found.await {
                Err(_) if began.elapsed() < ANSWER_TIMEOUT => tokio::time::sleep(TRY_AGAIN).await,
                found => return found,
            }
        }
    }

    fn partitions(
        &self,
        client: &impl Consumer<Quiet>,
        topics: &[String],
    ) -> Result<TopicPartitionList, MessagingError> {
        let mut list = TopicPartitionList::new();
        for name in topics {
            let topic = self.topic(name);
            let metadata = client.fetch_metadata(Some(&topic), ANSWER_TIMEOUT)?;
            for found in metadata.topics().iter().filter(|found| found.name() == topic) {
                for partition in found.partitions() {
                    list.add_partition(&topic, partition.id());
                }
            }
        }
        Ok(list)
    }

    /// Asks something that blocks.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&BaseConsumer<Quiet>) -> Result<T, MessagingError> + Send + 'static,
    ) -> Result<T, MessagingError> {
        let broker = self.clone();
        blocking(move || question(broker.inspector()?)).await
    }

    fn inspector(&self) -> Result<&BaseConsumer<Quiet>, KafkaError> {
        if let Some(inspector) = self.inner.inspector.get() {
            return Ok(inspector);
        }
        let made = BaseConsumer::from_config_and_context(&self.config(), Quiet)?;
        Ok(self.inner.inspector.get_or_init(|| made))
    }
}

/// Runs what blocks on a thread for that.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, MessagingError> + Send + 'static,
) -> Result<T, MessagingError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(MessagingError::Interrupted))
}
