//! The swap law: let two arms change places everywhere but under the checks, and the run must not pass any more.
//!
//! A check earns its place when a wrong system fails it. The nearest wrong system is the arm beside it: whoever mixes two arms
//! up must be found out, unless the scenario says that the two behave alike. A check that no swap disturbs says nothing
//! about the arms; then a fault that is planted on purpose has to disturb it.
//!
//! # Why no second run is needed
//!
//! One run gives every swap, because swapping two arms and running is the same as running and swapping what was measured:
//!
//! - Each turn brings up a system of its own and measures one arm. Nothing of an arm reaches the turns of another.
//! - Every figure of an arm is computed from what is planned for that arm and what its own turns measured, never from its
//!   name. A figure that involves two arms is made by the expression of a check, and expressions find arms by name.
//! - Bounds depend on parameters, rounds and cores, which all arms share, and never on an arm. So does what theory predicts.
//! - Why an arm is in doubt is decided from the same two things as its figures, so doubt moves with them.
//!
//! What is left is chance (a second run would draw other numbers) and which of the two is measured first in a round,
//! and rounds alternate that anyway. So [`arranged()`] gives a place the plan and the measurements of another arm, and leaves
//! there its name and its label, by which checks and people find it. A test holds it to the events of a run in which the
//! arms were exchanged beforehand.

mod arranged;
mod change;
mod examined;
mod seen;

pub use arranged::{arranged, exchanged};
pub use change::{Change, Declared};
pub use examined::{Changed, Examined, Fault, examine};
pub use seen::Seen;
