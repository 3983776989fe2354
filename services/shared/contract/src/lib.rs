//! What the services say to one another and to those who start them: wire types, service names, the names of
//! environment variables, and the limits that both sides of a call rely on.
//!
//! There is no runtime in here, so that anything may depend on it.

mod allowed;
mod contested;
mod declared;
pub mod environment;
pub mod events;
pub mod json;
pub mod kind;
pub mod limits;
mod link;
mod problem;
mod program;
mod resilience;
pub mod routes;
mod saga;
mod secret;
mod steps;
mod story;
mod strategy;
mod stream;
mod upstream;
mod validate;
mod wire;

pub use allowed::Allowed;
pub use contested::{Account, Booking, Debit, LockTrials, NewBalance, NewBooking, NewDebit, NewLockTrials, NewProduct};
pub use link::{LinkConditions, Passage};
pub use problem::Problem;
pub use program::{Program, ProgramKind, UnknownProgram};
pub use resilience::{
    BreakerChange, BreakerFor, BreakerReport, CallPolicies, CallsReport, OFF, PlacesReport, PolicyChange, Resilience,
};
pub use saga::{OrdersSummary, PaymentsSummary, ProductsSummary, SagaOrder, Transition};
pub use secret::{Secret, redact};
pub use steps::{STEPS_HEADER, Step, StepKind, Stepped};
pub use story::{Chapter, Meaning, Story};
pub use strategy::{DECISION_HEADER, STRATEGY_HEADER, Strategy, UnknownStrategy};
pub use stream::{DeadLetters, Effects, Figures, Rebuilt};
pub use upstream::{AVOID_HEADER, NO_UPSTREAM, UPSTREAM_HEADER, UpstreamEntry, UpstreamEntryError, UpstreamStatus};
pub use validate::{Validate, Violation, check_text};
pub use wire::{
    AnalyticsSummary, CountReading, Dashboard, DashboardPart, EventCount, Login, NewEvent, NewOrder, NewPayment,
    NewReservation, NewUser, Order, OrderStatus, Payment, PaymentReport, PaymentStatus, Pending, Product, Reservation,
    Token, User,
};
