//! Apache Kafka by its official image: one process that is broker and controller (KRaft).

use crate::servers::Exported;

/// A broker that clients reach at `host`.
pub(super) fn exported(host: &str, port: u16, controller: u16) -> Exported {
    let address = format!("localhost:{port}");
    let asks = [
        "/opt/kafka/bin/kafka-broker-api-versions.sh",
        "--bootstrap-server",
        &address,
    ];
    Exported {
        environment: environment(host, port, controller),
        asks: asks.map(str::to_owned).to_vec(),
        ..Exported::default()
    }
}

/// The variables from which the image makes its settings.
fn environment(host: &str, port: u16, controller: u16) -> Vec<(&'static str, String)> {
    vec![
        ("KAFKA_NODE_ID", "1".to_owned()),
        ("KAFKA_PROCESS_ROLES", "broker,controller".to_owned()),
        ("KAFKA_CONTROLLER_QUORUM_VOTERS", format!("1@localhost:{controller}")),
        (
            "KAFKA_LISTENERS",
            format!("PLAINTEXT://0.0.0.0:{port},CONTROLLER://localhost:{controller}"),
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
