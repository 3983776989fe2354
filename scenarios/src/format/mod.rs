//! What a scenario file says: the types of `scenario.toml`, and how its text becomes them.
//!
//! A scenario is data. Numbers may be written as numbers or as expressions over the scenario's parameters
//! (see [`Quantity`]); texts may hold `{parameter}` places that are filled before the run. Everything here is
//! what a person writes, so unknown keys are refused and every reference keeps its place in the file for errors.
//! Whether what is written makes sense is looked at elsewhere ([`crate::scenario`], [`crate::lint`]).

mod action;
mod check;
mod clients;
mod document;
mod error;
mod invariant;
mod load;
mod need;
mod number;
mod predict;
mod probe;
mod quantity;
mod read;
mod run;
mod scan;
mod schema;
mod simulation;
mod source;
mod system;

pub use action::{Action, ActionVerb, WindowSection};
pub use check::Check;
pub use clients::{Ask, Clients, Reading};
pub use document::{Document, FORMAT_VERSION};
pub use error::{FormatError, Problem, line_and_column, suggestion};
pub use invariant::InvariantSection;
pub use load::{ArrivalsKind, Closed, Load, RequestSection, SearchSection, Step};
pub use need::Need;
pub use number::ROUNDS_MAX;
pub use predict::{Choice, Predict};
pub use probe::{Probe, StorySection};
pub use quantity::{Place, Quantity, QuantityValue};
pub use read::{ReadError, plain, text_of};
pub use run::{ChoiceParam, Param, RunSection};
pub(crate) use scan::first_hidden;
pub use scan::is_hidden;
pub use schema::json_schema;
pub use simulation::{Figure, SimulationKind, SimulationSection};
pub use source::{LESSON_FILE, SCENARIO_FILE, Source};
pub use system::{Arm, Liveness, MembershipKind, Planted, RestartKind, Service, SystemSection};
