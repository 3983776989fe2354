//! Making and starting the container of one instance.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;

use bollard::Docker;
use bollard::errors::Error as Fault;
use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, Mount, MountType, MountVolumeOptions,
    PortBinding,
};
use bollard::query_parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder};
use contract::Program;
use contract::environment::PGDATA;

use super::container::{Container, Identity, LogKeeper, connect_request, nano_cpus};
use super::engine::{Engine, is_conflict, is_missing};
use super::error::refusal;
use super::gates::Gate;
use super::image::{KAFKA_ENVIRONMENT, PROGRAM, ServerImage, USER};
use super::labels::{self, Names};
use super::nginx;
use super::ports::{HTTP_PORT, KAFKA_PORT, REDIS_PORT, inner_port};
use crate::backend::core::is_free;
use crate::backend::core::{LaunchRequest, Launched};
use crate::error::Error;
use crate::kafka;
use crate::postgres::SETTINGS;
use crate::topology::Limits;

/// Ports on this machine that instances are published on: below those that kernels hand out by themselves, so that
/// nobody comes by one that a restarted instance is to have again.
const PORTS: std::ops::Range<u16> = 31_000..32_768;
/// How many of them are tried before it is given up.
const PORT_TRIES_MAX: u32 = 20;
/// How often the engine asks an instance whether it is well. The lab asks by itself and much sooner; this is for whoever
/// looks at the engine, and must cost next to nothing.
const HEALTH_EVERY_S: i64 = 30;
const NANOS_PER_S: i64 = 1_000_000_000;
/// How much of an instance's log the engine keeps: this many files of this size. The lab copies what it follows elsewhere.
const LOG_FILES: &str = "4";
const LOG_FILE_SIZE: &str = "16m";
/// Threads and processes of one container.
const PIDS_MAX: i64 = 512;

/// The port at which the controller listens that is one process with the broker.
const OFFICIAL_KAFKA_CONTROLLER_PORT: u16 = 9093;
/// How the official image of Kafka is started where only `/tmp` and the volume can be written to: its own start rewrites
/// files beside its program. The cluster's id must be there and means nothing to a cluster of one.
const OFFICIAL_KAFKA_START: &str = "printf '%s' \"$SERVER_PROPERTIES\" > /tmp/server.properties \
     && /opt/kafka/bin/kafka-storage.sh format --ignore-formatted -t bGFiLWthZmthLWNsdXN0ZXI -c /tmp/server.properties \
     && exec /opt/kafka/bin/kafka-server-start.sh /tmp/server.properties";

/// What a container is made of.
pub(super) enum Made {
    /// The image of the lab's own program.
    Own(String),
    /// An image of Redis.
    Redis(ServerImage),
    /// An image of nginx.
    Nginx(ServerImage),
    /// An image of PostgreSQL.
    Postgres(ServerImage),
    /// An image of Apache Kafka.
    Kafka(ServerImage),
}

impl Made {
    fn image(&self) -> String {
        match self {
            Self::Own(id) => id.clone(),
            Self::Redis(image) | Self::Nginx(image) | Self::Postgres(image) | Self::Kafka(image) => match image {
                ServerImage::Packed(id) => id.clone(),
                ServerImage::Official(name) => (*name).to_owned(),
            },
        }
    }

    fn command(&self, request: &LaunchRequest) -> Vec<String> {
        let (port, configuration) = (REDIS_PORT.to_string(), nginx::file(&request.name));
        let words = match self {
            Self::Redis(ServerImage::Official(_)) => {
                let listening = vec!["redis-server", "--port", &port, "--protected-mode", "no"];
                [listening, vec!["--save", "", "--appendonly", "no"]].concat()
            }
            Self::Nginx(_) => vec!["nginx", "-p", "/tmp", "-c", &configuration],
            Self::Postgres(ServerImage::Official(_)) => {
                let settings = SETTINGS.into_iter().flat_map(|setting| ["-c", setting]);
                ["docker-entrypoint.sh", "postgres"]
                    .into_iter()
                    .chain(settings)
                    .collect()
            }
            Self::Kafka(ServerImage::Official(_)) => vec!["sh", "-c", OFFICIAL_KAFKA_START],
            _ => vec![PROGRAM, "serve", request.program.as_str()],
        };
        words.into_iter().map(str::to_owned).collect()
    }

