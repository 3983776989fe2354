//! Redis for a system: where one is to be had, how a program of the host becomes an instance, and how it is asked.
//!
//! A system has one Redis: a `redis-server` or `valkey-server` of this machine, started as any other instance is and
//! with nothing on disk; where there is none, the server that is built into the lab; or the one that the user names in
//! `REDIS_URL`, which the lab neither starts nor ends.

mod client;
mod description;
mod server;
mod source;

pub use description::Redis;
