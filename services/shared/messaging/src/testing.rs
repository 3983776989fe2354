//! Helps to test what needs a Kafka: the built-in one, and a real one where there is one.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

use chassis::{KafkaSettings, Shutdown, ShutdownTrigger, bind};

use crate::{Broker, built_in};

/// The environment variable that names a real Kafka for tests: `host:port`.
pub const REAL: &str = "LAB_TEST_KAFKA";

/// The shortest session that both kinds bear well.
const SESSION: Duration = Duration::from_secs(6);

/// A Kafka for one test.
pub struct TestKafka {
    /// What to call it in messages.
    pub name: &'static str,
    brokers: String,
    prefix: String,
    built_in: Option<(ShutdownTrigger, JoinHandle<()>)>,
}

impl TestKafka {
    /// A built-in one, on a thread of its own.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn built_in() -> Self {
        let (trigger, shutdown) = Shutdown::new();
        let (told, address) = sync_channel(1);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(async {
                let listener = bind(IpAddr::V4(Ipv4Addr::LOCALHOST), 0).await.expect("a free port");
                let address = listener.local_addr().expect("a bound listener has an address");
                told.send(address).expect("the test waits for it");
                let served = built_in::run(listener, address.ip().to_string(), &shutdown).await;
                served.expect("the broker runs");
            });
        });
        let address = address.recv().expect("the broker tells where it listens");
        Self {
            name: "the built-in broker",
            brokers: address.to_string(),
            prefix: String::new(),
            built_in: Some((trigger, thread)),
        }
    }

    /// The built-in one, and the real one that [`REAL`] names; says loudly where none is named.
    ///
    /// # Panics
    /// When none is named although all tests are required.
    #[must_use]
    pub fn each() -> Vec<Self> {
        let mut kafkas = vec![Self::built_in()];
        match std::env::var(REAL) {
            Ok(brokers) => kafkas.push(Self {
                name: "Apache Kafka",
                brokers,
                // Tests share it, and it keeps what they leave.
                prefix: format!("test-{:016x}.", rand::random::<u64>()),
                built_in: None,
            }),
            Err(_) => testing::skip(format_args!("for Apache Kafka: {REAL} names none (host:port)")),
        }
        kafkas
    }

    /// The way to it.
    #[must_use]
    pub fn broker(&self) -> Broker {
        Broker::new(self.settings())
    }

    /// What a service is told of it.
    #[must_use]
    pub fn settings(&self) -> KafkaSettings {
        KafkaSettings {
            brokers: self.brokers.clone(),
            prefix: self.prefix.clone(),
            session: SESSION,
            member: None,
        }
    }
}

impl Drop for TestKafka {
    fn drop(&mut self) {
        if let Some((trigger, thread)) = self.built_in.take() {
            trigger.request();
            // A panic in there shows in the test, which got no answers.
            let _ = thread.join();
        }
    }
}

/// What is in the outbox of this database, in its order: topic and type of each message.
///
/// # Panics
/// When the database fails, or something in there is no event.
pub async fn outbox(database: &store::Database) -> Vec<(String, String)> {
    let rows: Vec<(String, String)> = sqlx::query_as("SELECT topic, payload FROM outbox ORDER BY id")
        .fetch_all(&**database)
        .await
        .expect("the outbox can be read");
    let kind = |(topic, payload): (String, String)| {
        let event: crate::AnyEvent = serde_json::from_str(&payload).expect("it is an event");
        (topic, event.kind)
    };
    rows.into_iter().map(kind).collect()
}

/// The types of the messages in the outbox of this database, in its order.
///
/// # Panics
/// As [`outbox`].
pub async fn said(database: &store::Database) -> Vec<String> {
    outbox(database).await.into_iter().map(|(_, kind)| kind).collect()
}

/// Lets a handler handle an event in a transaction of its own, as a worker without an inbox does.
///
/// # Errors
/// When the handler refuses it; then nothing of it is left.
///
/// # Panics
/// When the database fails.
pub async fn handle<H: crate::Handler>(
    database: &store::Database,
    handler: &H,
    payload: impl Into<contract::events::DomainEvent>,
) -> Result<(), crate::Refusal> {
    let data = payload.into();
    let event = contract::events::Envelope {
        specversion: contract::events::SpecVersion::V1,
        id: format!("{:032x}", rand::random::<u128>()),
        source: "test".to_owned(),
        kind: data.kind().to_owned(),
        subject: data.subject(),
        time: time::OffsetDateTime::now_utc(),
        datacontenttype: contract::events::ContentType::Json,
        data,
    };
    let at = crate::Position {
        topic: "test".to_owned(),
        partition: 0,
        offset: 0,
    };
    assert!(handler.concerns(&event.data), "{} is none of its concerns", event.kind);
    let mut transaction = database.begin_write().await.expect("a transaction begins");
    handler.handle(&event, &at, &mut transaction).await?;
    transaction.commit().await.expect("it is committed");
    Ok(())
}