    fn health_check(&self, program: Program) -> Vec<String> {
        let port = REDIS_PORT.to_string();
        let ready = format!("http://127.0.0.1:{HTTP_PORT}{}", crate::nginx::READY);
        let words = match self {
            Self::Redis(ServerImage::Official(_)) => vec!["CMD", "redis-cli", "-p", &port, "PING"],
            Self::Nginx(ServerImage::Official(_)) => vec!["CMD", "curl", "--fail", "--silent", &ready],
            Self::Postgres(ServerImage::Official(_)) => {
                vec![
                    "CMD",
                    "pg_isready",
                    "--host=127.0.0.1",
                    "--username=lab",
                    "--dbname=postgres",
                ]
            }
            Self::Kafka(ServerImage::Official(_)) => vec![
                "CMD",
                "/opt/kafka/bin/kafka-broker-api-versions.sh",
                "--bootstrap-server",
                "127.0.0.1:9092",
            ],
            _ => vec!["CMD", PROGRAM, "health", program.as_str()],
        };
        words.into_iter().map(str::to_owned).collect()
    }

    /// What an image of somebody else wants to be told in words of its own.
    fn environment(&self, instance: &str) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Postgres(ServerImage::Official(_)) => &[
                "POSTGRES_USER=lab",
                "POSTGRES_DB=postgres",
                // As in a server of this machine: its network is its protection.
                "POSTGRES_HOST_AUTH_METHOD=trust",
            ],
            Self::Kafka(ServerImage::Packed(_)) => &KAFKA_ENVIRONMENT,
            Self::Kafka(ServerImage::Official(_)) => &["LOG_DIR=/tmp/logs", "KAFKA_HEAP_OPTS=-Xms64m -Xmx384m"],
            _ => &[],
        };
        let data = match self {
            Self::Postgres(_) => Some(format!("{PGDATA}={}/own", self.data_folder())),
            Self::Kafka(ServerImage::Official(_)) => {
                let log = PathBuf::from(self.data_folder()).join(instance);
                let properties = kafka::properties_of(
                    ([0, 0, 0, 0], KAFKA_PORT).into(),
                    instance,
                    OFFICIAL_KAFKA_CONTROLLER_PORT,
                    &log,
                );
                Some(format!("SERVER_PROPERTIES={properties}"))
            }
            _ => None,
        };
        words.iter().map(|word| (*word).to_owned()).chain(data).collect()
    }

    /// Where its volume is.
    fn data_folder(&self) -> &'static str {
        match self {
            // A fresh volume takes over whose folder it covers, and this one anybody may write to.
            Self::Postgres(ServerImage::Official(_)) => "/var/lib/postgresql/data",
            _ => "/data",
        }
    }

    fn volume(&self, names: &Names) -> String {
        match self {
            Self::Postgres(_) => names.database_volume(),
            _ => names.volume(),
        }
    }

    /// Whether its volume, while that is empty, becomes what the image has in that place, whose it is included. The one that
    /// instances share must not become a folder of an official image's own user: nobody else could write to it.
    const fn shapes_its_volume(&self) -> bool {
        !matches!(
            self,
            Self::Redis(ServerImage::Official(_))
                | Self::Nginx(ServerImage::Official(_))
                | Self::Kafka(ServerImage::Official(_))
        )
    }

    /// Folders in memory, since everything else in a container is read-only.
    fn folders(&self) -> HashMap<String, String> {
        let mut folders = HashMap::from([("/tmp".to_owned(), "rw,mode=1777,size=64m".to_owned())]);
        if let Self::Postgres(ServerImage::Official(_)) = self {
            // It is told the first things over a socket there.
            folders.insert("/var/run/postgresql".to_owned(), "rw,mode=1777,size=1m".to_owned());
        }
        folders
    }
}

