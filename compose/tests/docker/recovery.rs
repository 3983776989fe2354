//! Labs and engines that go away at the worst moment.

use std::sync::Arc;
use std::time::Duration;

use bollard::models::{ContainerCreateBody, NetworkCreateRequest};
use bollard::query_parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder};
use compose::{DockerBackend, Family, Host, InstanceEventKind, SystemRecord};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use crate::conformance::available::has_engine;
use crate::conformance::bench::{Bench, instance, pair, registry, the_leftover, until};
use crate::engine::{container, docker, labelled, usual_address};
use crate::{bench, stand_in};

/// What is not the lab's, and looks as much like it as it can.
struct Foreign {
    container: String,
    network: String,
}

impl Foreign {
    async fn make(image: &str) -> Self {
        let name = format!("lab-foreign-{}", std::process::id());
        let network = NetworkCreateRequest {
            name: name.clone(),
            labels: Some([("lab.run".to_owned(), "somebody-else".to_owned())].into()),
            ..NetworkCreateRequest::default()
        };
        let network = docker().create_network(network).await.unwrap().id;
        let body = ContainerCreateBody {
            image: Some(image.to_owned()),
            cmd: Some(vec!["/lab".to_owned(), "serve".to_owned(), "users".to_owned()]),
            labels: Some([("lab.run".to_owned(), "somebody-else".to_owned())].into()),
            env: Some(vec!["PORT=8080".to_owned(), "INSTANCE=users-1".to_owned()]),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptionsBuilder::default().name(&name).build();
        let container = docker().create_container(Some(options), body).await.unwrap().id;
        docker().start_container(&container, None).await.unwrap();
        Self { container, network }
    }

    async fn is_untouched(&self) -> bool {
        let shown = docker().inspect_container(&self.container, None).await;
        let runs = shown.is_ok_and(|shown| shown.state.unwrap().running == Some(true));
        runs && docker().inspect_network(&self.network, None).await.is_ok()
    }

    async fn remove(self) {
        let options = RemoveContainerOptionsBuilder::default().force(true).build();
        docker().remove_container(&self.container, Some(options)).await.unwrap();
        docker().remove_network(&self.network).await.unwrap();
    }
}

#[tokio::test]
async fn cleaning_up_removes_exactly_what_the_dead_lab_left() {
    if !has_engine() {
        return;
    }
    let bench = bench();
    let mut driver = bench.start_driver(pair(), false);
    let other = bench.up().await;
    let driven = bench
        .records()
        .into_iter()
        .find(|record| record.run_id == "driven")
        .unwrap();
    let image = container(&driven, "users-1").await.image.unwrap();
    let foreign = Foreign::make(&image).await;
    driver.kill();
    registry().clean(&the_leftover(&bench).await.record).await.unwrap();
    assert_eq!(labelled("lab.run", "driven", &bench.state_folder()).await, [0, 0, 0]);
    assert_eq!(labelled("lab.run", "run", &bench.state_folder()).await, [4, 2, 1]);
    assert!(
        other
            .instances()
            .await
            .iter()
            .all(|instance| instance.state.is_running())
    );

    // Without a record, only the label of the state folder tells whose it is.
    let records = bench.state_folder().join("systems");
    let kept = bench.state_folder().join("kept");
    std::fs::rename(&records, &kept).unwrap();
    let removed = bench.backend.clean_unrecorded(&bench.state_folder()).await.unwrap();
    assert_eq!(
        removed.as_deref(),
        Some("removed the containers of 1 systems that had no record any more")
    );
    assert_eq!(labelled("lab.run", "run", &bench.state_folder()).await, [0, 0, 0]);
    std::fs::rename(&kept, &records).unwrap();
    other.down().await.expect("there is nothing left to end");
    assert!(foreign.is_untouched().await);
    foreign.remove().await;
}

#[tokio::test]
async fn a_state_folder_of_the_same_path_elsewhere_is_another_one() {
    if !has_engine() {
        return;
    }
    let bench = bench();
    let system = bench.backend.up(pair(), bench.options("run")).await.unwrap();
    let (state, aside) = (bench.state_folder(), bench.state_folder().with_extension("aside"));
    // What another machine, or another container, that asks the same engine has there.
    std::fs::rename(&state, &aside).unwrap();
    let other = tempfile::tempdir().unwrap();
    let options = compose::UpOptions::new("other", other.path(), &state);
    let theirs = bench.backend.up(pair(), options).await.unwrap();
    theirs.down().await.unwrap();
    let removed = bench.backend.clean_unrecorded(&state).await.unwrap();
    assert_eq!(removed, None, "the system of a stranger");
    std::fs::remove_dir_all(&state).unwrap();
    std::fs::rename(&aside, &state).unwrap();
    assert_eq!(labelled("lab.run", "run", &state).await, [4, 2, 1]);
    system.down().await.unwrap();
}

#[tokio::test]
async fn a_start_that_is_given_up_leaves_nothing() {
    if !has_engine() {
        return;
    }
    let bench = bench();
    type Moment = (&'static str, fn(&SystemRecord) -> bool);
    let moments: [Moment; 2] = [
        ("its networks are being made", |_| true),
        ("the first container is there", |record| !record.instances.is_empty()),
    ];
    for (moment, has_come) in moments {
        {
            let mut start = std::pin::pin!(bench.backend.up(pair(), bench.options("run")));
            until(moment, async || {
                let _ = tokio::time::timeout(Duration::from_millis(1), &mut start).await;
                bench.records().iter().any(has_come)
            })
            .await;
        }
        compose::settle(Duration::from_secs(20)).await;
        let left = labelled("lab.run", "run", &bench.state_folder()).await;
        assert_eq!(left, [0, 0, 0], "given up when {moment}");
        assert!(bench.records().is_empty());
    }
}

/// Passes on to the engine what comes to a socket of its own, until it is dropped: then the engine is gone.
struct Relay(tokio::task::JoinHandle<()>);

impl Relay {
    fn start(path: &std::path::Path) -> Self {
        let _ = std::fs::remove_file(path);
        let listener = UnixListener::bind(path).unwrap();
        let engine = usual_address().strip_prefix("unix://").unwrap().to_owned();
        Self(tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let engine = engine.clone();
                connections.spawn(async move {
                    let mut engine = UnixStream::connect(engine).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut engine).await;
                });
            }
        }))
    }

    async fn stop(self) {
        self.0.abort();
        let _ = self.0.await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_goes_away_is_told_of_at_once_and_cleaned_up_when_it_is_back() {
    if !has_engine() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("engine.sock");
    let address = format!("unix://{}", socket.display());
    let relay = Relay::start(&socket);
    let backend = Arc::new(DockerBackend::at(stand_in(), &address, Host::default()).unwrap());
    let bench = Bench::new(backend, "docker::driver");
    let system = bench.up().await;
    relay.stop().await;

    until("the loss is told", async || {
        let events = bench.events_of("users-1");
        events
            .iter()
            .any(|event| matches!(event.kind, InstanceEventKind::Exited { expected: false, .. }))
    })
    .await;
    for error in [
        system.pause("users-1").await.unwrap_err(),
        system.restart("gateway-1").await.unwrap_err(),
        system.down().await.unwrap_err(),
        bench.backend.up(pair(), bench.options("other")).await.err().unwrap(),
    ] {
        assert_eq!(error.family(), Family::Environment, "{error}");
        assert!(error.is_out_of_reach(), "{error}");
        assert!(error.to_string().contains(&address), "{error}");
    }
    let record = bench.records().remove(0);
    assert!(bench.backend.running(&record).await.unwrap_err().is_out_of_reach());

    let relay = Relay::start(&socket);
    assert_eq!(bench.backend.running(&record).await.unwrap().len(), 4);
    registry().clean(&record).await.unwrap();
    assert_eq!(labelled("lab.run", "run", &bench.state_folder()).await, [0, 0, 0]);
    until("what is gone is seen to be gone", async || {
        !instance(&system, "users-1").await.state.is_running()
    })
    .await;
    relay.stop().await;
}
