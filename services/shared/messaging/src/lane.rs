//! A lane of a worker: one consumer, and how far its group has come.

use std::sync::Arc;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::BaseConsumer;

use crate::broker::blocking;
use crate::consumer::Consumer;
use crate::context::Quiet;
use crate::options::WorkerOptions;
use crate::{Broker, MessagingError, PartitionLag};

/// Where messages come from that were tried equally often.
pub(crate) struct Lane {
    /// How often its messages were tried before.
    pub(crate) attempts: usize,
    pub(crate) group: String,
    pub(crate) consumer: Consumer,
    topics: Vec<String>,
    /// Asks how far the group has come.
    inspector: Arc<BaseConsumer<Quiet>>,
}

impl Lane {
    /// Joins the group of this lane.
    ///
    /// # Errors
    /// When the library refuses the settings.
    pub(crate) fn join(broker: &Broker, options: &WorkerOptions, attempts: usize) -> Result<Self, MessagingError> {
        let (group, topics) = match attempts {
            0 => (options.group.clone(), options.topics.clone()),
            _ => (
                format!("{}.retry-{attempts}", options.group),
                options.retry_topics(attempts),
            ),
        };
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        let mut config = broker.config();
        config.set("group.id", broker.group(&group));
        Ok(Self {
            attempts,
            consumer: Consumer::join(broker, &group, &names)?,
            inspector: Arc::new(BaseConsumer::from_config_and_context(&config, Quiet)?),
            group,
            topics,
        })
    }

    /// How many messages the group has not finished, which the gauge of each partition tells, too.
    ///
    /// # Errors
    /// When the brokers do not answer.
    pub(crate) async fn lag(&self, broker: &Broker) -> Result<u64, MessagingError> {
        let (broker, inspector, topics) = (broker.clone(), Arc::clone(&self.inspector), self.topics.clone());
        let lags = blocking(move || broker.lag_with(&*inspector, &topics)).await?;
        for lag in &lags {
            metrics::gauge!("messaging_lag", "group" => self.group.clone(), "topic" => lag.topic.clone(),
                "partition" => lag.partition.to_string())
            .set(lag.messages() as f64);
        }
        Ok(lags.iter().map(PartitionLag::messages).sum())
    }
}
