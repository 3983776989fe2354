//! The Compose file (<https://github.com/compose-spec/compose-spec/blob/main/spec.md>).

use contract::Program;
use contract::environment::JWT_SECRET;
use serde_json::{Map, Value, json};

use super::units::{Unit, units};
use super::{ExportedFile, GRAFANA, IMAGE, PROMETHEUS, databases, image_of, kafka, redis_command, yaml};
use crate::error::Error;
use crate::servers::image::USER;
use crate::servers::inner_port;
use crate::topology::SystemSpec;

const HEAD: &str = "# Made by `lab export compose`; a test keeps this file and the topology equal.\n\
                    # The image comes from `lab export image`, JWT_SECRET from the file .env beside this one (-o FOLDER\n\
                    # writes it). Then: docker compose up --wait\n";
/// What a gateway signs with is in no file that is meant to be shared.
const JWT_SECRET_OPEN: &str = "${JWT_SECRET:?set it to a secret of your own, here or in .env}";
/// Where the front door of the entry, Prometheus and Grafana are published, on 127.0.0.1.
const ENTRY_PORT: u16 = 8080;
const PROMETHEUS_PORT: u16 = 9090;
const GRAFANA_PORT: u16 = 3000;

pub(super) fn files(system: &SystemSpec) -> Result<Vec<ExportedFile>, Error> {
    let units = units(system)?;
    let mut services = Map::new();
    for unit in &units {
        let service = match unit.program {
            Program::Kafka => broker(unit),
            Program::Postgres => postgres(unit),
            _ => service(system, unit),
        };
        services.insert(unit.name.clone(), service);
    }
    services.insert("prometheus".into(), prometheus());
    services.insert("grafana".into(), grafana());
    let file = json!({
        "services": services,
        "networks": { "data": {}, "control": {} },
        "volumes": { "postgres": {} },
    });
    Ok(vec![
        ExportedFile {
            name: "docker-compose.yml",
            text: format!("{HEAD}{}", yaml::document(&file)),
        },
        ExportedFile {
            name: "postgres.sql",
            text: databases(system),
        },
        ExportedFile {
            name: "prometheus.yml",
            text: scraping(&units),
        },
        ExportedFile {
            name: "grafana.yml",
            text: yaml::document(&json!({
                "apiVersion": 1,
                "datasources": [{
                    "name": "Prometheus", "type": "prometheus", "access": "proxy", "isDefault": true,
                    "url": format!("http://prometheus:{PROMETHEUS_PORT}"),
                }],
            })),
        },
    ])
}

fn service(system: &SystemSpec, unit: &Unit<'_>) -> Value {
    let is_redis = unit.program == Program::Redis;
    let (image, command, health) = if is_redis {
        (
            image_of(Program::Redis),
            redis_command(),
            vec!["CMD", "redis-cli", "PING"],
        )
    } else {
        let program = unit.program.as_str();
        (
            IMAGE,
            vec!["/lab", "serve", program],
            vec!["CMD", "/lab", "health", program],
        )
    };
    let mut service = json!({
        "image": image,
        "command": command,
        "user": format!("{USER}:{USER}"),
        "read_only": true,
        "tmpfs": ["/tmp"],
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "networks": { "data": { "aliases": aliases(unit) } },
        "healthcheck": { "test": health, "interval": "10s", "timeout": "5s", "retries": 3 },
    });
    if !is_redis {
        service["environment"] = json!(unit.environment);
    }
    if unit.program == Program::Gateway && !unit.environment.contains_key(JWT_SECRET) {
        service["environment"][JWT_SECRET] = JWT_SECRET_OPEN.into();
    }
    let needs = needs(system, unit);
    if !needs.is_empty() {
        service["depends_on"] = needs.into();
    }
    if unit.is_front_door && unit.spec.name == system.entry {
        service["networks"]["control"] = json!({});
        service["ports"] = json!([format!("127.0.0.1:{ENTRY_PORT}:{}", inner_port(unit.program))]);
    }
    service
}

