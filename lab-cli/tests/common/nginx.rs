//! Whether there is an nginx to test with.

use compose::servers::nginx::Nginx;

use super::servers;

/// Whether there is an nginx to start; says so loudly where there is none, and fails where all tests are required.
#[track_caller]
pub fn is_installed() -> bool {
    servers::is_installed(&Nginx)
}
