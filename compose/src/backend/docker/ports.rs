//! The ports that instances listen on in their containers.

use contract::Program;

pub(super) const HTTP_PORT: u16 = 8080;
pub(super) const REDIS_PORT: u16 = 6379;
pub(super) const KAFKA_PORT: u16 = 9092;
pub(super) const POSTGRES_PORT: u16 = 5432;
/// Where a link takes connections; at the other port it is controlled.
pub(super) const LINK_PORT: u16 = 8081;

/// The port that an instance listens on in its container.
pub(crate) const fn inner_port(program: Program) -> u16 {
    match program {
        Program::Redis => REDIS_PORT,
        Program::Kafka => KAFKA_PORT,
        Program::Postgres => POSTGRES_PORT,
        _ => HTTP_PORT,
    }
}
