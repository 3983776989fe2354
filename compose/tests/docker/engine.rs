//! Looking at the engine from outside, past the backend.

use std::collections::HashMap;
use std::path::Path;

use bollard::Docker;
use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
    RemoveImageOptionsBuilder,
};
use compose::SystemRecord;

pub fn usual_address() -> String {
    std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned())
}

pub fn docker() -> Docker {
    let address = usual_address();
    let path = address.strip_prefix("unix://").unwrap();
    Docker::connect_with_unix(path, 60, bollard::API_DEFAULT_VERSION).unwrap()
}

/// The container of an instance as the engine shows it.
pub async fn container(record: &SystemRecord, instance: &str) -> ContainerInspectResponse {
    let found = record.instances.iter().find(|known| known.name == instance).unwrap();
    let id = found.platform_id["container"]["id"].as_str().unwrap();
    docker().inspect_container(id, None).await.unwrap()
}

/// How many containers, networks and volumes have this label and belong to this state folder.
pub async fn labelled(label: &str, value: &str, state_folder: &Path) -> [usize; 3] {
    let labels = vec![
        format!("{label}={value}"),
        format!("lab.state={}", state_folder.display()),
    ];
    let filters = HashMap::from([("label".to_owned(), labels)]);
    let docker = docker();
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters);
    let containers = docker.list_containers(Some(options.build())).await.unwrap();
    let options = ListNetworksOptionsBuilder::default().filters(&filters);
    let networks = docker.list_networks(Some(options.build())).await.unwrap();
    let options = ListVolumesOptionsBuilder::default().filters(&filters);
    let volumes = docker.list_volumes(Some(options.build())).await.unwrap().volumes;
    [containers.len(), networks.len(), volumes.unwrap_or_default().len()]
}

/// Removes the newest image of this name; images that are in use stay.
pub async fn remove_image_with(name: &str) {
    let filters = HashMap::from([("reference".to_owned(), vec![name.to_owned()])]);
    let options = ListImagesOptionsBuilder::default().filters(&filters).build();
    for image in docker().list_images(Some(options)).await.unwrap() {
        let options = RemoveImageOptionsBuilder::default().build();
        let _ = docker().remove_image(&image.id, Some(options), None).await;
    }
}
