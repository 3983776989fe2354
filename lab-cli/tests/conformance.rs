//! The conformance suite of backends over the process backend, with the real program and the real services.

#[macro_use]
#[path = "../../compose/tests/conformance/mod.rs"]
mod conformance;

use std::sync::Arc;

use compose::{Backend, ProcessBackend};

fn backend() -> Arc<dyn Backend> {
    Arc::new(ProcessBackend::new(env!("CARGO_BIN_EXE_lab")).unwrap())
}

conformance_suite!(backend);
