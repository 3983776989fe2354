//! The part of the conformance suite that tasks can do, and what the registry makes of a third backend.

use super::super::core::files::records;
use super::super::registry::BackendRegistry;
use super::*;
use crate::conformance::available::always;
use crate::conformance_suite;
use crate::topology::named_system;

fn backend() -> Arc<dyn Backend> {
    BackendRegistry::of_current_program().unwrap().get(NAME).unwrap()
}

// What is left out asks for what it does not declare, for a balancer or a link that does its work, or for processes.
conformance_suite!(backend, always:
    every_instance_comes_up_ready, unknown_names_are_answered_with_the_known_ones, a_run_id_is_used_once,
    the_entry_takes_the_port_it_is_given, logs_can_be_followed, stats_are_told_of_running_instances,
    down_leaves_nothing, a_dropped_system_ends, scaling_refuses_what_cannot_be, a_killed_instance_is_gone,
    an_instance_restarts_on_its_port,
);

const NAMES: [&str; 2] = ["gateway-1", "users-1"];

#[tokio::test]
async fn a_backend_of_one_line_is_started_taken_up_and_cleaned_up_as_any_other() {
    let without = BackendRegistry::of_current_program().unwrap().without(NAME);
    let registry = BackendRegistry::of_current_program().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let mut options = UpOptions::new("run", folder.path().join("run"), &state);
    options.detach = true;
    let backend = registry.get(NAME).unwrap();
    let system = backend.up(named_system("users").unwrap(), options).await.unwrap();
    drop(system);

    let record = records(&state).unwrap().systems.remove(0);
    assert_eq!(
        (record.backend.as_str(), &record.platform["where"]),
        (NAME, &json!(PLACE))
    );
    let sorted = async |registry: &BackendRegistry, record: &SystemRecord| {
        registry.running(record).await.map(BTreeSet::from_iter)
    };
    assert_eq!(
        sorted(&registry, &record).await.unwrap(),
        BTreeSet::from(NAMES.map(str::to_owned))
    );
    assert_eq!(registry.leftovers(&state).await.unwrap(), [], "left running on purpose");

    // A lab without it leaves the system alone, and says which backend it would need.
    let error = without.clean(&record).await.unwrap_err();
    assert!(error.to_string().contains(NAME), "{error}");
    assert_eq!(without.leftovers(&state).await.unwrap(), []);

    let system = registry.of(&record).unwrap().attach(record.clone()).await.unwrap();
    assert!(
        system
            .instances()
            .await
            .iter()
            .all(|instance| instance.role == Role::Instance)
    );
    system.kill("gateway-1").await.unwrap();
    assert_eq!(registry.running(&record).await.unwrap(), ["users-1"]);
    system.restart("gateway-1").await.unwrap();
    let error = system.pause("users-1").await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");

    let record = records(&state).unwrap().systems.remove(0);
    registry.clean(&record).await.unwrap();
    assert_eq!(registry.running(&record).await.unwrap(), Vec::<String>::new());
    assert!(records(&state).unwrap().systems.is_empty());
}

#[test]
fn what_can_be_done_instead_is_computed_from_what_backends_declare() {
    let registry = BackendRegistry::of_current_program().unwrap();
    let able = |needed: &[Capability]| registry.able(&needed.iter().copied().collect());
    assert!(able(&[Capability::Kill]).contains(&NAME));
    let with_pause = able(&[Capability::Kill, Capability::Pause]);
    assert!(!with_pause.contains(&NAME) && !with_pause.is_empty(), "{with_pause:?}");
}
