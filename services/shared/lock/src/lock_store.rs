//! Where locks are kept: a Redis, and what it does in one step each.

use store::Redis;

use crate::scripts::Scripts;

pub(crate) struct LockStore {
    pub(crate) redis: Redis,
    pub(crate) scripts: Scripts,
}

impl LockStore {
    pub(crate) fn new(redis: Redis) -> Self {
        Self {
            redis,
            scripts: Scripts::new(),
        }
    }

    /// Where the owner of the lock on `key` stands.
    pub(crate) fn lock_key(&self, key: &str) -> String {
        self.redis.key("lock", key)
    }

    /// Where the newest token of `key` stands.
    pub(crate) fn token_key(&self, key: &str) -> String {
        self.redis.key("token", key)
    }
}
