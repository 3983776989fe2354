//! PostgreSQL for a system: where one is to be had, how a server of this machine becomes an instance, and how it is asked.
//!
//! A system has one PostgreSQL: a server of this machine, started as any other instance is, with a data folder of the
//! system's own, or the one that the user names in `POSTGRES_URL`, which the lab neither starts nor ends. Each service
//! that keeps data has a database of its own on it.

mod client;
mod description;
mod image;
mod memory;
mod server;
mod source;

pub use description::Postgres;
