//! What every HTTP service shares, so that a service is its routes and its data.
//!
//! A service reads its [`Settings`] from the environment, puts its routes into an [`App`] (which adds health, readiness,
//! metrics, problem answers, traces and declared work) and hands the result to [`serve`]. [`run()`] is the whole process.

mod app;
mod burn;
mod call_error;
mod client;
mod clock;
mod deadline_layer;
mod debt;
mod due;
mod effort;
mod environment;
mod expired;
mod extract;
mod failure;
mod listener;
mod patient;
mod reply;
mod run;
mod serve_error;
mod server;
mod settings;
mod share;
mod shutdown;
mod slots;
mod slowness;
mod stage;
pub mod testing;
mod timer;
mod work;
mod work_control;

pub use app::{App, Check};
pub use burn::burn;
pub use call_error::CallError;
pub use client::{Callee, Client, Message};
pub use clock::unix_ms;
pub use debt::Debt;
pub use due::{Due, WithDue, without_deadline};
pub use effort::Effort;
pub use environment::{Environment, SettingsError};
pub use extract::{BodyBytes, Json, Path, PathParameter, Query, RowLimit, is_json, read_body};
pub use failure::{Failure, watch_internal_errors};
pub use listener::{Listener, bind};
pub use patient::Limits;
pub use reply::Reply;
pub use run::run;
pub use serve_error::ServeError;
pub use server::{GRACE, serve, serve_beside, serve_connections};
pub use settings::{
    Abandoned, CpuWork, Distribution, KafkaSettings, Readiness, RedisSettings, Settings, TailOf, WorkSettings,
};
pub use share::{ShareOfKeys, ShareOfRequests};
pub use shutdown::{Shutdown, ShutdownTrigger};
pub use slowness::Slowness;
pub use timer::Timer;
pub use work::Work;
