//! The process backend, under the conformance suite and in what only it does.

#[macro_use]
mod conformance;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use compose::topology::named_system;
use compose::{Backend, Error, Family, ProcessBackend, System, SystemSpec, UpOptions};

/// The example that stands in for `lab`; `cargo test` builds it beside this test.
fn stand_in() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().and_then(std::path::Path::parent).unwrap();
    let program = target.join("examples").join("stand_in");
    assert!(
        program.is_file(),
        "{} is missing; `cargo build --example stand_in` makes it",
        program.display()
    );
    program
}

fn backend() -> Arc<dyn Backend> {
    Arc::new(ProcessBackend::new(stand_in()).unwrap())
}

conformance_suite!(backend);

async fn up(folder: &std::path::Path, spec: SystemSpec, stop_timeout: Duration) -> Result<Arc<dyn System>, Error> {
    let mut options = UpOptions::new("run", folder.join("run"), folder.join("state"));
    options.stop_timeout = stop_timeout;
    backend().up(spec, options).await
}

#[tokio::test]
async fn a_missing_program_is_an_error_of_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no-lab");
    let options = UpOptions::new("run", folder.path().join("run"), folder.path().join("state"));
    let error = ProcessBackend::new(&missing)
        .unwrap()
        .up(named_system("users").unwrap(), options)
        .await
        .err()
        .unwrap();
    assert_eq!(error.family(), Family::Environment);
    assert!(error.to_string().contains(missing.to_str().unwrap()), "{error}");
    assert!(
        compose::records(&folder.path().join("state"))
            .unwrap()
            .systems
            .is_empty()
    );
}

#[tokio::test]
async fn an_instance_that_ignores_the_request_to_end_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = named_system("users").unwrap();
    spec.services[0].env.insert("IGNORE_TERM".into(), "1".into());
    let system = up(folder.path(), spec, Duration::from_millis(50)).await.unwrap();
    system.down().await.unwrap();
    assert!(
        system
            .instances()
            .await
            .iter()
            .all(|instance| !instance.state.is_running())
    );
}

#[tokio::test]
async fn an_instance_that_never_listens_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = named_system("users").unwrap();
    spec.services[0].env.insert("SILENT".into(), "1".into());
    let mut options = UpOptions::new("run", folder.path().join("run"), folder.path().join("state"));
    options.ready_timeout = Duration::from_millis(300);
    let error = backend().up(spec, options).await.err().unwrap();
    assert!(
        error.to_string().contains("users-1 has not said on which port"),
        "{error}"
    );
}

#[tokio::test]
async fn a_start_that_is_given_up_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = named_system("users").unwrap();
    spec.services[1].env.insert("SILENT".into(), "1".into());
    let state = folder.path().join("state");
    let record = {
        let mut start = std::pin::pin!(up(folder.path(), spec, Duration::from_secs(2)));
        loop {
            // Dropped half-way: users listens, the gateway never will.
            let _ = tokio::time::timeout(Duration::from_millis(5), &mut start).await;
            let found = compose::records(&state).unwrap().systems;
            if let Some(record) = found.into_iter().find(|record| record.instances.len() == 2) {
                break record;
            }
        }
    };
    let processes: Vec<_> = record.instances.into_iter().map(|instance| instance.process).collect();
    let start = Instant::now();
    while processes.iter().any(compose::backend::process::ProcessStamp::is_alive) {
        assert!(start.elapsed() < Duration::from_secs(20), "processes stayed");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(compose::records(&state).unwrap().systems.is_empty());
}

#[tokio::test]
async fn a_folder_with_blanks_and_odd_characters_is_no_problem() {
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join("a run?#%20 ü");
    let system = up(&odd, named_system("users").unwrap(), Duration::from_secs(2))
        .await
        .unwrap();
    system.down().await.unwrap();
}

#[tokio::test]
#[ignore = "a measurement, for an idle machine"]
async fn start_up_time_of_the_full_system() {
    for round in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let spec = named_system("full").unwrap();
        let (start, processes) = (Instant::now(), spec.process_count());
        let system = up(folder.path(), spec, Duration::from_secs(2)).await.unwrap();
        let (up_time, start) = (start.elapsed(), Instant::now());
        system.down().await.unwrap();
        println!(
            "round {round}: {processes} processes up in {up_time:?}, down in {:?}",
            start.elapsed()
        );
    }
}
