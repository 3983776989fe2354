//! The conformance suite of backends over each of them, with the real program and the real services.

#[macro_use]
#[path = "../../compose/tests/conformance/mod.rs"]
mod conformance;

use std::sync::Arc;

use compose::{Backend, DockerBackend, ProcessBackend};

mod process {
    use super::*;

    fn backend() -> Arc<dyn Backend> {
        Arc::new(ProcessBackend::new(env!("CARGO_BIN_EXE_lab")).unwrap())
    }

    conformance_suite!(backend, conformance::available::always);
}

mod docker {
    use super::*;

    fn backend() -> Arc<dyn Backend> {
        Arc::new(DockerBackend::new(env!("CARGO_BIN_EXE_lab")).unwrap())
    }

    conformance_suite!(backend, conformance::available::has_engine);
}
