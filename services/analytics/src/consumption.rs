//! Reading the stream of orders, where the system has a Kafka.

use std::sync::Arc;

use chassis::{Check, Failure, ServeError, Settings, Shutdown};
use contract::Pending;
use contract::events::topics;
use messaging::{BROKERS_TIMEOUT, Broker, HasPending, MessagingError, Producer, Style, Worker, WorkerOptions};
use store::Database;

use crate::stream::Figures;

/// The part of the service that acts without being asked.
#[derive(Clone)]
pub(crate) struct Consumption {
    pub(crate) broker: Broker,
    pub(crate) options: WorkerOptions,
    /// What a replay does with events.
    pub(crate) replayed: Figures,
    worker: Arc<Worker<Figures>>,
}

impl Consumption {
    /// Joins the group, once the topics are there; `None` in a system without a Kafka.
    ///
    /// # Errors
    /// When a setting is wrong, or there are no brokers in time.
    pub(crate) async fn start(settings: &Settings, database: &Database) -> Result<Option<Self>, ServeError> {
        let Some(kafka) = &settings.kafka else {
            return Ok(None);
        };
        let heard: &[&str] = match Style::from_settings(settings)? {
            Some(Style::Orchestration) => &[topics::ORDERS, topics::COMMANDS],
            _ => &[topics::ORDERS],
        };
        let options = WorkerOptions::from_settings(settings, heard)?;
        let figures = Figures::new(settings)?;
        let failed = |error: MessagingError| ServeError::start("the stream of orders", error);
        let broker = Broker::new(kafka.clone());
        let all = options.all_topics();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        broker
            .ensure_topics(&all, topics::PARTITIONS, BROKERS_TIMEOUT)
            .await
            .map_err(failed)?;
        let producer = Producer::new(&broker).map_err(failed)?;
        let replayed = figures.at_once();
        let worker = Worker::new(&broker, &producer, database.clone(), options.clone(), figures).map_err(failed)?;
        Ok(Some(Self {
            broker,
            options,
            replayed,
            worker: Arc::new(worker),
        }))
    }

    /// Works until the end is asked for.
    pub(crate) async fn run(&self, shutdown: &Shutdown) {
        self.worker.run(shutdown).await;
    }

    /// Whether this instance reads, or would if it were given a partition; for `/ready`.
    pub(crate) fn checks(&self) -> [Check; 2] {
        [self.broker.check(), self.worker.check("stream of orders")]
    }
}

/// What the group has still to do.
impl HasPending for Consumption {
    async fn pending(&self) -> Result<Pending, Failure> {
        self.worker.pending().await.map_err(Failure::internal)
    }
}
