//! How the Docker backend starts instances, and what the instances of a system share.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use bollard::Docker;
use bollard::models::{NetworkCreateRequest, VolumeCreateRequest};
use bollard::query_parameters::RemoveContainerOptionsBuilder;
use contract::{Program, environment};
use serde_json::Value;
use url::Url;

use super::configuration::{self, configuration};
use super::container::{Container, Identity, LogKeeper};
use super::engine::{is_missing, run};
use super::labels::{self, Names};
use super::launch::{Made, launch};
use super::recorded::{self, Start};
use super::tools::{LINK_PORT, NAME, Tools};
use super::{cleanup, logs};
use crate::backend::core::record::{InstanceRecord, SystemRecord};
use crate::backend::core::{Handle, LaunchRequest, Launched, Platform, Renewal, Sources};
use crate::error::Error;
use crate::servers::image::Origin;
use crate::servers::{self, Found, Server, ServerError, address, inner_port};
use crate::topology::SystemSpec;
use crate::wiring::Environment;

/// How long a server that the user named may take to give a sign of life.
const EXTERNAL_TIMEOUT: Duration = Duration::from_secs(3);

impl Tools {
    /// The server that the user named for instances to use. Containers have a 127.0.0.1 of their own.
    pub(super) fn named(&self, server: &'static dyn Server) -> Result<Option<String>, ServerError> {
        let (Some(backing), Some(address)) = (server.backing(), servers::named(server, &self.host)?) else {
            return Ok(None);
        };
        // The host of an address that is no web address is but text.
        let is_hidden = |url: Url| is_of_this_machine(url.host_str().unwrap_or_default());
        if backing.urls(&address).into_iter().any(is_hidden) {
            let reason = "containers do not reach this machine's own 127.0.0.1";
            return Err(servers::unusable(server, &address, reason));
        }
        Ok(Some(address))
    }

    /// The server that the user named, else one in a container of its own.
    async fn found(&self, server: &'static dyn Server, told: &Environment) -> Result<Found, Error> {
        if let Some(address) = self.named(server)? {
            servers::answers(server, &address, EXTERNAL_TIMEOUT).await?;
            return Ok(Found::Named(address));
        }
        let stands_in = server.stands_in(&self.host, told)?;
        if stands_in && !server.prefers_image(&self.host, told)? {
            return Ok(Found::StandIn);
        }
        match self.images.of(server, None).await {
            Ok(Origin::Official(name)) => Ok(Found::Image(name)),
            Ok(Origin::Packed(_)) => Ok(Found::Host(server.find(&self.host)?)),
            Err(_) if stands_in => Ok(Found::StandIn),
            Err(error) => Err(error),
        }
    }
}

