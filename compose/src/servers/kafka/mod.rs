//! Kafka for a system: where one is to be had, how Apache Kafka of this machine becomes an instance, and how a broker is
//! asked for a sign of life.
//!
//! A system has one Kafka: the small one that is built into the lab (started as any other instance is), an Apache Kafka
//! of this machine, or the one that the user names in `KAFKA_BROKERS`, which the lab neither starts nor ends.

mod broker;
mod client;
mod description;
mod exported;
mod image;
mod kept;
mod source;

pub use description::Kafka;
