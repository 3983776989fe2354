//! The configuration of an nginx in a container: it goes into the volume that the instances of a system share, since
//! everything else in a container is read-only.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use bollard::Docker;
use bollard::errors::Error as Fault;
use bollard::query_parameters::UploadToContainerOptionsBuilder;
use bytes::Bytes;
use tar::{Builder, Header};

use super::ports::HTTP_PORT;
use crate::backend::core::Environment;
use crate::error::Error;
use crate::nginx::{Place, render};

/// The folder of the volume.
const FOLDER: &str = "/data";

/// Where the configuration of an instance lies in its container.
pub(super) fn file(instance: &str) -> String {
    format!("{FOLDER}/{}", name(instance))
}

fn name(instance: &str) -> String {
    format!("{instance}.conf")
}

/// The configuration as an archive that an engine unpacks.
pub(super) fn configuration(instance: &str, environment: &Environment, stamp: Option<&str>) -> Result<Bytes, Error> {
    let place = Place {
        listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, HTTP_PORT)),
        user: None,
    };
    let text = render(&place, environment, stamp).map_err(|reason| Error::NginxCannot {
        instance: instance.to_owned(),
        reason,
    })?;
    let mut header = Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    let mut archive = Builder::new(Vec::new());
    archive
        .append_data(&mut header, name(instance), text.as_bytes())
        .and_then(|()| archive.into_inner())
        .map(Bytes::from)
        .map_err(Error::file("pack", Path::new(&name(instance))))
}

/// Puts it where the container finds it, started or not.
pub(super) async fn put(docker: &Docker, container: &str, archive: Bytes) -> Result<(), Fault> {
    let options = UploadToContainerOptionsBuilder::default().path(FOLDER).build();
    docker
        .upload_to_container(container, Some(options), bollard::body_full(archive))
        .await
}
