//! Limits that all instances share: their state is in Redis, and one script decides there, by the time of Redis.
//!
//! Each policy of `reliability::rate` has its script, which follows it number by number, in whole microseconds. A script runs
//! alone, so two instances cannot both take the last place.

use std::time::Duration;

use redis::Script;
use reliability::SettingsError;
use reliability::rate::{Decision, Quota, RateLimitSettings};
use store::{Redis, RedisError};

/// Whole numbers above this have no exact form in Lua.
const EXACT_MAX: u128 = 1 << 53;
/// Who does not hear from Redis in this time decides without it. Shorter would admit too many whenever the machine is busy.
const WAIT: Duration = Duration::from_secs(1);

/// A limit for each client, in Redis.
pub(crate) struct SharedLimit {
    redis: Redis,
    script: Script,
    /// What the keys are of: policies keep different things.
    kind: String,
    quota: Quota,
}

impl SharedLimit {
    /// # Errors
    /// When the quota's numbers are too large for a script.
    pub(crate) fn new(redis: Redis, settings: &RateLimitSettings) -> Result<Self, SettingsError> {
        let RateLimitSettings { kind, quota } = settings;
        let parts = u128::from(quota.limit.max(quota.burst)) * quota.window.as_micros();
        if parts >= EXACT_MAX {
            return Err(SettingsError::Contradiction(
                "limit and burst times window must stay below 2^53 microseconds in Redis",
            ));
        }
        Ok(Self {
            redis,
            script: Script::new(&kind.script()),
            kind: format!("limit:{}", kind.name()),
            quota: *quota,
        })
    }

    pub(crate) fn redis(&self) -> &Redis {
        &self.redis
    }

    /// Decides about a request of `client`.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub(crate) async fn admit(&self, client: &str) -> Result<Decision, RedisError> {
        self.decide(client).await.map(|(decision, _)| decision)
    }

    /// The decision, and the time since 1970 at which it was made.
    async fn decide(&self, client: &str) -> Result<(Decision, Duration), RedisError> {
        let window_us = u64::try_from(self.quota.window.as_micros()).unwrap_or(u64::MAX);
        let mut script = self.script.prepare_invoke();
        script
            .key(self.redis.key(&self.kind, client))
            .arg(self.quota.limit)
            .arg(window_us)
            .arg(self.quota.burst);
        let (admitted, answer, now_us): (u8, u64, u64) = self.redis.run(&script, WAIT).await?;
        let decision = if admitted == 1 {
            Decision::Admitted {
                remaining: u32::try_from(answer).unwrap_or(u32::MAX),
            }
        } else {
            Decision::Refused {
                retry_after: Duration::from_micros(answer),
            }
        };
        Ok((decision, Duration::from_micros(now_us)))
    }
}

#[cfg(test)]
mod tests {
    use chassis::Shutdown;
    use reliability::rate::REGISTRY;
    use store::testing::RedisServer;

    use super::*;

    /// The built-in Redis, for as long as the runtime lives.
    async fn built_in() -> String {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let listener = listener.into_std().unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                key_value::run(listener, &Shutdown::never()).await.unwrap();
            });
        });
        url
    }

    fn shared(url: &str, line: &str) -> SharedLimit {
        SharedLimit::new(Redis::connect(url, "test:").unwrap(), &line.parse().unwrap()).unwrap()
    }

    /// Asks as fast as it goes, over windows of a few milliseconds, and holds each decision against that of the policy in memory,
    /// which is told the time of Redis.
    async fn assert_decides_as_in_memory(url: &str, requests: u32) {
        for kind in REGISTRY {
            for quota in [
                "limit=1 window=2ms",
                "limit=7 window=3ms burst=3",
                "limit=5 window=10ms burst=12",
            ] {
                let line = format!("{} {quota}", kind.name());
                let limit = shared(url, &line);
                let client = quota.replace(' ', "-");
                let mut model = line.parse::<RateLimitSettings>().unwrap().build();
                let mut refused = 0;
                for request in 0..requests {
                    let (decision, now) = limit.decide(&client).await.unwrap();
                    assert_eq!(decision, model.admit(now), "{line}, request {request} at {now:?}");
                    refused += u32::from(!decision.is_admitted());
                }
                assert!(
                    refused > 0 && refused < requests,
                    "{line}: {refused} of {requests} refused"
                );
            }
        }
    }

    #[tokio::test]
    async fn a_script_decides_as_its_policy_does_in_memory() {
        if let Some(real) = RedisServer::start() {
            assert_decides_as_in_memory(&real.url(), 400).await;
        }
        assert_decides_as_in_memory(&built_in().await, 400).await;
    }

    #[tokio::test]
    async fn what_is_forgotten_is_as_if_it_had_never_been() {
        let Some(real) = RedisServer::start() else { return };
        for kind in REGISTRY {
            let limit = shared(&real.url(), &format!("{} limit=2 window=20ms", kind.name()));
            limit.admit("a").await.unwrap();
            let key = limit.redis.key(&limit.kind, "a");
            let is_there = || async { limit.redis.query::<bool>(redis::cmd("EXISTS").arg(&key)).await.unwrap() };
            assert!(is_there().await, "{}", kind.name());
            while is_there().await {}
            assert!(limit.admit("a").await.unwrap().is_admitted());
        }
    }

    #[tokio::test]
    async fn numbers_that_lua_cannot_hold_are_refused() {
        let redis = Redis::connect("redis://127.0.0.1:1", "test:").unwrap();
        let settings = "gcra limit=1000000000 window=10000s".parse().unwrap();
        assert!(SharedLimit::new(redis, &settings).is_err());
    }
}
