//! A service that takes part in a conversation: it hears, acts in a transaction, and says what follows from an outbox.

use std::sync::Arc;

use chassis::{Check, ServeError, Settings, Shutdown};
use contract::Pending;
use contract::events::topics;
use store::Database;

use crate::crash::Crashes;
use crate::{
    BROKERS_TIMEOUT, Broker, Failures, Handler, MessagingError, Outbox, Producer, Relay, Style, Worker, WorkerOptions,
    unpublished,
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
        let outbox = Outbox::new();
        let relay = Relay::new(&outbox, database.clone(), producer.clone(), &settings.instance);
        let handler = handler(outbox.clone());
        let worker = Worker::new(&broker, &producer, database.clone(), options, handler).map_err(failed)?;
        Ok(Self {
            database: database.clone(),
            broker,
            worker: Arc::new(worker.with_crashes(crashes.clone())),
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

    /// What the group has not handled and what is not published, and how much this instance has done of both.
    ///
    /// # Errors
    /// When the brokers do not answer, or the database fails.
    pub async fn pending(&self) -> Result<Pending, MessagingError> {
        let said = Pending {
            open: unpublished(&self.database).await?,
            done: self.relay.published(),
        };
        Ok(self.worker.pending().await? + said)
    }
}

/// The part that an instance has in sagas, where its system has any. Cheap to clone.
pub struct Part<H>(Option<Participant<H>>);

impl<H> Clone for Part<H> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<H: Handler> Part<H> {
    /// None.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// The part of a service that does not own the orders, as the settings say: see [`Style`].
    ///
    /// # Errors
    /// As [`Participant::start`].
    pub async fn start(
        settings: &Settings,
        database: &Database,
        handler: impl FnOnce(Outbox) -> H,
    ) -> Result<Self, ServeError> {
        let Some(style) = Style::from_settings(settings)? else {
            return Ok(Self::none());
        };
        let participant = Participant::start(settings, database, &[style.heard_by_others()], handler).await?;
        Ok(Self(Some(participant)))
    }

    /// For `/ready`.
    #[must_use]
    pub fn checks(&self) -> Vec<Check> {
        self.0.iter().flat_map(Participant::checks).collect()
    }

    /// As [`Participant::pending`]; nothing where there is no part.
    ///
    /// # Errors
    /// As [`Participant::pending`].
    pub async fn pending(&self) -> Result<Pending, MessagingError> {
        match &self.0 {
            Some(participant) => participant.pending().await,
            None => Ok(Pending::default()),
        }
    }

    /// Serves and takes part at the same time; when serving has ended, so has the part.
    ///
    /// # Errors
    /// When serving fails.
    pub async fn beside(
        &self,
        serving: impl Future<Output = Result<(), ServeError>>,
        shutdown: &Shutdown,
    ) -> Result<(), ServeError> {
        let taking_part = async {
            if let Some(participant) = &self.0 {
                participant.run(shutdown).await;
            }
        };
        let (served, ()) = tokio::join!(serving, taking_part);
        served
    }
}
