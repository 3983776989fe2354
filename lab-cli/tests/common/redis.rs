//! Whether there is a Redis to test with.

use compose::Host;
use compose::servers::Server;
use compose::servers::redis::Redis;

/// Whether there is a Redis to start; says so loudly where there is none, and fails where all tests are required.
#[track_caller]
pub fn is_installed() -> bool {
    let Err(none) = Redis.find(&Host::of_process()) else {
        return true;
    };
    let required = std::env::var("LAB_TESTS_REQUIRE").is_ok_and(|which| which == "all");
    assert!(!required, "a Redis is required here: {none}");
    eprintln!("SKIPPED: {none}");
    false
}
