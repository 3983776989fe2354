//! How the end of a container is noticed, and told.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error as Fault;
use bollard::query_parameters::WaitContainerOptions;
use futures_util::StreamExt;
use tokio::time::{sleep, timeout};

use super::container::{Container, Inner};
use super::engine::{is_missing, spawn};
use super::exit::exit_of;
use super::logs;
use crate::backend::core::{Exit, OnExit};

/// How long the log of a container that has ended may take to be written.
const LOG_TIMEOUT: Duration = Duration::from_secs(20);
/// How often an engine that went away is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

impl Inner {
    fn ended(&self, exit: Exit) {
        self.exit.send_if_modified(|known| {
            let news = known.is_none();
            if news {
                *known = Some(exit);
            }
            news
        });
    }
}

impl Container {
    /// Waits in the background for the end of the container, and for its log to be written to a file, which it begins
    /// at this byte of; then tells.
    pub(super) fn watch(&self, docker: Docker, log: Option<(PathBuf, u64)>, on_exit: Option<OnExit>) {
        let watched = self.clone();
        let follower = log.map(|(log, log_start)| {
            let (docker, engine, id) = (docker.clone(), self.0.engine.clone(), self.0.id.clone());
            spawn(async move {
                logs::follow(&docker, &id, &log).await;
                // Where the container ends just when it begins to be followed, the engine gives nothing, or not all.
                let _ = logs::fetch(&engine, &id, &log, log_start).await;
            })
        });
        spawn(async move {
            let mut on_exit = on_exit;
            let mut told = |exit, expected| {
                if let Some(on_exit) = on_exit.take() {
                    on_exit(exit, expected);
                }
            };
            let exit = match wait(&docker, &watched.0.id).await {
                Some(exit) => exit,
                None => {
                    // With the engine, whatever ran on it is lost to the system. Whether it really ended shows later.
                    told(Exit::default(), watched.0.expected.load(Ordering::Acquire));
                    let weak = Arc::downgrade(&watched.0);
                    let id = watched.0.id.clone();
                    drop(watched);
                    return until_seen_ended(&docker, &id, &weak).await;
                }
            };
            if let Some(follower) = follower {
                // The log ends with the container; what it ended with must be there for whoever sees the end.
                let _ = timeout(LOG_TIMEOUT, follower).await;
            }
            told(exit, watched.0.expected.load(Ordering::Acquire));
            watched.0.ended(exit);
        });
    }
}

/// Waits until a container has ended; `None` when the engine went away before.
async fn wait(docker: &Docker, id: &str) -> Option<Exit> {
    let mut answers = Box::pin(docker.wait_container(id, None::<WaitContainerOptions>));
    match answers.next().await {
        Some(Ok(answer)) => Some(exit_of(answer.status_code)),
        Some(Err(Fault::DockerContainerWaitError { code, .. })) => Some(exit_of(code)),
        Some(Err(fault)) if is_missing(&fault) => Some(Exit::default()),
        Some(Err(_)) | None => None,
    }
}

/// Looks for an engine that went away, until it shows the container ended or nobody wants to know any more.
async fn until_seen_ended(docker: &Docker, id: &str, container: &Weak<Inner>) {
    while container.strong_count() > 0 {
        sleep(LOOK_EVERY).await;
        let exit = match docker.inspect_container(id, None).await {
            Ok(shown) => {
                let state = shown.state.unwrap_or_default();
                let runs = state.running.unwrap_or(false);
                (!runs).then(|| exit_of(state.exit_code.unwrap_or_default()))
            }
            Err(fault) => is_missing(&fault).then(Exit::default),
        };
        if let (Some(exit), Some(container)) = (exit, container.upgrade()) {
            return container.ended(exit);
        }
    }
}