/// Whether a host is this machine as only it sees itself. Containers have a 127.0.0.1 of their own.
fn is_of_this_machine(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Platform for Tools {
    type Handle = Container;

    fn name(&self) -> &'static str {
        NAME
    }

    /// Where the engine is.
    fn place(&self) -> Value {
        self.engine.address().into()
    }

    fn http(&self) -> &reqwest::Client {
        &self.http
    }

    async fn sources(&self, spec: &SystemSpec) -> Result<Sources, Error> {
        let mut sources = Sources::new();
        for (server, told) in servers::within(spec) {
            sources.insert(server.program(), self.found(server, told).await?);
        }
        Ok(sources)
    }

    fn has_names(&self) -> bool {
        true
    }

    /// Makes the networks and the volumes.
    async fn prepare(&self, record: &SystemRecord) -> Result<(), Error> {
        let (names, labels) = (Names::of(record), labels::of_system(record));
        let data = NetworkCreateRequest {
            name: names.data_network(),
            // Nothing leaves it and nothing comes in: that is what the other network is for.
            internal: Some(true),
            labels: Some(labels.clone()),
            ..NetworkCreateRequest::default()
        };
        let separate = ("com.docker.network.bridge.enable_icc".to_owned(), "false".to_owned());
        let control = NetworkCreateRequest {
            name: names.control_network(),
            options: Some(HashMap::from([separate])),
            labels: Some(labels.clone()),
            ..NetworkCreateRequest::default()
        };
        let keepers = servers::within(&record.spec).filter(|(server, _)| server.own_data().is_some());
        let of_keepers = keepers.map(|(server, _)| names.volume_of(server.program()));
        let volumes: Vec<_> = std::iter::once(names.volume())
            .chain(of_keepers)
            .map(|name| VolumeCreateRequest {
                name: Some(name),
                labels: Some(labels.clone()),
                ..VolumeCreateRequest::default()
            })
            .collect();
        let (engine, gate, run_id) = (
            self.engine.clone(),
            self.gates.of(&record.token()),
            record.run_id.clone(),
        );
        let make = |docker: Docker| async move {
            docker.create_network(data).await?;
            docker.create_network(control).await?;
            for volume in volumes {
                docker.create_volume(volume).await?;
            }
            Ok(())
        };
        // To its end, even when this start is given up meanwhile: the removal waits until nobody is within.
        run(async move {
            let _open = gate.enter(&run_id).await?;
            engine.call("make a network", make).await
        })
        .await
    }

    fn surroundings(&self, instance: &str, program: Program, _port: u16) -> Environment {
        let own = [
            (environment::PORT, inner_port(program).to_string()),
            (environment::HOST, "0.0.0.0".to_owned()),
            (environment::INSTANCE, instance.to_owned()),
        ];
        let of_server = servers::of(program).map_or_else(Vec::new, |server| server.surroundings(instance));
        let link = (environment::LINK_PORT, LINK_PORT.to_string());
        let link = Some(link).filter(|_| program == Program::Link);
        own.into_iter()
            .chain(of_server)
            .chain(link)
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn database(&self, _record: &SystemRecord, service: &str) -> String {
        format!("sqlite:///data/{service}.db")
    }

    fn inner_url(&self, name: &str, program: Program, _port: Option<u16>) -> Option<Url> {
        Some(address(program, name, inner_port(program)))
    }

    fn link_address(&self, link: &str, _port: Option<u16>) -> Option<(String, u16)> {
        Some((link.to_owned(), LINK_PORT))
    }

    async fn launch(&self, request: LaunchRequest) -> Result<Launched<Container>, Error> {
        let made = match servers::of(request.program) {
            Some(server) if !server.stands_in(&self.host, &request.environment)? => {
                Made::of_server(server, &self.images.of(server, None).await?, &request.name)
            }
            _ => Made::of_lab(self.images.own(None).await?, request.program),
        };
        let gate = self.gates.of(&request.record.token());
        run(launch(self.engine.clone(), gate, made, request)).await
    }

    async fn renew(&self, handle: &Container, renewal: &Renewal) -> Result<(), Error> {
        let stamp = Some(renewal.stamp.as_str());
        if let Some(archive) = configuration(renewal.server, &renewal.name, &renewal.environment, stamp)? {
            let id = handle.id().to_owned();
            let put = |docker: Docker| async move { configuration::put(&docker, &id, archive).await };
            self.engine.call("give a container its configuration", put).await?;
        }
        handle.reload().await
    }

    async fn running(&self, system: &SystemRecord) -> Result<Vec<String>, Error> {
        cleanup::running(&self.engine, system).await
    }

    async fn take_up(&self, system: &SystemRecord, record: &InstanceRecord) -> Container {
        // No container has an empty id.
        let Start { id, started } = recorded::start_of(record).unwrap_or_default();
        let mut aliases = vec![record.name.clone()];
        let service = system.spec.service(&record.service);
        if service.is_some_and(|service| service.front_door_name() == record.name) {
            aliases.push(record.service.clone());
        }
        let identity = Identity {
            engine: self.engine.clone(),
            id: id.clone(),
            network: Names::of(system).data_network(),
            aliases,
            keeper: if system.detached {
                LogKeeper::Fetch
            } else {
                LogKeeper::Other
            },
        };
        let inspect = |docker: Docker| async move {
            match docker.inspect_container(&id, None).await {
                Ok(shown) => Ok(Some(shown)),
                Err(fault) if is_missing(&fault) => Ok(None),
                Err(fault) => Err(fault),
            }
        };
        let shown = self.engine.call("look at a container", inspect).await.ok().flatten();
        let container = match shown {
            Some(shown) => Container::seen(identity, shown),
            None => Container::gone(identity, started),
        };
        if container.exit().is_none()
            && let Ok(docker) = self.engine.docker()
        {
            container.watch(docker, None, None);
        }
        container
    }

    async fn settle_log(&self, handle: &Container, log: &Path, log_start: u64) -> Result<(), Error> {
        match handle.keeper() {
            LogKeeper::Fetch => logs::fetch(&self.engine, handle.id(), log, log_start).await,
            // What follows the log has written it all before the end of the container is told.
            LogKeeper::Follow | LogKeeper::Other => Ok(()),
        }
    }

    async fn forget(&self, handle: &Container) -> Result<(), Error> {
        let id = handle.id().to_owned();
        let remove = |docker: Docker| async move {
            let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
            match docker.remove_container(&id, Some(options)).await {
                Err(fault) if !is_missing(&fault) => Err(fault),
                _ => Ok(()),
            }
        };
        self.engine.call("remove a container", remove).await
    }

    async fn finish(&self, record: &SystemRecord) -> Result<(), Error> {
        let token = record.token();
        self.gates.of(&token).close().await;
        cleanup::remove_system(&self.engine, &token).await?;
        self.gates.forget(&token);
        Ok(())
    }

    fn let_go(&self, record: SystemRecord, _handles: Vec<Container>) {
        let (engine, token) = (self.engine.clone(), record.token());
        let gate = self.gates.of(&token);
        cleanup::remove_later(engine, token, gate, move || {
            // Where it stays, the next lab finds nothing by it and removes it.
            let _ = record.remove_files().and_then(|()| record.remove());
        });
    }
}