/// Starts the container of an instance, unless its system is over.
pub(super) async fn launch(
    engine: Engine,
    gate: Arc<Gate>,
    made: Made,
    request: LaunchRequest,
) -> Result<Launched<Container>, Error> {
    let _open = gate.enter(&request.record.run_id).await?;
    let mut random = RandomState::new().hash_one(&request.name);
    for tried in 1.. {
        let port = match request.port {
            0 => free_port(&mut random),
            port => port,
        };
        match start(&engine, &made, &request, port).await {
            Ok(container) => {
                let log = (container.keeper() == LogKeeper::Follow).then_some((request.log, request.log_start));
                container.watch(engine.docker()?, log, Some(request.on_exit));
                return Ok(Launched {
                    handle: container,
                    port: Some(port),
                });
            }
            Err(error) if refusal(&error).is_some_and(is_port_taken) => {
                if request.port != 0 || tried == PORT_TRIES_MAX {
                    return Err(Error::PortTaken {
                        instance: request.name,
                        port,
                    });
                }
            }
            Err(error) => return Err(error),
        }
    }
    unreachable!("the loop ends by returning")
}

async fn start(engine: &Engine, made: &Made, request: &LaunchRequest, port: u16) -> Result<Container, Error> {
    let names = Names::of(&request.record);
    let (name, network) = (names.container(&request.name), names.data_network());
    let mut aliases = vec![request.name.clone()];
    if request.is_front_door {
        aliases.push(request.service.clone());
    }
    let body = body(made, request, &names, port);
    let configuration = match made {
        Made::Nginx(_) => Some(nginx::configuration(&request.name, &request.environment, None)?),
        _ => None,
    };
    let (started_name, on_network, known_as) = (name.clone(), network.clone(), aliases.clone());
    let make = |docker: Docker| async move {
        let created = create(&docker, &started_name, body).await?;
        docker
            .connect_network(&on_network, connect_request(created.clone(), known_as))
            .await?;
        if let Some(configuration) = configuration {
            nginx::put(&docker, &created, configuration).await?;
        }
        docker.start_container(&created, None).await?;
        docker.inspect_container(&created, None).await
    };
    let shown = engine.call("start a container", make).await?;
    let identity = Identity {
        engine: engine.clone(),
        id: shown.id.clone().unwrap_or(name),
        network,
        aliases,
        keeper: match request.record.detached {
            true => LogKeeper::Fetch,
            false => LogKeeper::Follow,
        },
    };
    Ok(Container::started(identity, shown))
}

/// Makes a container; one of the same name was this instance before.
async fn create(docker: &Docker, name: &str, body: ContainerCreateBody) -> Result<String, Fault> {
    let options = || Some(CreateContainerOptionsBuilder::default().name(name).build());
    match docker.create_container(options(), body.clone()).await {
        Err(fault) if is_conflict(&fault) => {
            let remove = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
            match docker.remove_container(name, Some(remove)).await {
                Err(fault) if !is_missing(&fault) => return Err(fault),
                _ => {}
            }
            Ok(docker.create_container(options(), body).await?.id)
        }
        created => Ok(created?.id),
    }
}

