//! What a run came to, as one typed value: arms, classes, figures, checks and the outcome.
//!
//! [`RunSummary`] is computed once from a [`crate::state::RunState`]. Its figures, serialised, are the scope of expressions
//! and lessons; every display and report formats it. The bootstrap draws the same figures again.

mod answers;
mod arm;
mod class;
mod drawing;
mod driven;
mod figures;
mod instances;
mod invariants;
mod latencies;
mod measured;
mod operations;
mod outcome;
mod parts;
mod recovery;
mod run;
mod scope;
mod search;
mod simulated;

pub use answers::Answers;
pub use arm::{ArmSummary, class_names};
pub use class::{Answered, ClassSummary, Counts, WindowSummary};
pub(crate) use drawing::{Drawn, draw};
pub use figures::Figures;
pub use instances::InstanceSummary;
pub use invariants::{InvariantSummary, Peak};
pub use latencies::Latencies;
pub use measured::{Measured, all_classes};
pub use operations::{Distribution, OperationsSummary, Quiescent};
pub use outcome::Outcome;
pub use recovery::Recovery;
pub use run::RunSummary;
pub(crate) use scope::{filled, filled_as_run};
pub use search::{Found, SearchSummary};
