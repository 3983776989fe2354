//! The file that a server in a container is configured by: it goes into the volume that the instances of a system share,
//! since everything else in a container is read-only.

use std::path::Path;

use bollard::Docker;
use bollard::errors::Error as Fault;
use bollard::query_parameters::UploadToContainerOptionsBuilder;
use bytes::Bytes;
use tar::{Builder, Header};

use crate::error::Error;
use crate::servers::image::{DATA, configuration_file};
use crate::servers::{Place, Server, ServerError};
use crate::wiring::Environment;

/// The configuration of a server as an archive that an engine unpacks; `None` for one that is not configured by a file.
pub(super) fn configuration(
    server: &dyn Server,
    instance: &str,
    environment: &Environment,
    stamp: Option<&str>,
) -> Result<Option<Bytes>, Error> {
    let Some(configured) = server.configured() else {
        return Ok(None);
    };
    let place = Place::in_container(server.port());
    let text = configured
        .render(&place, environment, stamp)
        .map_err(|reason| ServerError::Cannot {
            instance: instance.to_owned(),
            server: server.name(),
            reason,
        })?;
    let name = configuration_file(instance);
    let mut header = Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    let mut archive = Builder::new(Vec::new());
    archive
        .append_data(&mut header, &name, text.as_bytes())
        .and_then(|()| archive.into_inner())
        .map(|archive| Some(Bytes::from(archive)))
        .map_err(Error::file("pack", Path::new(&name)))
}

/// Puts it where the container finds it, started or not.
pub(super) async fn put(docker: &Docker, container: &str, archive: Bytes) -> Result<(), Fault> {
    let options = UploadToContainerOptionsBuilder::default().path(DATA).build();
    docker
        .upload_to_container(container, Some(options), bollard::body_full(archive))
        .await
}
