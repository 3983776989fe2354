//! The Docker backend, under the conformance suite and in what only it does.

#[macro_use]
mod conformance;
#[path = "docker/engine.rs"]
mod engine;
#[path = "docker/recovery.rs"]
mod recovery;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use bollard::models::ContainerInspectResponse;
use compose::{
    Backend, BackendRegistry, Capability, DockerBackend, Error, Family, Host, Limits, ServiceSpec, SystemSpec,
};
use conformance::available::{has_engine, stand_in};
use conformance::bench::{Bench, ask, guarded, instance, names, pair, until};
use contract::Program;
use engine::{container, labelled, usual_address};

fn backend() -> Arc<dyn Backend> {
    BackendRegistry::new(stand_in()).get("docker").unwrap()
}

fn bench() -> Bench {
    Bench::new(backend(), concat!(module_path!(), "::driver"))
}

conformance_suite!(backend, has_engine);

fn environment(shown: &ContainerInspectResponse) -> BTreeSet<String> {
    let config = shown.config.as_ref().unwrap();
    config.env.clone().unwrap_or_default().into_iter().collect()
}

#[tokio::test]
async fn containers_are_confined_labelled_and_published_on_this_machine_only() {
    if !has_engine() {
        return;
    }
    let bench = bench();
    let system = bench.up().await;
    for name in names(&system).await {
        let shown = container(&bench.records()[0], &name).await;
        let config = shown.config.as_ref().unwrap();
        assert_eq!(config.user.as_deref(), Some("65532:65532"), "{name}");
        let labels = config.labels.as_ref().unwrap();
        assert_eq!(labels["lab.run"], "run");
        assert_eq!(labels["lab.instance"], name);
        let health = config.healthcheck.as_ref().unwrap().test.as_ref().unwrap();
        assert_eq!(health[..3], ["CMD", "/lab", "health"]);
        let host = shown.host_config.as_ref().unwrap();
        assert_eq!(host.readonly_rootfs, Some(true));
        assert_eq!(host.cap_drop.as_deref(), Some(&["ALL".to_owned()][..]));
        assert_eq!(
            host.security_opt.as_deref(),
            Some(&["no-new-privileges".to_owned()][..])
        );
        assert_ne!(host.privileged, Some(true));
        assert!(host.pids_limit.unwrap() > 0);
        let log = host.log_config.as_ref().unwrap().config.as_ref().unwrap();
        assert!(log.contains_key("max-size") && log.contains_key("max-file"), "{log:?}");
        let network = shown.network_settings.as_ref().unwrap();
        let published: Vec<_> = network
            .ports
            .iter()
            .flatten()
            .flat_map(|(_, bound)| bound.clone())
            .collect();
        let published: Vec<_> = published.iter().flatten().collect();
        assert_eq!(published.len(), 1, "{name}: {published:?}");
        assert_eq!(published[0].host_ip.as_deref(), Some("127.0.0.1"));
        let port = instance(&system, &name).await.port.map(|port| port.to_string());
        assert_eq!(published[0].host_port, port);
        assert_eq!(
            network.networks.as_ref().unwrap().len(),
            2,
            "a data and a control network"
        );
    }
    assert_eq!(labelled("lab.run", "run", &bench.state_folder()).await, [4, 2, 1]);
    system.down().await.unwrap();
    assert_eq!(labelled("lab.run", "run", &bench.state_folder()).await, [0, 0, 0]);
}

#[tokio::test]
async fn a_service_has_one_address_for_one_instance_and_for_many() {
    if !has_engine() {
        return;
    }
    for users in [
        ServiceSpec::new(Program::Users),
        ServiceSpec::new(Program::Users).balanced(2, "round_robin"),
    ] {
        let spec = SystemSpec {
            name: "pair".into(),
            services: vec![ServiceSpec::new(Program::Gateway), users],
            entry: "gateway".into(),
            links: Vec::new(),
        };
        let bench = bench();
        let system = bench.backend.up(spec, bench.options("run")).await.unwrap();
        let shown = container(&bench.records()[0], "gateway-1").await;
        assert!(environment(&shown).contains("USERS_URL=http://users:8080"), "{shown:?}");
        assert_eq!(ask(&system.entry(), "/ready").await.unwrap().0, 200);
        system.down().await.unwrap();
    }
}

