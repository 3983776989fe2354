//! What every system of containers uses.

use super::engine::Engine;
use super::gates::Gates;
use super::image::Images;
use crate::kafka::KafkaLookup;
use crate::postgres::PostgresLookup;
use crate::redis::RedisLookup;

/// The backend's name.
pub(in crate::backend) const NAME: &str = "docker";

/// What every system of this backend uses.
pub(super) struct Tools {
    pub(super) engine: Engine,
    pub(super) images: Images,
    pub(super) gates: Gates,
    pub(super) redis: RedisLookup,
    pub(super) postgres: PostgresLookup,
    pub(super) kafka: KafkaLookup,
    pub(super) http: reqwest::Client,
}
