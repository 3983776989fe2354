//! A constant limit.
//!
//! The idea: somebody measured how many requests the server can work on at once, and wrote it down.
//!
//! It promises that number, and moves for nothing.
//!
//! It harms when it is wrong, and it becomes wrong: with new hardware, new code, or a dependency that got slower. Too high, it
//! sheds nothing; too low, it wastes the server.
//!
//! Source: the bulkhead of M. Nygard, *Release It!*, 2nd edition, 2018, chapter 5.

use super::super::observe::{ConcurrencyLimit, LimitKind, Sample};

/// As the registry has it. Written as `static max=10`.
pub(super) const KIND: LimitKind = LimitKind {
    name: "static",
    summary: "a number that somebody chose",
    build: |words| Ok(Box::new(Constant(words.count("max", 10)?))),
};

#[derive(Debug)]
struct Constant(u32);

impl ConcurrencyLimit for Constant {
    fn limit(&self) -> u32 {
        self.0
    }

    fn observe(&mut self, _: &Sample) {}
}
