//! Backends by name.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::core::record::SystemRecord;
use super::docker::{self, DockerBackend};
use super::interface::Backend;
use super::process::{self, ProcessBackend};
#[cfg(test)]
use super::stand_in;
use crate::capability::Capability;
use crate::error::Error;

/// A backend as it is registered: its name, and how it is made of the program that carries the services.
pub type Registered = (&'static str, fn(&Path) -> io::Result<Arc<dyn Backend>>);

/// The backends of this build, the default first. To add one, add its module and one line here.
const BACKENDS: &[Registered] = &[
    (process::NAME, |program| Ok(Arc::new(ProcessBackend::new(program)?))),
    (docker::NAME, |program| Ok(Arc::new(DockerBackend::new(program)?))),
    #[cfg(test)]
    (stand_in::NAME, |_program| Ok(Arc::new(stand_in::StandIn::new()?))),
];

/// The name of the backend that is used where nobody names one.
pub const DEFAULT_BACKEND: &str = BACKENDS[0].0;

/// The names of all backends of this build, the default first.
pub fn backend_names() -> impl Iterator<Item = &'static str> {
    BACKENDS.iter().map(|(name, _)| *name)
}

/// The backends that people can choose from. Each is made when it is asked for.
pub struct BackendRegistry {
    program: PathBuf,
    backends: Vec<Registered>,
}

impl BackendRegistry {
    /// Every backend of this build, for services that are carried by this program.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            backends: BACKENDS.to_vec(),
        }
    }

    /// Every backend of this build, for this very program.
    ///
    /// # Errors
    /// When the program cannot be told.
    pub fn of_current_program() -> io::Result<Self> {
        Ok(Self::new(std::env::current_exe()?))
    }

    /// The same backends but for one, as of a lab that does not have it.
    #[cfg(test)]
    pub(super) fn without(mut self, name: &str) -> Self {
        self.backends.retain(|(known, _)| *known != name);
        self
    }

    /// The backend with this name.
    ///
    /// # Errors
    /// A usage error that lists the names there are; an environment error when it cannot be made.
    pub fn get(&self, name: &str) -> Result<Arc<dyn Backend>, Error> {
        let mut backends = self.backends.iter();
        match backends.find(|(known, _)| *known == name) {
            Some(registered) => self.make(registered),
            None => Err(Error::UnknownBackend {
                name: name.to_owned(),
                known: self.names().map(str::to_owned).collect(),
            }),
        }
    }

    /// The backend that a recorded system runs on.
    ///
    /// # Errors
    /// An environment error when this lab does not have it, so that nothing can be said of the system or done to it.
    pub fn of(&self, record: &SystemRecord) -> Result<Arc<dyn Backend>, Error> {
        self.get(&record.backend).map_err(|error| match error {
            Error::UnknownBackend { name, known } => Error::ForeignBackend {
                run_id: record.run_id.clone(),
                name,
                known,
            },
            other => other,
        })
    }

    /// The names of all backends, the default first.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.backends.iter().map(|(name, _)| *name)
    }

    /// All backends, the default first.
    ///
    /// # Errors
    /// An environment error when one cannot be made.
    pub fn all(&self) -> Result<Vec<Arc<dyn Backend>>, Error> {
        self.backends.iter().map(|registered| self.make(registered)).collect()
    }

    /// The names of the backends that can do all of this. One that cannot be made can do nothing.
    #[must_use]
    pub fn able(&self, needed: &BTreeSet<Capability>) -> Vec<&'static str> {
        let can = |registered: &&Registered| {
            let backend = self.make(registered);
            backend.is_ok_and(|backend| needed.is_subset(&backend.capabilities()))
        };
        self.backends.iter().filter(can).map(|(name, _)| *name).collect()
    }

    fn make(&self, (name, make): &Registered) -> Result<Arc<dyn Backend>, Error> {
        make(&self.program).map_err(|source| Error::BackendUnusable { name, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_has_the_name_that_it_is_registered_by() {
        let registry = BackendRegistry::of_current_program().unwrap();
        let made: Vec<_> = registry.all().unwrap().iter().map(|backend| backend.name()).collect();
        assert_eq!(made, registry.names().collect::<Vec<_>>());
        assert_eq!(made[0], DEFAULT_BACKEND);
    }

    #[test]
    fn what_a_backend_lacks_is_had_by_those_that_declare_it() {
        let registry = BackendRegistry::of_current_program().unwrap();
        for needed in [BTreeSet::new(), Capability::ALL.into()] {
            for backend in registry.all().unwrap() {
                let can = needed.is_subset(&backend.capabilities());
                assert_eq!(registry.able(&needed).contains(&backend.name()), can, "{needed:?}");
            }
        }
    }

    #[test]
    fn a_backend_that_is_not_there_is_refused_with_those_that_are() {
        let registry = BackendRegistry::of_current_program().unwrap();
        let Err(Error::UnknownBackend { name, known }) = registry.get("cloud") else {
            panic!("there is no such backend");
        };
        assert_eq!(
            (name.as_str(), known),
            ("cloud", registry.names().map(str::to_owned).collect())
        );
    }
}
