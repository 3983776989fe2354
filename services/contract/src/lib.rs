//! What the services say to one another and to those who start them: wire types, service names, the names of
//! environment variables, and the limits that both sides of a call rely on.
//!
//! There is no runtime in here, so that anything may depend on it.

pub mod environment;
pub mod limits;
mod problem;
mod service;
mod validate;
mod wire;

pub use problem::Problem;
pub use service::{ServiceName, UnknownService};
pub use validate::{Validate, Violation};
pub use wire::{
    AnalyticsSummary, CountReading, Dashboard, DashboardPart, EventCount, Login, NewEvent, NewOrder, NewPayment,
    NewReservation, NewUser, Order, OrderStatus, Payment, PaymentReport, PaymentStatus, Product, Reservation, Token,
    User,
};
