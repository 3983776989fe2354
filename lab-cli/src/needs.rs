//! What scenarios need of this machine.

use compose::BrokerKind;
use scenarios::format::Need;
use scenarios::scenario::Scenario;

use crate::failure::Failure;

/// What a scenario needs, in words.
pub fn words(needs: &[Need]) -> String {
    let names: Vec<&str> = needs
        .iter()
        .map(|need| match need {
            Need::Redis => "Redis",
            Need::Postgres => "PostgreSQL",
            Need::Kafka => "Kafka",
            Need::DurableKafka => "a real Kafka",
            Need::Docker => "Docker",
        })
        .collect();
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}

/// Refuses a scenario that needs what this machine lacks, before anything is started.
///
/// # Errors
/// What it lacks, and how to get it.
pub fn met(scenario: &Scenario, backend: &str) -> Result<(), Failure> {
    for need in &scenario.document.needs {
        match need {
            // Elsewhere, the backend itself knows where servers of others come from.
            Need::Redis if backend == "process" => drop(compose::redis_source()?),
            Need::Redis => {}
            Need::Postgres if backend == "process" => drop(compose::postgres_source()?),
            Need::Postgres => {}
            Need::Docker if backend == "docker" => {}
            Need::Docker => {
                let name = scenario.name();
                return Err(
                    Failure::usage(format!("{name} needs containers")).hint(format!("lab run {name} --backend docker"))
                );
            }
            Need::Kafka if backend == "process" => drop(compose::kafka_source(BrokerKind::Any)?),
            Need::DurableKafka if backend == "process" => drop(compose::kafka_source(BrokerKind::Apache)?),
            Need::Kafka | Need::DurableKafka => {}
        }
    }
    Ok(())
}
