//! Whether there is a server of others to test with.

use compose::Host;
use compose::servers::Server;

/// Whether there is one to start; says so loudly where there is none, and fails where all tests are required.
#[track_caller]
pub fn is_installed(server: &dyn Server) -> bool {
    let Err(none) = server.find(&Host::of_process()) else {
        return true;
    };
    super::skip(format_args!("{}: {none}", server.name()));
    false
}
