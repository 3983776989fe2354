//! An nginx as the balancer in front of a service, beside the lab's own: what it can do of what the lab's can, its
//! configuration, and where it comes from.

mod config;
mod description;
mod method;
mod offer;
mod server;
mod source;

pub(crate) use config::READY;
pub use description::Nginx;
pub(crate) use offer::lacking;
