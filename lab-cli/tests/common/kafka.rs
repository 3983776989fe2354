//! Whether there is an Apache Kafka to test with, and what is said to a broker.

use std::path::PathBuf;
use std::time::Duration;

use chassis::KafkaSettings;
use contract::events::{Envelope, OrderCreated, topics};
use messaging::{Broker, Producer, Replay, event};
use tokio::runtime::Runtime;

/// The folder of an Apache Kafka; says loudly where there is none, and fails where all tests are required.
#[track_caller]
pub fn home() -> Option<PathBuf> {
    let home = std::env::var_os("KAFKA_HOME").map(PathBuf::from);
    if home.is_none() {
        super::skip("KAFKA_HOME names no Apache Kafka");
    }
    home
}

/// A client of the broker at a port of this machine.
pub struct Client {
    runtime: Runtime,
    broker: Broker,
}

impl Client {
    pub fn of(port: u16) -> Self {
        let settings = KafkaSettings {
            brokers: format!("127.0.0.1:{port}"),
            prefix: String::new(),
            session: Duration::from_secs(6),
            member: None,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        Self {
            runtime,
            broker: Broker::new(settings),
        }
    }

    /// Publishes the event of an order, making the topic if need be.
    #[track_caller]
    pub fn publish(&self, order_id: i64) {
        let event: Envelope<OrderCreated> = event(
            "test",
            OrderCreated {
                order_id,
                user_id: 1,
                product_id: 1,
                quantity: 1,
                amount_cents: 100,
            },
        );
        self.runtime.block_on(async {
            let made = self
                .broker
                .ensure_topics(&[topics::ORDERS], topics::PARTITIONS, super::PATIENCE);
            made.await.unwrap();
            let producer = Producer::new(&self.broker).unwrap();
            producer.publish(topics::ORDERS, &event).await.unwrap();
        });
    }

    /// How many events there are.
    #[track_caller]
    pub fn events(&self) -> u64 {
        self.runtime.block_on(async {
            let mut events = Replay::open(&self.broker, topics::ORDERS).await.unwrap();
            while events.next().await.unwrap().is_some() {}
            events.read()
        })
    }
}
