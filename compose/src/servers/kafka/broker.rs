//! Apache Kafka of this machine as an instance of a system: one process that is broker and controller (KRaft).

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use contract::Program;
use contract::environment::KAFKA_ADVERTISED_HOST;

use super::source::ApacheKafka;
use crate::error::Error;
use crate::servers::{Seat, ServerError};
use crate::takeover::Reserved;

/// What the broker may use of memory beside what the operating system caches for it.
const HEAP: [&str; 2] = ["-Xms64m", "-Xmx384m"];
/// Short starts, few threads: this broker lives for minutes.
const JVM: [&str; 4] = [
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xshare:auto",
    "-Djava.awt.headless=true",
];
/// The files in the broker's folder that it is started with.
const PROPERTIES: &str = "server.properties";
const LOGGING_FILE: &str = "log4j2.properties";
/// A cluster's id must be there and means nothing to a cluster of one.
const CLUSTER_ID: &str = "bGFiLWthZmthLWNsdXN0ZXI";

/// Turns this process into a Kafka broker, which keeps its log in the data folder of the instance; what an earlier start
/// left there is still known. Nobody else gets the port before it listens, as for a Redis. Returns only when it failed.
pub(super) fn become_broker(kafka: &ApacheKafka, seat: &Seat<'_>) -> Error {
    let own = match seat.address.ip() {
        host if host.is_unspecified() => "127.0.0.1".to_owned(),
        host => host.to_string(),
    };
    let advertised = seat.environment.get(KAFKA_ADVERTISED_HOST).unwrap_or(&own);
    match prepare(kafka, seat.instance, seat.address, advertised, &seat.data()) {
        Err(error) => error,
        Ok(mut prepared) => {
            prepared.broker.say(seat.instance, Program::Kafka);
            let source = prepared.command.exec();
            program_failed(kafka, seat.instance)(source)
        }
    }
}

struct Prepared {
    command: Command,
    broker: Reserved,
    /// The port at which the controller, which is the same process, listens; nobody else gets it.
    _controller: Reserved,
}

fn prepare(
    kafka: &ApacheKafka,
    instance: &str,
    address: SocketAddr,
    advertised: &str,
    folder: &Path,
) -> Result<Prepared, Error> {
    let broker = Reserved::take(instance, address)?;
    let controller = Reserved::take(instance, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    let folder = fs::canonicalize(folder).map_err(Error::file("find", folder))?;
    let properties = folder.join(PROPERTIES);
    let text = properties_of(broker.address, advertised, controller.address.port(), Path::new("log"));
    fs::write(&properties, text).map_err(Error::file("write", &properties))?;
    let logging = folder.join(LOGGING_FILE);
    fs::write(&logging, LOGGING).map_err(Error::file("write", &logging))?;
    format_storage(kafka, instance, &folder)?;
    let mut command = java(kafka, &folder);
    command.arg("kafka.Kafka").arg(PROPERTIES);
    Ok(Prepared {
        command,
        broker,
        _controller: controller,
    })
}

/// Makes the folder one that a broker of this cluster may use; one that is one already stays as it is.
fn format_storage(kafka: &ApacheKafka, instance: &str, folder: &Path) -> Result<(), Error> {
    let output = java(kafka, folder)
        .args([
            "kafka.tools.StorageTool",
            "format",
            "--ignore-formatted",
            "-t",
            CLUSTER_ID,
            "-c",
            PROPERTIES,
        ])
        .stdin(Stdio::null())
        .output()
        .map_err(program_failed(kafka, instance))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said
        .lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or("it does not say why")
        .to_owned();
    Err(Error::Server(ServerError::Unusable {
        which: format!("the Kafka of {}", kafka.jars.display()),
        reason: format!("its storage cannot be formatted: {said}"),
    }))
}

fn program_failed(kafka: &ApacheKafka, instance: &str) -> impl FnOnce(std::io::Error) -> Error {
    let (instance, program) = (instance.to_owned(), kafka.java.clone());
    move |source| Error::Program {
        instance,
        program,
        source,
    }
}

/// A Java that works in the broker's own folder and is told names in it only: in a path, commas, blanks and backslashes
/// would mean something to Kafka, and what is not ASCII would get lost in a locale that knows nothing else.
fn java(kafka: &ApacheKafka, folder: &Path) -> Command {
    // Programs and jars may be named from the folder that this process was started in.
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let is_in_path = kafka.java.components().count() == 1;
    let mut command = Command::new(if is_in_path {
        kafka.java.clone()
    } else {
        absolute(&kafka.java)
    });
    command
        .args(HEAP)
        .args(JVM)
        .arg(format!("-Dlog4j2.configurationFile={LOGGING_FILE}"))
        .arg("-cp")
        .arg(absolute(&kafka.jars).join("*"))
        .env("LC_ALL", "C.UTF-8")
        .current_dir(folder);
    command
}

/// To stdout, as every instance does; warnings, and that it is up.
const LOGGING: &str = "\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c{1})%n%throwable
rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = INFO
";

/// One broker for some minutes: nothing is replicated, groups form at once, and little is kept ready.
pub(super) fn properties_of(address: SocketAddr, advertised: &str, controller_port: u16, log: &Path) -> String {
    let port = address.port();
    let ip = address.ip();
    let mut text = String::new();
    let settings = [
        ("process.roles", "broker,controller".to_owned()),
        ("node.id", "1".to_owned()),
        ("controller.quorum.voters", format!("1@127.0.0.1:{controller_port}")),
        (
            "listeners",
            format!("PLAINTEXT://{ip}:{port},CONTROLLER://127.0.0.1:{controller_port}"),
        ),
        ("advertised.listeners", format!("PLAINTEXT://{advertised}:{port}")),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        (
            "listener.security.protocol.map",
            "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT".to_owned(),
        ),
        ("log.dirs", log.display().to_string()),
        ("num.partitions", "3".to_owned()),
        ("auto.create.topics.enable", "false".to_owned()),
        ("offsets.topic.num.partitions", "1".to_owned()),
        ("offsets.topic.replication.factor", "1".to_owned()),
        ("transaction.state.log.num.partitions", "1".to_owned()),
        ("transaction.state.log.replication.factor", "1".to_owned()),
        ("transaction.state.log.min.isr", "1".to_owned()),
        ("share.coordinator.state.topic.num.partitions", "1".to_owned()),
        ("share.coordinator.state.topic.replication.factor", "1".to_owned()),
        ("share.coordinator.state.topic.min.isr", "1".to_owned()),
        ("group.initial.rebalance.delay.ms", "0".to_owned()),
        ("group.min.session.timeout.ms", "1000".to_owned()),
        ("log.cleaner.enable", "false".to_owned()),
        ("num.network.threads", "2".to_owned()),
        ("num.io.threads", "2".to_owned()),
        ("background.threads", "2".to_owned()),
        ("controlled.shutdown.enable", "false".to_owned()),
    ];
    for (name, value) in settings {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name}={}", value.replace('\\', "\\\\"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_told_where_to_listen_and_what_to_say_to_clients() {
        let text = properties_of(([0, 0, 0, 0], 9092).into(), "kafka", 4000, Path::new("/run/kafka/log"));
        for line in [
            "listeners=PLAINTEXT://0.0.0.0:9092,CONTROLLER://127.0.0.1:4000",
            "advertised.listeners=PLAINTEXT://kafka:9092",
            "controller.quorum.voters=1@127.0.0.1:4000",
            "log.dirs=/run/kafka/log",
        ] {
            assert!(text.lines().any(|found| found == line), "{line:?} is not in\n{text}");
        }
    }
}