#[tokio::test]
async fn an_image_is_loaded_once_and_its_loading_is_told() {
    if !has_engine() {
        return;
    }
    // A program that no image was made of yet: the stand-in with something of this very moment behind it.
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    let mut bytes = std::fs::read(stand_in()).unwrap();
    bytes.extend(
        std::time::SystemTime::UNIX_EPOCH
            .elapsed()
            .unwrap()
            .as_nanos()
            .to_le_bytes(),
    );
    std::fs::write(&program, bytes).unwrap();
    std::fs::set_permissions(&program, std::fs::metadata(stand_in()).unwrap().permissions()).unwrap();

    let told: Arc<Mutex<Vec<compose::Progress>>> = Arc::default();
    for _ in 0..2 {
        told.lock().unwrap().clear();
        let backend = DockerBackend::new(&program).unwrap();
        let sink = Arc::clone(&told);
        let progress: compose::ProgressSink = Arc::new(move |progress| sink.lock().unwrap().push(progress));
        backend.prepare(&[pair()], Some(progress)).await.unwrap();
        let first = told.lock().unwrap().first().cloned();
        if let Some(first) = first {
            let told = told.lock().unwrap();
            assert!(first.what.contains("image of the services"));
            assert!(told.windows(2).all(|pair| pair[0].done_bytes <= pair[1].done_bytes));
            let last = told.last().unwrap();
            assert_eq!(Some(last.done_bytes), last.total_bytes);
        }
    }
    assert!(
        told.lock().unwrap().is_empty(),
        "the second time there is nothing to load"
    );
    engine::remove_image_with("lab-services").await;
}

#[tokio::test]
async fn limits_are_set_changed_and_lifted() {
    if !has_engine() {
        return;
    }
    let bench = bench();
    let mut spec = pair();
    spec.services[1] = spec.services[1].clone().limited(Limits {
        cpu_milli: Some(500),
        memory_mib: Some(64),
    });
    let system = bench.backend.up(spec, bench.options("run")).await.unwrap();
    let limits = async || {
        let shown = container(&bench.records()[0], "users-1").await;
        let host = shown.host_config.unwrap();
        (host.nano_cpus.unwrap(), host.memory.unwrap())
    };
    assert_eq!(limits().await, (500_000_000, 64 << 20));
    system.limit_cpu("users-1", Some(0.25)).await.unwrap();
    assert_eq!(limits().await.0, 250_000_000);
    system.limit_cpu("users-1", None).await.unwrap();
    assert!(limits().await.0 >= 1_000_000_000, "as much as there is");
    system.restart("users-1").await.unwrap();
    assert_eq!(
        limits().await.0,
        500_000_000,
        "a restart brings back what was asked for"
    );
    let error = system.limit_cpu("users-9", None).await.unwrap_err();
    assert!(matches!(error, Error::UnknownInstance { .. }), "{error}");
    system.down().await.unwrap();
}

#[tokio::test]
async fn a_disconnected_instance_is_lost_to_the_others_and_can_still_be_asked() {
    if !has_engine() {
        return;
    }
    let bench = bench();
    let system = bench.up().await;
    let users = instance(&system, "users-1").await.url.unwrap();
    let gateway = instance(&system, "gateway-1").await.url.unwrap();
    for _ in 0..2 {
        system.connect("users-1", false).await.unwrap();
        system.connect("users-1", false).await.expect("twice is no error");
        assert_eq!(ask(&users, "/health").await.unwrap().0, 200);
        until("the gateway has lost it", async || {
            ask(&gateway, "/ready").await.unwrap().0 == 503
        })
        .await;
        system.connect("users-1", true).await.unwrap();
        system.connect("users-1", true).await.expect("twice is no error");
        until("the gateway has found it again", async || {
            ask(&gateway, "/ready").await.unwrap().0 == 200
        })
        .await;
    }
    system.down().await.unwrap();
}

#[tokio::test]
async fn a_redis_that_containers_cannot_reach_is_refused_before_anything_starts() {
    if !has_engine() {
        return;
    }
    let host = Host::default().with("REDIS_URL", "redis://:secret@127.0.0.1:6379");
    let backend = Arc::new(DockerBackend::at(stand_in(), &usual_address(), host).unwrap());
    let bench = Bench::new(backend, "docker::driver");
    let error = bench.backend.up(guarded(), bench.options("run")).await.err().unwrap();
    assert_eq!(error.family(), Family::Environment);
    let message = error.to_string();
    assert!(
        message.contains("containers do not reach") && !message.contains("secret"),
        "{message}"
    );
    assert!(bench.records().is_empty());
}

#[tokio::test]
async fn without_an_engine_nothing_is_started_and_what_to_do_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("unix://{}/none.sock", folder.path().display());
    let backend = Arc::new(DockerBackend::at(stand_in(), &address, Host::default()).unwrap());
    let bench = Bench::new(backend, "docker::driver");
    assert!(bench.backend.capabilities().contains(&Capability::Disconnect));
    let error = bench.backend.up(pair(), bench.options("run")).await.err().unwrap();
    assert_eq!(error.family(), Family::Environment);
    assert!(error.to_string().contains(&address), "{error}");
    assert!(bench.records().is_empty());
}
