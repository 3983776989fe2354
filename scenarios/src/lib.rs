//! The engine of the laboratory: what a scenario is, how it is run, what was measured and what that proves.
//!
//! Data flows one way: a [`scenario::Scenario`] becomes a [`plan::Plan`]; the [`engine`] runs the plan and emits
//! [`event::RunEvent`]s; [`state::RunState`] folds them, purely; every display and report draws that state.

pub mod action;
pub mod catalog;
pub mod checks;
pub mod compare;
pub mod disturbance;
pub(crate) mod doubt;
pub mod engine;
pub mod event;
pub mod exit;
pub mod expression;
pub mod format;
pub mod guess;
pub mod lesson;
pub mod lint;
pub mod misconceptions;
pub mod plan;
pub mod prediction;
pub mod prometheus;
pub mod recorded;
pub mod scenario;
pub mod state;
pub mod summary;
pub mod swap;
pub(crate) mod template;
pub mod theory;
pub mod unit;
pub mod verdict;
