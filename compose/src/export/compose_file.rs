//! The Compose file (<https://github.com/compose-spec/compose-spec/blob/main/spec.md>).

use contract::Program;
use contract::environment::JWT_SECRET;
use serde_json::{Map, Value, json};

use super::file::{ExportedFile, IMAGE};
use super::server::exported;
use super::units::{Unit, units};
use crate::error::Error;
use crate::servers::image::USER;
use crate::servers::{self, Exported, Server, inner_port};
use crate::topology::SystemSpec;
use crate::yaml;

const HEAD: &str = "# Made by `lab export compose`; a test keeps this file and the topology equal.\n\
                    # The image comes from `lab export image`, JWT_SECRET from the file .env beside this one (-o FOLDER\n\
                    # writes it). Then: docker compose up --wait\n";
/// What a gateway signs with is in no file that is meant to be shared.
const JWT_SECRET_OPEN: &str = "${JWT_SECRET:?set it to a secret of your own, here or in .env}";
/// Where the front door of the entry and Grafana are published, on 127.0.0.1.
const ENTRY_PORT: u16 = 8080;
const GRAFANA_PORT: u16 = 3000;
const GRAFANA: &str = "grafana/grafana:11.4.0";

pub(super) fn files(system: &SystemSpec) -> Result<Vec<ExportedFile>, Error> {
    let units = units(system)?;
    let (mut services, mut volumes, mut read) = (Map::new(), Map::new(), Vec::new());
    for unit in &units {
        let service = match exported(system, unit.spec, &unit.environment)? {
            Some((described, exported)) => {
                let service = server(unit, described, &exported);
                if exported.data.is_some() {
                    volumes.insert(unit.program.to_string(), json!({}));
                }
                read.extend(exported.file.map(|file| ExportedFile {
                    name: file.name,
                    text: file.text,
                }));
                service
            }
            None => service(system, unit),
        };
        services.insert(unit.name.clone(), service);
    }
    // Grafana shows what another server collects; without one there is nothing to show.
    let source = units.iter().find_map(DataSource::of);
    let grafana = source.as_ref().map(|source| {
        services.insert("grafana".into(), grafana(source));
        grafana_file(source)
    });
    let file = json!({
        "services": services,
        "networks": { "data": {}, "control": {} },
        "volumes": volumes,
    });
    let first = ExportedFile {
        name: "docker-compose.yml",
        text: format!("{HEAD}{}", yaml::document(&file)),
    };
    Ok(std::iter::once(first).chain(read).chain(grafana).collect())
}

/// Where Grafana has its figures from.
struct DataSource<'a> {
    unit: &'a Unit<'a>,
    server: &'static dyn Server,
    kind: &'static str,
}

impl<'a> DataSource<'a> {
    fn of(unit: &'a Unit<'a>) -> Option<Self> {
        let server = servers::of(unit.program)?;
        let kind = server.data_source()?;
        Some(Self { unit, server, kind })
    }
}

fn grafana_file(source: &DataSource<'_>) -> ExportedFile {
    let DataSource { unit, server, kind } = source;
    ExportedFile {
        name: "grafana.yml",
        text: yaml::document(&json!({
            "apiVersion": 1,
            "datasources": [{
                "name": server.name(), "type": kind, "access": "proxy", "isDefault": true,
                "url": server.address(&unit.spec.name, server.port()),
            }],
        })),
    }
}

fn service(system: &SystemSpec, unit: &Unit<'_>) -> Value {
    let program = unit.program.as_str();
    let mut service = json!({
        "image": IMAGE,
        "command": ["/lab", "serve", program],
        "environment": unit.environment,
        "networks": { "data": { "aliases": aliases(unit) } },
        "healthcheck": { "test": ["CMD", "/lab", "health", program], "interval": "10s", "timeout": "5s", "retries": 3 },
    });
    confine(&mut service);
    if unit.program == Program::Gateway && !unit.environment.contains_key(JWT_SECRET) {
        service["environment"][JWT_SECRET] = JWT_SECRET_OPEN.into();
    }
    let needs = needs(system, unit);
    if !needs.is_empty() {
        service["depends_on"] = needs.into();
    }
    if unit.is_front_door && unit.spec.name == system.entry {
        publish(&mut service, ENTRY_PORT, inner_port(unit.program));
    }
    service
}

/// Makes a port of it reachable from this machine.
fn publish(service: &mut Value, port: u16, inner: u16) {
    service["networks"]["control"] = json!({});
    service["ports"] = json!([format!("127.0.0.1:{port}:{inner}")]);
}

/// Makes it run as nobody in particular, and write nowhere but to `/tmp`.
fn confine(service: &mut Value) {
    service["user"] = format!("{USER}:{USER}").into();
    service["read_only"] = true.into();
    service["tmpfs"] = json!(["/tmp"]);
    service["cap_drop"] = json!(["ALL"]);
    service["security_opt"] = json!(["no-new-privileges:true"]);
}

/// A server of others, by its official image.
fn server(unit: &Unit<'_>, server: &dyn Server, exported: &Exported) -> Value {
    let asks = [&["CMD".to_owned()], exported.asks.as_slice()].concat();
    let mut service = json!({
        "image": server.image().official,
        "networks": { "data": { "aliases": aliases(unit) } },
        "healthcheck": { "test": asks, "interval": "5s", "timeout": "10s", "retries": 10 },
    });
    if !exported.command.is_empty() {
        service["command"] = json!(exported.command);
    }
    if !exported.environment.is_empty() {
        let variables = exported.environment.iter();
        let variables: Map<String, Value> = variables
            .map(|(name, value)| ((*name).to_owned(), value.as_str().into()))
            .collect();
        service["environment"] = variables.into();
    }
    let data = exported.data.map(|folder| format!("{}:{folder}", unit.program));
    let file = exported.file.as_ref();
    let file = file.map(|file| format!("./{}:{}/{}:ro", file.name, file.folder, file.inner));
    let volumes: Vec<String> = data.into_iter().chain(file).collect();
    if !volumes.is_empty() {
        service["volumes"] = volumes.into();
    }
    if exported.confined {
        confine(&mut service);
    }
    if exported.published {
        publish(&mut service, server.port(), server.port());
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

fn grafana(source: &DataSource<'_>) -> Value {
    json!({
        "image": GRAFANA,
        "environment": { "GF_AUTH_ANONYMOUS_ENABLED": "true" },
        "volumes": ["./grafana.yml:/etc/grafana/provisioning/datasources/lab.yml:ro"],
        "networks": { "data": {}, "control": {} },
        "ports": [format!("127.0.0.1:{GRAFANA_PORT}:{GRAFANA_PORT}")],
        "depends_on": [source.unit.name],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::whole_system;

    #[test]
    fn every_service_with_data_has_a_database() {
        let system = whole_system("full").unwrap();
        let files = files(&system).unwrap();
        let sql = &files.iter().find(|file| file.name == "postgres.sql").unwrap().text;
        assert_eq!(sql.lines().count(), 5);
        assert!(sql.contains("CREATE DATABASE \"orders\" OWNER lab;"));
    }
}
