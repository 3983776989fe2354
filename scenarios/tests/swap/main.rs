//! The swap law: what it says of arms, checks and planted faults, and that no second run is needed for it.

#[allow(dead_code, reason = "the tests of disturbances use the rest of it")]
#[path = "../disturbances/invented.rs"]
mod invented;
mod law;
mod same;
