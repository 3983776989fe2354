//! Whether there is a Redis to test with.

use compose::servers::redis::Redis;

use super::servers;

/// Whether there is a Redis to start; says so loudly where there is none, and fails where all tests are required.
#[track_caller]
pub fn is_installed() -> bool {
    servers::is_installed(&Redis)
}
