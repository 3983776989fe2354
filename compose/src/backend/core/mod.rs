//! What all backends have in common: a system's state and record, the order of its start and end, scaling, waiting for
//! readiness, and taking up a system that another lab started.
//!
//! A backend adds the two things in which places differ: a [`Platform`], which starts an instance, and a [`Handle`] on
//! what was started.

mod admin;
mod attach;
mod control;
mod elsewhere;
pub(super) mod files;
mod front;
mod furnish;
mod launch;
mod log;
mod nginx;
mod platform;
mod readiness;
pub(super) mod record;
mod renewal;
mod scale;
pub(super) mod settle;
mod slot;
mod start;
mod stop;
mod system;
mod watchers;

pub(super) use self::record::Sources;
pub(super) use admin::client;
pub(super) use platform::{Exit, Handle, LaunchRequest, Launched, OnExit, Platform};
pub(super) use renewal::Renewal;
pub(super) use settle::remember;
pub(super) use start::is_free;
pub(super) use system::RunningSystem;