/// The names by which others reach a unit.
fn aliases(unit: &Unit<'_>) -> Vec<String> {
    let front_door = unit.is_front_door.then(|| unit.spec.name.clone());
    std::iter::once(unit.name.clone()).chain(front_door).collect()
}

/// Whom a unit waits for: the front doors of those that it calls; a balancer for its instances.
fn needs(system: &SystemSpec, unit: &Unit<'_>) -> Map<String, Value> {
    let healthy = |name: String| (name, json!({ "condition": "service_healthy" }));
    if unit.program == Program::Balancer {
        return unit.spec.instance_names().map(healthy).collect();
    }
    let callees = system.callees(unit.spec).unwrap_or_default();
    let doors = callees.into_iter().map(|(_, callee)| callee.front_door_name());
    doors.map(healthy).collect()
}

fn postgres(unit: &Unit<'_>) -> Value {
    json!({
        "image": image_of(Program::Postgres),
        "environment": { "POSTGRES_USER": "lab", "POSTGRES_PASSWORD": "lab" },
        "volumes": [
            "postgres:/var/lib/postgresql/data",
            "./postgres.sql:/docker-entrypoint-initdb.d/databases.sql:ro",
        ],
        "networks": { "data": { "aliases": aliases(unit) } },
        "healthcheck": { "test": ["CMD", "pg_isready", "-U", "lab"], "interval": "5s", "timeout": "5s", "retries": 10 },
    })
}

fn broker(unit: &Unit<'_>) -> Value {
    let environment: Map<String, Value> = kafka::environment(&unit.spec.name)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let health = [vec!["CMD".to_owned()], kafka::question()].concat();
    json!({
        "image": image_of(Program::Kafka),
        "environment": environment,
        "networks": { "data": { "aliases": [unit.name, unit.spec.name] } },
        "healthcheck": { "test": health, "interval": "10s", "timeout": "10s", "retries": 10 },
    })
}

fn prometheus() -> Value {
    json!({
        "image": PROMETHEUS,
        "volumes": ["./prometheus.yml:/etc/prometheus/prometheus.yml:ro"],
        "networks": { "data": {}, "control": {} },
        "ports": [format!("127.0.0.1:{PROMETHEUS_PORT}:{PROMETHEUS_PORT}")],
    })
}

fn grafana() -> Value {
    json!({
        "image": GRAFANA,
        "environment": { "GF_AUTH_ANONYMOUS_ENABLED": "true" },
        "volumes": ["./grafana.yml:/etc/grafana/provisioning/datasources/lab.yml:ro"],
        "networks": { "data": {}, "control": {} },
        "ports": [format!("127.0.0.1:{GRAFANA_PORT}:{GRAFANA_PORT}")],
        "depends_on": ["prometheus"],
    })
}

/// Every unit that speaks HTTP is scraped; balancers have their metrics beside their other administration.
fn scraping(units: &[Unit<'_>]) -> String {
    let targets = |is_balancer: bool| -> Vec<String> {
        let scraped = units.iter().filter(|unit| !unit.program.is_server());
        let scraped = scraped.filter(|unit| (unit.program == Program::Balancer) == is_balancer);
        scraped
            .map(|unit| format!("{}:{}", unit.name, inner_port(unit.program)))
            .collect()
    };
    let file = json!({
        "global": { "scrape_interval": "5s" },
        "scrape_configs": [
            { "job_name": "services", "static_configs": [{ "targets": targets(false) }] },
            {
                "job_name": "balancers",
                "metrics_path": "/_balancer/metrics",
                "static_configs": [{ "targets": targets(true) }],
            },
        ],
    });
    yaml::document(&file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::units::with_database;
    use crate::export::whole_system;

    #[test]
    fn every_service_with_data_has_a_database() {
        let system = whole_system("full").unwrap();
        let files = files(&system).unwrap();
        let sql = &files.iter().find(|file| file.name == "postgres.sql").unwrap().text;
        assert_eq!(sql.lines().count(), with_database(&system).len());
        assert!(sql.contains("CREATE DATABASE \"orders\" OWNER lab;"));
    }
}
