//! Talking to a Docker engine.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error as Fault;
use contract::redact;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::context::{Found, Lookup, socket_of};
use super::error::DockerError;
use crate::backend::core::record::SystemRecord;
use crate::error::Error;

/// How long the engine may take for one thing; it does each of them within a second or two on an idle machine.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long it may take to show that it is there at all.
const PING_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the client waits for the beginning of an answer; longer than ours, which say more.
const CLIENT_TIMEOUT_S: u64 = 600;

/// The runtime of everything that is asked of engines. It outlives every system, so what was begun there is finished
/// even when nobody waits for it any more: a container that is being created can still be removed.
fn background() -> &'static Runtime {
    static BACKGROUND: OnceLock<Runtime> = OnceLock::new();
    BACKGROUND.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("engine")
            .enable_all()
            .build()
            .expect("a thread can be started")
    })
}

/// Runs something to its end, whoever still waits for it.
pub(super) fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    background().spawn(work)
}

/// Runs something to its end and waits for it.
pub(super) async fn run<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match spawn(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// An engine, whether it answers or not.
#[derive(Clone)]
pub(super) struct Engine {
    docker: Arc<OnceLock<Docker>>,
    found: Found,
}

impl Engine {
    /// The engine at an address, which is not asked yet.
    pub(super) fn at(address: &str) -> Self {
        Self {
            docker: Arc::default(),
            found: Found {
                address: address.to_owned(),
                said_by: None,
                problem: None,
            },
        }
    }

    /// The user's engine.
    pub(super) fn usual() -> Self {
        Self {
            docker: Arc::default(),
            found: Lookup::of_process().find(),
        }
    }

    /// The engine that carries a recorded system.
    pub(super) fn of(record: &SystemRecord) -> Self {
        match record.platform.as_str() {
            Some(address) => Self::at(address),
            None => Self::usual(),
        }
    }

    pub(super) fn address(&self) -> &str {
        &self.found.address
    }

    /// Where it is, as it may be shown, and who says so.
    pub(super) fn described(&self) -> String {
        let address = redact(&self.found.address);
        match &self.found.said_by {
            Some(said_by) => format!("{address} ({said_by})"),
            None => address,
        }
    }

    /// A client; an error where there is no engine to talk to.
    pub(super) fn docker(&self) -> Result<Docker, Error> {
        if let Some(docker) = self.docker.get() {
            return Ok(docker.clone());
        }
        let refuse = |reason: String| {
            DockerError::NoEngine {
                address: self.described(),
                reason,
            }
            .into()
        };
        if let Some(problem) = &self.found.problem {
            return Err(refuse(problem.clone()));
        }
        let path = socket_of(&self.found.address).map_err(refuse)?;
        let docker = Docker::connect_with_unix(path, CLIENT_TIMEOUT_S, bollard::API_DEFAULT_VERSION)
            .map_err(|error| refuse(root_cause(&error)))?;
        Ok(self.docker.get_or_init(|| docker).clone())
    }

    /// An error unless the engine answers; its version otherwise.
    pub(super) async fn version(&self) -> Result<String, Error> {
        let docker = self.docker()?;
        let answer = run(async move { timeout(PING_TIMEOUT, docker.version()).await }).await;
        let reason = match answer {
            Ok(Ok(version)) => return Ok(version.version.unwrap_or_default()),
            Ok(Err(error)) => root_cause(&error),
            Err(_) => format!("nothing within {} s", PING_TIMEOUT.as_secs()),
        };
        Err(DockerError::NoEngine {
            address: self.described(),
            reason,
        }
        .into())
    }

    /// Has the engine do one thing, to its end.
    pub(super) async fn call<T, F>(&self, doing: &'static str, ask: impl FnOnce(Docker) -> F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        match run(timeout(CALL_TIMEOUT, ask(self.docker()?))).await {
            Ok(answer) => answer.map_err(|fault| self.error(doing, &fault)),
            Err(_) => Err(self.gone(doing, format!("nothing within {} s", CALL_TIMEOUT.as_secs()))),
        }
    }

    /// What a fault means: the engine refused, or it is not there.
    pub(super) fn error(&self, doing: &'static str, fault: &Fault) -> Error {
        match fault {
            Fault::DockerResponseServerError { message, .. } => DockerError::Engine {
                doing,
                reason: message.clone(),
            }
            .into(),
            Fault::DockerStreamError { error } => DockerError::Engine {
                doing,
                reason: error.clone(),
            }
            .into(),
            other => self.gone(doing, root_cause(other)),
        }
    }

    fn gone(&self, doing: &'static str, reason: String) -> Error {
        DockerError::EngineGone {
            address: self.described(),
            doing,
            reason,
        }
        .into()
    }
}

/// Whether the engine said that something is not there.
pub(super) fn is_missing(fault: &Fault) -> bool {
    matches!(fault, Fault::DockerResponseServerError { status_code: 404, .. })
}

/// Whether the engine said that something is there already, or is being removed.
pub(super) fn is_conflict(fault: &Fault) -> bool {
    matches!(fault, Fault::DockerResponseServerError { status_code: 409, .. })
}

/// The last cause in a chain of errors, which is the one that says what happened.
fn root_cause(fault: &Fault) -> String {
    let mut cause: &dyn std::error::Error = fault;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Family;

    #[tokio::test]
    async fn an_engine_that_is_not_there_is_an_error_of_the_environment_that_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("unix://{}/no.sock", folder.path().display());
        let error = Engine::at(&address).version().await.unwrap_err();
        assert_eq!(error.family(), Family::Environment);
        let message = error.to_string();
        for part in [address.as_str(), "start one", "DOCKER_HOST"] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[tokio::test]
    async fn an_engine_elsewhere_is_refused() {
        for address in [
            "tcp://10.0.0.1:2375",
            "tcp://me:hidden-word@10.0.0.1:2375",
            "ssh://host",
        ] {
            let error = Engine::at(address).version().await.unwrap_err();
            assert!(error.to_string().contains("of this machine"), "{error}");
            assert!(!error.to_string().contains("hidden-word"), "{error}");
        }
    }
}
