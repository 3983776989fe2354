//! Removing what belongs to a system, by its label, whoever made it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error as Fault;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder, PruneImagesOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveVolumeOptionsBuilder,
};
use futures_util::future::try_join_all;
use tokio::time::sleep;

use super::engine::{Engine, is_conflict, is_missing, spawn};
use super::error::DockerError;
use super::gates::Gate;
use super::{labels, logs, recorded};
use crate::backend::core::files::records;
use crate::backend::core::record::SystemRecord;
use crate::backend::core::remember;
use crate::error::Error;
use crate::place::Place;

/// How often a removal is tried: the engine refuses what it is still busy with.
const TRIES_MAX: u32 = 50;
const TRY_EVERY: Duration = Duration::from_millis(100);

/// Removes everything of a system.
pub(super) async fn remove_system(engine: &Engine, token: &str) -> Result<(), Error> {
    remove_labelled(engine, labels::SYSTEM, token).await
}

/// As [`remove_system`], in the background, once nothing is being made any more; then does what follows, where it
/// succeeded.
pub(super) fn remove_later(engine: Engine, token: String, gate: Arc<Gate>, then: impl FnOnce() + Send + 'static) {
    let removal = spawn(async move {
        gate.close().await;
        match remove_system(&engine, &token).await {
            Ok(()) => then(),
            Err(error) => tracing::warn!(%error, "containers of {token} stay until the next clean-up"),
        }
    });
    remember(async {
        let _ = removal.await;
    });
}

/// The names of the instances of a system that still run.
pub(super) async fn running(engine: &Engine, record: &SystemRecord) -> Result<Vec<String>, Error> {
    engine.version().await?;
    let token = record.token();
    let list = |docker: Docker| async move {
        let options = ListContainersOptionsBuilder::default().filters(&labels::filter(labels::SYSTEM, &token));
        docker.list_containers(Some(options.build())).await
    };
    let containers = engine.call("list containers", list).await?;
    let names = containers
        .into_iter()
        .filter_map(|container| container.labels?.remove(labels::INSTANCE));
    let mut names: Vec<String> = names.collect();
    names.sort();
    Ok(names)
}

/// Removes what a dead lab left of a system; logs are fetched first.
pub(super) async fn clean(engine: &Engine, record: &SystemRecord) -> Result<(), Error> {
    engine.version().await?;
    for instance in &record.instances {
        if let Some(start) = recorded::start_of(instance) {
            let log = record.folder.join("logs").join(format!("{}.log", instance.name));
            // A log that cannot be had must not keep the container.
            let _ = logs::fetch(engine, &start.id, &log, instance.log_start).await;
        }
    }
    remove_system(engine, &record.token()).await
}

