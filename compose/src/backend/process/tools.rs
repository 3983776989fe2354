//! What every system of processes uses.

use std::path::PathBuf;
use std::sync::Arc;

use super::child::Spawner;
use crate::kafka::KafkaLookup;
use crate::nginx::NginxLookup;
use crate::postgres::PostgresLookup;
use crate::redis::RedisLookup;

/// The backend's name.
pub(in crate::backend) const NAME: &str = "process";

/// What every system of this backend uses.
#[derive(Clone)]
pub(super) struct Tools {
    pub(super) program: PathBuf,
    pub(super) redis: RedisLookup,
    pub(super) postgres: PostgresLookup,
    pub(super) kafka: KafkaLookup,
    pub(super) nginx: NginxLookup,
    pub(super) spawner: Arc<Spawner>,
    pub(super) http: reqwest::Client,
}
