//! Apache Kafka, as the lab knows it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::Program;
use contract::environment::{KAFKA_ADVERTISED_HOST, KAFKA_BROKER, KAFKA_BROKERS, KAFKA_PREFIX};
use futures_util::future::BoxFuture;
use url::Url;

use super::exported::exported;
use super::kept::KeptBroker;
use super::source::KafkaSource;
use super::{broker, client, image, source};
use crate::error::Error;
use crate::host::Host;
use crate::servers::image::{Contained, DATA, Image, Origin};
use crate::servers::{
    Backing, Durable, Exported, Exporting, Found, Question, Seat, Server, ServerError, SignOfLife, Tenant, Watched,
};
use crate::wiring::Environment;

const PORT: u16 = 9092;
/// The port at which the controller listens that is one process with the broker.
const CONTROLLER_PORT: u16 = 9093;
/// How the official image is started where only `/tmp` and the volume can be written to: its own start rewrites files
/// beside its program. The cluster's id must be there and means nothing to a cluster of one.
const OFFICIAL_START: &str = "printf '%s' \"$SERVER_PROPERTIES\" > /tmp/server.properties \
     && /opt/kafka/bin/kafka-storage.sh format --ignore-formatted -t bGFiLWthZmthLWNsdXN0ZXI -c /tmp/server.properties \
     && exec /opt/kafka/bin/kafka-server-start.sh /tmp/server.properties";

const IMAGE: Image = Image {
    what: "Apache Kafka",
    official: "apache/kafka:3.9.0",
    packed: "lab-kafka",
    ingredients: image::ingredients,
    absent: "this machine has no Apache Kafka with a Java to run it",
    how: "set KAFKA_HOME to the folder of an Apache Kafka that is packed instead (and have Java 17: apt-get install \
          default-jre-headless)",
};

/// A broker that is no stand-in.
const REAL: Durable = Durable {
    need: "durable_kafka",
    name: "a real Kafka",
    description: "A Kafka broker that keeps what it was given when it is started again, and knows transactions: a real one.",
    told: (KAFKA_BROKER, "apache"),
};

/// Kafka: carries events from service to service. The built-in broker stands in for it where nobody asks for a real one.
pub struct Kafka;

impl Server for Kafka {
    fn program(&self) -> Program {
        Program::Kafka
    }

    fn name(&self) -> &'static str {
        "Kafka"
    }

    fn purpose(&self) -> &'static str {
        "where a scenario needs a real one"
    }

    /// The folder of the jars.
    fn find(&self, host: &Host) -> Result<PathBuf, ServerError> {
        source::apache(host).map(|kafka| kafka.jars)
    }

    fn version<'a>(&'a self, found: &'a Path) -> BoxFuture<'a, Option<String>> {
        Box::pin(async { source::version_in(found) })
    }

    fn stands_in(&self, host: &Host, told: &Environment) -> Result<bool, ServerError> {
        source::stands_in(host, told)
    }

    fn noted(&self, found: &Found) -> Vec<(&'static str, String)> {
        source::noted(found)
    }

    fn sentence(&self, told: &Environment) -> Option<String> {
        Some(KafkaSource::noted_in(told).words())
    }

    fn port(&self) -> u16 {
        PORT
    }

    fn address(&self, host: &str, port: u16) -> String {
        format!("kafka://{host}:{port}")
    }

    fn sign_of_life(&self) -> SignOfLife {
        SignOfLife::Ping("the broker")
    }

    fn question(&self) -> Question {
        Question {
            words: &client::QUESTION,
            judge: |answer| client::is_broker(*answer.first_chunk().ok_or("its answer is cut off")?),
        }
    }

    /// It tells its clients where it is.
    fn surroundings(&self, instance: &str) -> Vec<(&'static str, String)> {
        vec![(KAFKA_ADVERTISED_HOST, instance.to_owned())]
    }

    fn backing(&self) -> Option<&'static dyn Backing> {
        Some(&Self)
    }

    fn carries_events(&self) -> bool {
        true
    }

    fn durable(&self) -> Option<&'static Durable> {
        Some(&REAL)
    }

    fn take_over(&self, host: &Host, seat: &Seat<'_>) -> Error {
        match source::apache(host) {
            Ok(kafka) => broker::become_broker(&kafka, seat),
            Err(absent) => absent.into(),
        }
    }

    fn image(&self) -> &'static Image {
        &IMAGE
    }

    fn contained(&self, origin: &Origin, instance: &str) -> Contained {
        if !origin.is_official() {
            return Contained::lab(self.program()).with(&image::ENVIRONMENT);
        }
        let log = Path::new(DATA).join(instance);
        let properties = broker::properties_of(([0, 0, 0, 0], PORT).into(), instance, CONTROLLER_PORT, &log);
        let settings = format!("SERVER_PROPERTIES={properties}");
        let address = format!("127.0.0.1:{PORT}");
        let asks = "/opt/kafka/bin/kafka-broker-api-versions.sh";
        Contained::official(&["sh", "-c", OFFICIAL_START], &[asks, "--bootstrap-server", &address]).with(&[
            "LOG_DIR=/tmp/logs",
            "KAFKA_HEAP_OPTS=-Xms64m -Xmx384m",
            &settings,
        ])
    }

    fn exported(&self, exporting: &Exporting<'_>) -> Option<Exported> {
        Some(exported(exporting.name, PORT, CONTROLLER_PORT))
    }
}