/// Removes what is labelled with a state folder and belongs to none of its records: what is left when somebody deletes
/// the records themselves. Also images of earlier builds that nothing uses. Returns how many systems were removed;
/// none where no engine answers.
pub(super) async fn remove_unrecorded(engine: &Engine, state_folder: &Path) -> Result<usize, Error> {
    let failed = |source| Error::file("read", state_folder)(source);
    let Some(place) = Place::existing(state_folder).map_err(failed)? else {
        return Ok(0);
    };
    if engine.version().await.is_err() {
        return Ok(0);
    }
    let filter = labels::filter(labels::PLACE, place.as_str());
    let list = |docker: Docker| async move {
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filter);
        let containers = docker.list_containers(Some(options.build())).await?;
        let options = ListNetworksOptionsBuilder::default().filters(&filter);
        let networks = docker.list_networks(Some(options.build())).await?;
        let options = ListVolumesOptionsBuilder::default().filters(&filter);
        let volumes = docker.list_volumes(Some(options.build())).await?.volumes;
        let labels = containers
            .into_iter()
            .map(|container| container.labels.unwrap_or_default());
        let labels = labels.chain(networks.into_iter().map(|network| network.labels.unwrap_or_default()));
        let labels = labels.chain(volumes.unwrap_or_default().into_iter().map(|volume| volume.labels));
        let mut tokens: Vec<String> = labels.filter_map(|mut labels| labels.remove(labels::SYSTEM)).collect();
        tokens.sort();
        tokens.dedup();
        Ok::<_, Fault>(tokens)
    };
    let mut tokens = engine.call("list containers", list).await?;
    // Read after the list was made: a record is there before anything that it stands for.
    let found = records(state_folder)?;
    if !found.unreadable.is_empty() {
        // Anything may belong to a record that cannot be read.
        return Ok(0);
    }
    let known: Vec<String> = found
        .systems
        .iter()
        .chain(&found.elsewhere)
        .map(SystemRecord::token)
        .collect();
    tokens.retain(|token| !known.contains(token));
    for token in &tokens {
        remove_system(engine, token).await?;
    }
    let prune = |docker: Docker| async move {
        let filters = std::collections::HashMap::from([
            ("dangling".to_owned(), vec!["true".to_owned()]),
            ("label".to_owned(), vec![labels::IMAGE.to_owned()]),
        ]);
        let options = PruneImagesOptionsBuilder::default().filters(&filters).build();
        match docker.prune_images(Some(options)).await {
            // Another lab is at it: what is unused goes all the same.
            Err(fault) if is_conflict(&fault) => Ok(()),
            pruned => pruned.map(drop),
        }
    };
    engine.call("remove unused images", prune).await?;
    Ok(tokens.len())
}

async fn remove_labelled(engine: &Engine, label: &'static str, value: &str) -> Result<(), Error> {
    for tried in 1.. {
        let filter = labels::filter(label, value);
        let left = engine
            .call("remove containers", |docker| async move {
                remove_once(&docker, filter).await
            })
            .await?;
        match left {
            0 => break,
            left if tried == TRIES_MAX => {
                return Err(DockerError::Engine {
                    doing: "remove containers",
                    reason: format!("{left} containers, networks or volumes labelled {label}={value} stay"),
                }
                .into());
            }
            _ => sleep(TRY_EVERY).await,
        }
    }
    Ok(())
}

/// Removes what it can; how much is left.
async fn remove_once(docker: &Docker, filter: std::collections::HashMap<String, Vec<String>>) -> Result<usize, Fault> {
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filter);
    let containers = docker.list_containers(Some(options.build())).await?;
    let ids = containers.into_iter().filter_map(|container| container.id);
    let removals = ids.map(async |id| {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        is_left(docker.remove_container(&id, Some(options)).await)
    });
    let mut left = count(try_join_all(removals).await?);
    let options = ListNetworksOptionsBuilder::default().filters(&filter);
    let networks = docker.list_networks(Some(options.build())).await?;
    let ids = networks.into_iter().filter_map(|network| network.id);
    left += count(try_join_all(ids.map(async |id| is_left(docker.remove_network(&id).await))).await?);
    let options = ListVolumesOptionsBuilder::default().filters(&filter);
    let volumes = docker.list_volumes(Some(options.build())).await?.volumes;
    let names = volumes.unwrap_or_default().into_iter().map(|volume| volume.name);
    let removals = names.map(async |name| {
        let options = RemoveVolumeOptionsBuilder::default().force(true).build();
        is_left(docker.remove_volume(&name, Some(options)).await)
    });
    left += count(try_join_all(removals).await?);
    Ok(left)
}

fn count(left: Vec<bool>) -> usize {
    left.into_iter().filter(|left| *left).count()
}

/// Whether something is still there after an attempt to remove it: it is in use for another moment.
fn is_left(answer: Result<(), Fault>) -> Result<bool, Fault> {
    match answer {
        Ok(()) => Ok(false),
        Err(fault) if is_missing(&fault) => Ok(false),
        Err(fault) if is_conflict(&fault) => Ok(true),
        Err(Fault::DockerResponseServerError { status_code: 403, .. }) => Ok(true),
        Err(fault) => Err(fault),
    }
}
