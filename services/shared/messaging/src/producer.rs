//! Publishing.

use std::time::Duration;

use contract::events::Envelope;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::message::{Headers, OwnedHeaders, ToBytes};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer as _};
use rdkafka::util::Timeout;
use serde_json::Value;

use crate::context::Quiet;
use crate::{Broker, MessagingError, headers};

/// How long a message is tried to be delivered.
const DELIVERY_TIMEOUT_MS: &str = "10000";
/// How long the end of the process waits for messages that are under way.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// Publishes events. Idempotent: a message that the library sends again, because an answer was lost, is stored once,
/// and messages of one partition keep their order. Cheap to clone.
#[derive(Clone)]
pub struct Producer {
    producer: FutureProducer<Quiet>,
    broker: Broker,
}

/// Where a message came to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The partition.
    pub partition: i32,
    /// The place in it.
    pub offset: i64,
}

/// A message that is under way: waiting for it says where it came to lie.
pub struct Delivery(DeliveryFuture);

impl Delivery {
    /// Waits until the brokers have it.
    ///
    /// # Errors
    /// When they do not take it in time; whether it was stored is unknown then.
    pub async fn done(self) -> Result<Place, MessagingError> {
        match self.0.await {
            Ok(Ok(delivery)) => Ok(Place {
                partition: delivery.partition,
                offset: delivery.offset,
            }),
            Ok(Err((error, _))) => Err(error.into()),
            Err(_) => Err(MessagingError::Interrupted),
        }
    }
}

impl Producer {
    /// A producer of this Kafka; connects when there is something to publish.
    ///
    /// # Errors
    /// When the library refuses the settings.
    pub fn new(broker: &Broker) -> Result<Self, MessagingError> {
        let mut config = broker.config();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "2")
            .set("delivery.timeout.ms", DELIVERY_TIMEOUT_MS)
            .set("request.timeout.ms", "5000");
        Ok(Self {
            producer: FutureProducer::from_config_and_context(&config, Quiet)?,
            broker: broker.clone(),
        })
    }

    /// Publishes an event under its subject, in the trace of the running task, and waits until the brokers have it.
    ///
    /// # Errors
    /// When they do not take it in time; whether it was stored is unknown then.
    pub async fn publish<D: serde::Serialize>(
        &self,
        topic: &str,
        event: &Envelope<D>,
    ) -> Result<Place, MessagingError> {
        let payload = serde_json::to_vec(event)?;
        self.send(topic, event.subject.as_bytes(), &payload, headers::of_this_task())
            .await?
            .done()
            .await
    }

    /// Hands a message to the library, waiting while its queue is full. What was handed over in order is stored in order.
    ///
    /// # Errors
    /// When the library refuses it.
    pub async fn send(
        &self,
        topic: &str,
        key: &[u8],
        payload: &[u8],
        headers: OwnedHeaders,
    ) -> Result<Delivery, MessagingError> {
        self.enqueue(&self.broker.topic(topic), None, key, payload, headers)
            .await
    }

    /// As [`send`](Self::send), to a topic by its full name and, if stated, to one of its partitions.
    pub(crate) async fn enqueue(
        &self,
        topic: &str,
        partition: Option<i32>,
        key: &(impl ToBytes + ?Sized),
        payload: &(impl ToBytes + ?Sized),
        headers: OwnedHeaders,
    ) -> Result<Delivery, MessagingError> {
        let mut record = FutureRecord::to(topic).key(key).payload(payload);
        record.partition = partition;
        // A list costs something even when nothing is in it.
        record.headers = Some(headers).filter(|headers| headers.count() > 0);
        loop {
            match self.producer.send_result(record) {
                Ok(delivery) => return Ok(Delivery(delivery)),
                Err((error, back)) if is_full(&error) => {
                    record = back;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
    }

    /// Waits, for half a second at most, until nothing is under way; blocks, for the end of a process.
    pub fn flush(&self) {
        // Whoever waits for a delivery hears of its failure; at the end there is nothing else to do.
        let _ = self.producer.flush(Timeout::After(FLUSH_TIMEOUT));
    }

    /// Messages under way.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        u64::try_from(self.producer.in_flight_count()).unwrap_or_default()
    }
}

fn is_full(error: &rdkafka::error::KafkaError) -> bool {
    error.rdkafka_error_code() == Some(rdkafka::types::RDKafkaErrorCode::QueueFull)
}

/// An envelope whose data may be anything.
pub type AnyEvent = Envelope<Value>;