fn host_and_port(url: &Url) -> &str {
    url.as_str().trim_start_matches("kafka://").trim_end_matches('/')
}

impl Backing for Kafka {
    fn variable(&self) -> &'static str {
        KAFKA_BROKERS
    }

    fn address(&self, text: &str) -> Result<String, String> {
        source::address(text)
    }

    fn remedy(&self) -> &'static str {
        "start it, or set KAFKA_BROKERS=host:port, or unset KAFKA_BROKERS: then the lab runs one of its own"
    }

    fn urls(&self, address: &str) -> Vec<Url> {
        let brokers = address.split(',');
        brokers
            .filter_map(|broker| Url::parse(&format!("kafka://{broker}")).ok())
            .collect()
    }

    /// Brokers are named without a scheme. In one that the system has to itself, nothing needs a prefix.
    fn told(&self, tenant: &Tenant, _service: &str, door: &Url) -> Vec<(&'static str, String)> {
        match &tenant.named {
            Some(brokers) => vec![
                (KAFKA_BROKERS, brokers.clone()),
                (KAFKA_PREFIX, format!("lab.{}.", tenant.token.replace(':', "."))),
            ],
            None => vec![(KAFKA_BROKERS, host_and_port(door).to_owned())],
        }
    }

    fn ping<'a>(&'a self, url: &'a Url, wait: Duration) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(client::ping(host_and_port(url), wait))
    }

    fn watched(&self, url: Url) -> Box<dyn Watched> {
        Box::new(KeptBroker::at(host_and_port(&url)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_official_one_is_told_its_settings_and_starts_from_what_it_may_write() {
        let official = Kafka.contained(&Origin::Official("apache/kafka:1"), "kafka-1");
        let mut words = official.environment.iter();
        let settings = words.find_map(|word| word.strip_prefix("SERVER_PROPERTIES=")).unwrap();
        for line in [
            "advertised.listeners=PLAINTEXT://kafka-1:9092",
            "log.dirs=/data/kafka-1",
        ] {
            assert!(settings.lines().any(|found| found == line), "{settings}");
        }
        assert!(!official.shapes_volume, "the volume is the services', too");
        let packed = Kafka.contained(&Origin::Packed("sha256:0".into()), "kafka-1");
        assert_eq!(packed.environment, image::ENVIRONMENT);
    }
}
