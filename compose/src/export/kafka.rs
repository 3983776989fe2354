//! Apache Kafka by its official image: one process that is broker and controller (KRaft).

use contract::Program;

use crate::servers::inner_port;

const CONTROLLER_PORT: u16 = 9093;

/// The variables from which the image makes its settings; clients reach the broker at `host`.
pub(super) fn environment(host: &str) -> Vec<(&'static str, String)> {
    let port = inner_port(Program::Kafka);
    vec![
        ("KAFKA_NODE_ID", "1".to_owned()),
        ("KAFKA_PROCESS_ROLES", "broker,controller".to_owned()),
        (
            "KAFKA_CONTROLLER_QUORUM_VOTERS",
            format!("1@localhost:{CONTROLLER_PORT}"),
        ),
        (
            "KAFKA_LISTENERS",
            format!("PLAINTEXT://0.0.0.0:{port},CONTROLLER://localhost:{CONTROLLER_PORT}"),
        ),
        ("KAFKA_ADVERTISED_LISTENERS", format!("PLAINTEXT://{host}:{port}")),
        ("KAFKA_CONTROLLER_LISTENER_NAMES", "CONTROLLER".to_owned()),
        (
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP",
            "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT".to_owned(),
        ),
        // A cluster of one has nobody to replicate to.
        ("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "1".to_owned()),
        ("KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "1".to_owned()),
        ("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "1".to_owned()),
        ("KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS", "0".to_owned()),
        ("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false".to_owned()),
    ]
}

/// The command that asks the broker whether it is at work.
pub(super) fn question() -> Vec<String> {
    let address = format!("localhost:{}", inner_port(Program::Kafka));
    [
        "/opt/kafka/bin/kafka-broker-api-versions.sh",
        "--bootstrap-server",
        &address,
    ]
    .map(str::to_owned)
    .to_vec()
}
