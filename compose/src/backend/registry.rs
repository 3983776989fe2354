//! Backends by name.

use std::sync::Arc;

use super::Backend;
use super::docker::DockerBackend;
use super::process::ProcessBackend;
use crate::error::Error;

/// The backends that people can choose from. To add one, add its file and one line in [`BackendRegistry::standard`].
pub struct BackendRegistry {
    backends: Vec<Arc<dyn Backend>>,
}

impl BackendRegistry {
    /// Every backend of this build; they were made with the program that carries the services.
    #[must_use]
    pub fn standard(process: ProcessBackend, docker: DockerBackend) -> Self {
        Self {
            backends: vec![Arc::new(process), Arc::new(docker)],
        }
    }

    /// The backend with this name.
    ///
    /// # Errors
    /// A usage error that lists the names there are.
    pub fn get(&self, name: &str) -> Result<Arc<dyn Backend>, Error> {
        self.backends
            .iter()
            .find(|backend| backend.name() == name)
            .cloned()
            .ok_or_else(|| Error::UnknownBackend {
                name: name.to_owned(),
                known: self.names().map(str::to_owned).collect(),
            })
    }

    /// The names of all backends, the default first.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.backends.iter().map(|backend| backend.name())
    }
}
