//! Prometheus: collects the metrics of every instance of a system, for whoever looks at them or asks for them.

mod config;
mod description;
mod server;

pub use description::Prometheus;
