//! Events between services, through Kafka.
//!
//! ```text
//!     handler ── transaction ──► its data
//!                     │      └─► outbox ── Relay ──► Kafka ── Worker ── transaction ──► its data
//!                     └── inbox                                              └── inbox, outbox, …
//! ```
//!
//! - [`Broker`] is the way to Kafka: topics, readiness, lag.
//! - [`Producer`] publishes, idempotently, under the event's subject as key and in the trace of the running task.
//! - [`Outbox`] and [`Relay`] publish what a transaction wrote, whatever dies in between.
//! - [`Worker`] reads as a member of a group and lets a [`Handler`] act in a transaction. When it commits is a setting
//!   ([`Commit`]), and so is what becomes of messages that fail ([`Failures`]).
//! - [`is_first`] is the inbox: it makes the effect of a repeated message happen once.
//! - [`Participant`] is all of these for a service that hears, acts and speaks.
//! - [`HasPending`] is asked what is still to do, and [`pending_route`] tells it.
//! - [`SagaStep`] is what a service does in the sagas of others, and [`Part`] does it.
//! - [`Crashes`] kills the process at a chosen place, for experiments.
//! - [`Replay`] reads a topic from its start.
//! - [`built_in`] is a small broker for machines without Kafka.
//!
//! What may be relied on: an event in a committed outbox is published at least once, and the first deliveries of one key
//! come in the order of the outbox. A worker with [`Commit::Inbox`] whose events come out of an outbox has the effect of
//! each exactly once, whoever is killed and whenever, as long as the brokers keep what they were given.
//!
//! This is the only crate that knows the Kafka library; [`rdkafka`] is passed on for measurements that need it bare.

mod broker;
pub mod built_in;
mod consumer;
mod context;
mod crash;
mod error;
mod event;
mod failures;
mod handler;
pub mod headers;
mod inbox;
mod lane;
mod meter;
mod mover;
mod options;
mod outbox;
mod part;
mod participant;
mod pending;
mod producer;
mod relay;
mod replay;
mod style;
pub mod testing;
mod worker;

pub use broker::{BROKERS_TIMEOUT, Broker, PartitionLag};
pub use consumer::{Consumer, NoEvent, Position, Received};
pub use crash::{Crashes, Doom, Moment};
pub use error::MessagingError;
pub use event::event;
pub use failures::Failures;
pub use handler::{Handler, Refusal};
pub use inbox::{INBOX_TABLE, inbox_migration, is_first, is_first_hold};
pub use options::{Commit, WorkerOptions};
pub use outbox::{OUTBOX_TABLE, Outbox, outbox_migration, outbox_tracestate_migration, unpublished};
pub use part::{Asked, Part, SagaStep};
pub use participant::Participant;
pub use pending::{HasPending, pending_route};
pub use producer::{AnyEvent, Delivery, Place, Producer};
pub use rdkafka;
pub use relay::{Publish, Relay, Stored};
pub use replay::Replay;
pub use style::Style;
pub use worker::Worker;
