//! A service that takes part in a conversation: it hears, acts in a transaction, and says what follows from an outbox.

use std::sync::Arc;

use chassis::{Check, Failure, ServeError, Settings, Shutdown};
use contract::Pending;
use contract::events::topics;
use store::Database;

use crate::crash::Crashes;
use crate::{
    BROKERS_TIMEOUT, Broker, Failures, Handler, HasPending, MessagingError, Outbox, Producer, Relay, Worker,
    WorkerOptions, unpublished,
};

/// The worker and the relay of an instance. Cheap to clone. Its database needs [`INBOX_TABLE`](crate::INBOX_TABLE) and
/// [`OUTBOX_TABLE`](crate::OUTBOX_TABLE).
pub struct Participant<H> {
    database: Database,
    broker: Broker,
    worker: Arc<Worker<H>>,
    relay: Arc<Relay<Producer>>,
    outbox: Outbox,
    crashes: Crashes,
}

impl<H> Clone for Participant<H> {
    fn clone(&self) -> Self {
        Self {
            database: self.database.clone(),
            broker: self.broker.clone(),
            worker: Arc::clone(&self.worker),
            relay: Arc::clone(&self.relay),
            outbox: self.outbox.clone(),
            crashes: self.crashes.clone(),
        }
    }
}

impl<H: Handler> Participant<H> {
    /// Joins the group of the service, once the topics are there. `handler` is made for the outbox through which it
    /// speaks.
    ///
    /// What cannot be handled now is tried again in its place: what belongs together must keep its order.
    ///
    /// # Errors
    /// When a setting is wrong, or there are no brokers in time.
    pub async fn start(
        settings: &Settings,
        database: &Database,
        hears: &[&str],
        handler: impl FnOnce(Outbox) -> H,
    ) -> Result<Self, ServeError> {
        let kafka = settings.required_kafka("services hear of one another through it")?;
        let mut options = WorkerOptions::from_settings(settings, hears)?;
        options.failures = Failures::Block;
        let crashes = Crashes::from_settings(settings, database.clone())?;
        let failed = |error: MessagingError| ServeError::start("the conversation with other services", error);
        let broker = Broker::new(kafka.clone());
        broker
            .ensure_topics(&[topics::ORDERS, topics::COMMANDS], topics::PARTITIONS, BROKERS_TIMEOUT)
            .await
            .map_err(failed)?;
        let producer = Producer::new(&broker).map_err(failed)?;
        let outbox = Outbox::new(settings.service);
        let relay = Relay::new(&outbox, database.clone(), producer.clone(), &settings.instance);
        let handler = handler(outbox.clone());
        let worker = Worker::new(&broker, &producer, database.clone(), options, handler).map_err(failed)?;
        Ok(Self {
            database: database.clone(),
            broker,
            worker: Arc::new(worker.with_crashes(crashes.clone()).with_outbox(outbox.clone())),
            relay: Arc::new(relay.with_crashes(crashes.clone())),
            outbox,
            crashes,
        })
    }

    /// The outbox through which it speaks.
    #[must_use]
    pub const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Where it is to die.
    #[must_use]
    pub const fn crashes(&self) -> &Crashes {
        &self.crashes
    }

    /// Works until the end is asked for.
    pub async fn run(&self, shutdown: &Shutdown) {
        tokio::join!(self.worker.run(shutdown), self.relay.run(shutdown));
    }

    /// Whether this instance hears, or would if it were given a partition; for `/ready`.
    #[must_use]
    pub fn checks(&self) -> [Check; 2] {
        [self.broker.check(), self.worker.check("conversation")]
    }
}

/// What the group has not handled and what is not published.
impl<H: Handler> HasPending for Participant<H> {
    async fn pending(&self) -> Result<Pending, Failure> {
        let said = Pending {
            open: unpublished(&self.database).await.map_err(Failure::internal)?,
            done: self.relay.published(),
        };
        let heard = self.worker.pending().await.map_err(Failure::internal)?;
        Ok(heard + said)
    }
}
