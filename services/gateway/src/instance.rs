//! Which instance answers.

use serde::Serialize;

/// The name of this instance.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Instance(pub(crate) String);
