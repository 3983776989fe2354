//! What a backend needs of the machine before its tests can run.

#![allow(dead_code, reason = "every test target uses a part of it")]

use std::sync::OnceLock;

/// Every machine can run processes.
pub fn always() -> bool {
    true
}

/// Whether a Docker engine answers; says so loudly where none does, and fails where all tests are required.
#[track_caller]
pub fn has_engine() -> bool {
    static VERSION: OnceLock<Result<String, String>> = OnceLock::new();
    let ask = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let backend = compose::DockerBackend::of_current_program().unwrap();
            backend.engine_version().await.map_err(|error| error.to_string())
        })
    };
    // A runtime cannot be waited for on a thread that drives another one.
    let version = VERSION.get_or_init(|| std::thread::spawn(ask).join().unwrap());
    let Err(reason) = version else { return true };
    testing::skip(reason);
    false
}

/// The example that stands in for `lab`; `cargo test` builds it beside the tests.
pub fn stand_in() -> std::path::PathBuf {
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
