//! An nginx as the balancer in front of a service, beside the lab's own: what it can do of what the lab's can, its
//! configuration, and where it comes from.

mod config;
mod method;
mod offer;
mod server;
mod source;

pub(crate) use config::{Place, render};
pub use offer::lacking;
pub(crate) use server::write;
pub use server::{become_server, version};
pub use source::NginxLookup;

/// Every administration path of the lab's own balancer begins like this; nginx passes none of them on.
pub(crate) const ADMIN: &str = "/_balancer/";
/// Answers with the stamp of the configuration that is in force.
pub(crate) const READY: &str = "/_balancer/ready";
/// What the stamp of a first configuration is.
pub(crate) const FIRST: &str = "first";
