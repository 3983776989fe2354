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
                served.expect("the mock cluster starts");
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
    /// When none is named although `LAB_TESTS_REQUIRE` is set.
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
            Err(_) => {
                assert!(
                    std::env::var_os("LAB_TESTS_REQUIRE").is_none(),
                    "a real Kafka is required here: {REAL}=host:port"
                );
                eprintln!("SKIPPED for Apache Kafka: {REAL} names none (host:port)");
            }
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
