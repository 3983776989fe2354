//! What the tests of all crates share: how one says that a program which it needs is not there.

use std::fmt::Display;

/// Where all tests are required, this variable is `all`: CI sets it.
pub const REQUIRE: &str = "LAB_TESTS_REQUIRE";

/// Says loudly what stands in the way of a test, which is then skipped.
///
/// # Panics
/// Where all tests are required.
#[track_caller]
pub fn skip(missing: impl Display) {
    let required = std::env::var(REQUIRE).is_ok_and(|which| which == "all");
    assert!(!required, "required here: {missing}");
    eprintln!("SKIPPED: {missing}");
}
