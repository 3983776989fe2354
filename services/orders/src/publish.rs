//! How others hear of an order.

use std::sync::Arc;
use std::time::Duration;

use chassis::{Callee, Client, Failure, ServeError, Settings, Shutdown};
use contract::environment::{ORDERS_GAP_MS, ORDERS_PUBLISH};
use contract::events::{OrderCreated, Payload, topics};
use contract::{EventCount, NewEvent, Order, Pending, Program};
use messaging::{
    BROKERS_TIMEOUT, Broker, HasPending, MessagingError, Outbox, Producer, Relay, event, outbox_migration,
    outbox_tracestate_migration, unpublished,
};
use sqlx::AnyConnection;
use store::{Database, Migration};

/// The migration that makes the outbox.
pub(crate) const OUTBOX: Migration = outbox_migration(2);
/// The migration that lets it remember more of a trace.
pub(crate) const OUTBOX_TRACESTATE: Migration = outbox_tracestate_migration(5);

const MS_MAX: u64 = 600_000;

/// How others hear of an order.
#[derive(Clone)]
pub(crate) enum Publish {
    /// Not at all.
    None,
    /// Analytics is called before the order is answered.
    Http(Callee),
    /// Wrong: the order is written, and the event is published after that. Who dies between the two leaves an order of
    /// which nobody hears.
    DualWrite(Producer),
    /// The event is written with the order, and a relay publishes it.
    Outbox(Outbox),
}

/// The ways by which orders are told of, and what goes on behind them.
#[derive(Clone)]
pub(crate) struct Publisher {
    pub(crate) how: Publish,
    gap: Duration,
    database: Database,
    broker: Option<Broker>,
    relay: Option<Arc<Relay<Producer>>>,
}

#[derive(Clone, Copy)]
enum Way {
    None,
    Http,
    DualWrite,
    Outbox,
}

impl Publisher {
    /// One that tells nobody.
    pub(crate) fn silent(database: Database) -> Self {
        Self {
            how: Publish::None,
            gap: Duration::ZERO,
            database,
            broker: None,
            relay: None,
        }
    }

    /// The one that the settings ask for, once its topic is there.
    ///
    /// # Errors
    /// When a setting is wrong, or there are no brokers in time.
    pub(crate) async fn start(settings: &Settings, database: &Database) -> Result<Self, ServeError> {
        let env = &settings.environment;
        let ways = [
            ("none", Way::None),
            ("http", Way::Http),
            ("dual-write", Way::DualWrite),
            ("outbox", Way::Outbox),
        ];
        let way = match (env.get(ORDERS_PUBLISH), &settings.kafka) {
            (None, Some(_)) => Way::Outbox,
            _ => env.choice(ORDERS_PUBLISH, &ways)?,
        };
        let mut publisher = Self::silent(database.clone());
        publisher.gap = env.milliseconds(ORDERS_GAP_MS, 0, 0, MS_MAX)?;
        match way {
            Way::None => {}
            Way::Http => publisher.how = Publish::Http(Client::new().callee(Program::Analytics, settings)),
            Way::DualWrite | Way::Outbox => {
                let kafka = settings.required_kafka("orders are published through it")?;
                let broker = Broker::new(kafka.clone());
                publisher.connect(broker, way, &settings.instance).await?;
            }
        }
        Ok(publisher)
    }

    async fn connect(&mut self, broker: Broker, way: Way, instance: &str) -> Result<(), ServeError> {
        let failed = |error: MessagingError| ServeError::start("the stream of orders", error);
        let topic = broker.ensure_topics(&[topics::ORDERS], topics::PARTITIONS, BROKERS_TIMEOUT);
        topic.await.map_err(failed)?;
        let producer = Producer::new(&broker).map_err(failed)?;
        self.how = match way {
            Way::DualWrite => Publish::DualWrite(producer),
            _ => {
                let outbox = Outbox::new(Program::Orders);
                let relay = Relay::new(&outbox, self.database.clone(), producer, instance).with_gap(self.gap);
                self.relay = Some(Arc::new(relay));
                Publish::Outbox(outbox)
            }
        };
        self.broker = Some(broker);
        Ok(())
    }

    pub(crate) fn broker(&self) -> Option<&Broker> {
        self.broker.as_ref()
    }

    /// Works until the end is asked for.
    pub(crate) async fn run(&self, shutdown: &Shutdown) {
        if let Some(relay) = &self.relay {
            relay.run(shutdown).await;
        }
    }

    /// In the transaction that writes the order.
    pub(crate) async fn within(&self, connection: &mut AnyConnection, order: &Order) -> Result<(), MessagingError> {
        match &self.how {
            Publish::Outbox(outbox) => outbox.add(connection, topics::ORDERS, created(order)).await,
            Publish::None | Publish::Http(_) | Publish::DualWrite(_) => Ok(()),
        }
    }

    /// After that transaction.
    ///
    /// # Errors
    /// When others could not be told: the order is there all the same.
    pub(crate) async fn after(&self, order: &Order) -> Result<(), Failure> {
        match &self.how {
            Publish::None => {}
            Publish::Outbox(outbox) => outbox.wake(),
            Publish::Http(analytics) => {
                let kind = OrderCreated::TYPE.to_owned();
                let _counted: EventCount = analytics.post("/events", &NewEvent { kind }).await?.json()?;
            }
            Publish::DualWrite(producer) => {
                tokio::time::sleep(self.gap).await;
                let event = event(Program::Orders.as_str(), created(order));
                let published = producer.publish(topics::ORDERS, &event).await;
                published.map_err(Failure::internal)?;
            }
        }
        Ok(())
    }
}

/// Events that are written and not published.
impl HasPending for Publisher {
    async fn pending(&self) -> Result<Pending, Failure> {
        Ok(Pending {
            open: unpublished(&self.database).await.map_err(Failure::internal)?,
            done: self.relay.as_ref().map_or(0, |relay| relay.published()),
        })
    }
}

fn created(order: &Order) -> OrderCreated {
    OrderCreated {
        order_id: order.id,
        user_id: order.user_id,
        product_id: order.product_id,
        quantity: order.quantity,
        amount_cents: order.amount_cents,
    }
}