fn body(made: &Made, request: &LaunchRequest, names: &Names, port: u16) -> ContainerCreateBody {
    let inner = format!("{}/tcp", inner_port(request.program));
    let mut labels = labels::of_system(&request.record);
    labels.insert(labels::INSTANCE.to_owned(), request.name.clone());
    let published = PortBinding {
        host_ip: Some("127.0.0.1".to_owned()),
        host_port: Some(port.to_string()),
    };
    let Limits { cpu_milli, memory_mib } = request.limits.unwrap_or_default();
    let memory = memory_mib.map(|mib| i64::from(mib) << 20);
    // Of two values of a variable a program may see either.
    let own = made.environment(&request.name);
    let said_by_image = |name: &str| {
        own.iter()
            .any(|word| word.split_once('=').is_some_and(|(own, _)| own == name))
    };
    let others = request.environment.iter().filter(|(name, _)| !said_by_image(name));
    let environment = others.map(|(name, value)| format!("{name}={value}")).chain(own.clone());
    ContainerCreateBody {
        // No host name: the engine makes it an alias on the control network too, where nobody reaches anybody.
        image: Some(made.image()),
        user: Some(format!("{USER}:{USER}")),
        env: Some(environment.collect()),
        entrypoint: Some(Vec::new()),
        cmd: Some(made.command(request)),
        exposed_ports: Some(vec![inner.clone()]),
        healthcheck: Some(HealthConfig {
            test: Some(made.health_check(request.program)),
            interval: Some(HEALTH_EVERY_S * NANOS_PER_S),
            timeout: Some(5 * NANOS_PER_S),
            retries: Some(3),
            ..HealthConfig::default()
        }),
        labels: Some(labels),
        host_config: Some(HostConfig {
            network_mode: Some(names.control_network()),
            port_bindings: Some(HashMap::from([(inner, Some(vec![published]))])),
            mounts: Some(vec![Mount {
                target: Some(made.data_folder().to_owned()),
                source: Some(made.volume(names)),
                typ: Some(MountType::VOLUME),
                volume_options: Some(MountVolumeOptions {
                    no_copy: Some(!made.shapes_its_volume()),
                    ..MountVolumeOptions::default()
                }),
                ..Mount::default()
            }]),
            tmpfs: Some(made.folders()),
            readonly_rootfs: Some(true),
            cap_drop: Some(vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            pids_limit: Some(PIDS_MAX),
            log_config: Some(HostConfigLogConfig {
                typ: Some("json-file".to_owned()),
                config: Some(HashMap::from([
                    ("max-size".to_owned(), LOG_FILE_SIZE.to_owned()),
                    ("max-file".to_owned(), LOG_FILES.to_owned()),
                ])),
            }),
            nano_cpus: cpu_milli.map(|milli| nano_cpus(f64::from(milli) / 1000.0)),
            memory,
            // As much again of swap would make a limit on memory a slow one instead of a hard one.
            memory_swap: memory,
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

/// A port of [`PORTS`] that nobody listens on now; somebody may the next moment, and then another is tried.
fn free_port(random: &mut u64) -> u16 {
    let count = u64::from(PORTS.end - PORTS.start);
    let first = *random % count;
    *random = random.rotate_left(17).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let at = |offset: u64| PORTS.start + u16::try_from((first + offset) % count).unwrap_or_default();
    (0..count).map(at).find(|port| is_free(*port)).unwrap_or(PORTS.start)
}

fn is_port_taken(reason: &str) -> bool {
    reason.contains("port is already allocated") || reason.contains("address already in use")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_official_image_does_not_take_the_volume_from_the_services() {
        let official = ServerImage::Official("any:1");
        assert!(!Made::Redis(official.clone()).shapes_its_volume());
        assert!(!Made::Nginx(official.clone()).shapes_its_volume());
        // This one has a volume to itself.
        assert!(Made::Postgres(official).shapes_its_volume());
        assert!(Made::Redis(ServerImage::Packed("sha256:0".into())).shapes_its_volume());
        assert!(Made::Own("sha256:0".into()).shapes_its_volume());
    }

    #[test]
    fn an_official_kafka_is_told_its_settings_and_starts_from_what_it_may_write() {
        let made = Made::Kafka(ServerImage::Official("apache/kafka:1"));
        let environment = made.environment("kafka-1");
        let settings = environment
            .iter()
            .find_map(|word| word.strip_prefix("SERVER_PROPERTIES="));
        let settings = settings.unwrap();
        for line in [
            "advertised.listeners=PLAINTEXT://kafka-1:9092",
            "log.dirs=/data/kafka-1",
        ] {
            assert!(settings.lines().any(|found| found == line), "{settings}");
        }
        let packed = Made::Kafka(ServerImage::Packed("sha256:0".into()));
        assert_eq!(packed.environment("kafka-1"), KAFKA_ENVIRONMENT);
    }

    #[test]
    fn an_official_postgresql_keeps_its_data_below_its_volume_and_its_socket_in_memory() {
        let made = Made::Postgres(ServerImage::Official("postgres:16.6"));
        let environment = made.environment("postgres-1");
        for word in [
            "POSTGRES_USER=lab",
            "POSTGRES_HOST_AUTH_METHOD=trust",
            "PGDATA=/var/lib/postgresql/data/own",
        ] {
            assert!(environment.iter().any(|found| found == word), "{environment:?}");
        }
        assert_eq!(made.data_folder(), "/var/lib/postgresql/data");
        assert!(made.folders().contains_key("/var/run/postgresql"));
        let packed = Made::Postgres(ServerImage::Packed("sha256:0".into()));
        assert_eq!(packed.environment("postgres-1"), ["PGDATA=/data/own"]);
        assert!(!packed.folders().contains_key("/var/run/postgresql"));
    }
}
