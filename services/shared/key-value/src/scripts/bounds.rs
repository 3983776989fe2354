//! What scripts may take.

use std::time::Duration;

/// How long a script may run.
pub(super) const RUN_MAX: Duration = Duration::from_secs(5);
/// What all scripts together may keep.
pub(super) const MEMORY_BYTES_MAX: usize = 256 * 1024 * 1024;
/// The longest script: to compile one takes as long as the square of its length, and is not interrupted.
pub(super) const CODE_BYTES_MAX: usize = 64 * 1024;
