//! What scenarios need of this machine.

use compose::{Environment, Host, servers};
use contract::Program;
use contract::environment::KAFKA_BROKER;
use scenarios::format::{Need, Scenario};

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
        let (program, told) = match need {
            Need::Docker if backend == "docker" => continue,
            Need::Docker => {
                let name = scenario.name();
                return Err(
                    Failure::usage(format!("{name} needs containers")).hint(format!("lab run {name} --backend docker"))
                );
            }
            Need::Redis => (Program::Redis, Environment::new()),
            Need::Postgres => (Program::Postgres, Environment::new()),
            Need::Kafka => (Program::Kafka, Environment::new()),
            Need::DurableKafka => {
                let real = (KAFKA_BROKER.to_owned(), "apache".to_owned());
                (Program::Kafka, Environment::from([real]))
            }
        };
        // Elsewhere, the backend itself knows where servers of others come from.
        if backend == "process"
            && let Some(server) = servers::of(program)
        {
            servers::locate(server, &Host::of_process(), &told).map_err(compose::Error::from)?;
        }
    }
    Ok(())
}
