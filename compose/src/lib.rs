//! What a system is and where it runs.
//!
//! [`topology`] describes a system as data: which services, how many instances, what stands in front of them.
//! [`backend`] runs such a description somewhere: as child processes or as containers, behind one trait that other places
//! can implement. [`redis`], [`nginx`], [`kafka`] and [`postgres`] find and run the servers of others that a system may have.
//! Nothing here knows about load, scenarios or terminals.

pub mod backend;
mod capability;
mod error;
pub mod export;
pub mod health;
pub mod host;
pub mod http;
pub mod kafka;
mod machine;
pub mod nginx;
mod path_text;
mod place;
pub mod postgres;
pub mod private;
pub mod redis;
mod stamp;
mod takeover;
pub mod topology;

pub use backend::{
    Backend, BackendRegistry, DEFAULT_BACKEND, EventSink, Instance, InstanceEvent, InstanceEventKind, InstanceRecord,
    InstanceState, InstanceStats, Leftover, LogChunk, Progress, ProgressSink, Records, Registered, Requirement, Role,
    System, SystemRecord, UpOptions, backend_names, docker::DockerBackend, process::ProcessBackend,
    process::dismiss_keeper, process::keep, records, settle,
};
pub use capability::Capability;
pub use contract::{LinkConditions, Passage};
pub use error::{Error, Family};
pub use kafka::{BrokerKind, KafkaLookup, KafkaSource, kafka_source};
pub use machine::Machine;
pub use nginx::NginxLookup;
pub use postgres::{PostgresLookup, PostgresSource, postgres_source};
pub use redis::{RedisLookup, RedisSource, redis_source};
pub use stamp::ProcessStamp;
pub use topology::{BalancerKind, BalancerSpec, Limits, LinkSpec, Membership, ServiceSpec, SpecError, SystemSpec};
