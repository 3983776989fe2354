//! Making and starting the container of one instance.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use bollard::Docker;
use bollard::errors::Error as Fault;
use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, Mount, MountType, MountVolumeOptions,
    PortBinding,
};
use bollard::query_parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder};
use contract::Program;

use super::configuration::{self, configuration};
use super::container::{Container, Identity, LogKeeper, connect_request, nano_cpus};
use super::engine::{Engine, is_conflict, is_missing};
use super::error::refusal;
use super::gates::Gate;
use super::labels::{self, Names};
use crate::backend::core::is_free;
use crate::backend::core::{LaunchRequest, Launched};
use crate::error::Error;
use crate::servers::image::{Contained, Origin, USER};
use crate::servers::{Server, inner_port};
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

/// What a container is made of.
pub(super) struct Made {
    /// The name or id of its image.
    image: String,
    /// What it is, where it is a server of others and not the lab's own program.
    server: Option<&'static dyn Server>,
    contained: Contained,
}

impl Made {
    /// Of the lab's own program.
    pub(super) fn of_lab(image: String, program: Program) -> Self {
        Self {
            image,
            server: None,
            contained: Contained::lab(program),
        }
    }

    /// Of a server of others.
    pub(super) fn of_server(server: &'static dyn Server, origin: &Origin, instance: &str) -> Self {
        Self {
            image: origin.name().to_owned(),
            server: Some(server),
            contained: server.contained(origin, instance),
        }
    }

    fn volume(&self, names: &Names) -> String {
        match self.server.filter(|server| server.own_data().is_some()) {
            Some(server) => names.volume_of(server.program()),
            None => names.volume(),
        }
    }

    /// Folders in memory, since everything else in a container is read-only.
    fn in_memory(&self) -> HashMap<String, String> {
        let of_all = ("/tmp", "rw,mode=1777,size=64m");
        let folders = self.contained.in_memory.iter().copied().chain([of_all]);
        folders
            .map(|(folder, options)| (folder.to_owned(), options.to_owned()))
            .collect()
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
    let configuration = match made.server {
        Some(server) => configuration(server, &request.name, &request.environment, None)?,
        None => None,
    };
    let (started_name, on_network, known_as) = (name.clone(), network.clone(), aliases.clone());
    let make = |docker: Docker| async move {
        let created = create(&docker, &started_name, body).await?;
        docker
            .connect_network(&on_network, connect_request(created.clone(), known_as))
            .await?;
        if let Some(archive) = configuration {
            configuration::put(&docker, &created, archive).await?;
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
    let own = &made.contained.environment;
    let said_by_image = |name: &str| {
        own.iter()
            .any(|word| word.split_once('=').is_some_and(|(own, _)| own == name))
    };
    let others = request.environment.iter().filter(|(name, _)| !said_by_image(name));
    let environment = others
        .map(|(name, value)| format!("{name}={value}"))
        .chain(own.iter().cloned());
    ContainerCreateBody {
        // No host name: the engine makes it an alias on the control network too, where nobody reaches anybody.
        image: Some(made.image.clone()),
        user: Some(format!("{USER}:{USER}")),
        env: Some(environment.collect()),
        entrypoint: Some(Vec::new()),
        cmd: Some(made.contained.command.clone()),
        exposed_ports: Some(vec![inner.clone()]),
        healthcheck: Some(HealthConfig {
            test: Some(made.contained.health.clone()),
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
                target: Some(made.contained.data.to_owned()),
                source: Some(made.volume(names)),
                typ: Some(MountType::VOLUME),
                volume_options: Some(MountVolumeOptions {
                    no_copy: Some(!made.contained.shapes_volume),
                    ..MountVolumeOptions::default()
                }),
                ..Mount::default()
            }]),
            tmpfs: Some(made.in_memory()),
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
