//! A limit of a rate as a team writes it.

use std::str::FromStr;
use std::time::Duration;

use super::kind::RateLimitKind;
use super::limit::{Quota, RateLimit, micros};
use super::policies::REGISTRY;
use crate::config::{SettingsError, Words, find};

/// Written as `gcra limit=5 window=10s burst=5`: the policy's name, requests in a window (100 in 1 s unless said), and for
/// policies that refill bit by bit how many may come at once (as many as the limit unless said).
#[derive(Debug, Clone, Copy)]
pub struct RateLimitSettings {
    /// The policy.
    pub kind: RateLimitKind,
    /// How much is allowed.
    pub quota: Quota,
}

impl RateLimitSettings {
    /// A fresh limit for one client.
    #[must_use]
    pub fn build(&self) -> Box<dyn RateLimit> {
        self.kind.build(self.quota)
    }
}

impl FromStr for RateLimitSettings {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, rest) = find("rate limit", REGISTRY, text)?;
        let mut words = Words::of(rest)?;
        let limit = words.count("limit", 100)?;
        let window = words.time("window", Duration::from_secs(1))?;
        let burst = words.count("burst", limit)?;
        words.end()?;
        if micros(window) < u64::from(limit) {
            return Err(SettingsError::Contradiction(
                "limit allows more than one request a microsecond",
            ));
        }
        Ok(Self {
            kind: *kind,
            quota: Quota { limit, window, burst },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_is_found_by_its_name() {
        for kind in REGISTRY {
            let settings: RateLimitSettings = format!("{} limit=5 window=10s", kind.name()).parse().unwrap();
            assert_eq!(settings.kind.name(), kind.name());
            assert_eq!(settings.quota, Quota::new(5, Duration::from_secs(10)));
        }
    }

    #[test]
    fn a_mistake_is_answered_with_what_would_do() {
        let mistake = |text: &str| text.parse::<RateLimitSettings>().unwrap_err().to_string();
        let known: Vec<&str> = REGISTRY.iter().map(RateLimitKind::name).collect();
        assert_eq!(
            mistake("leaky limit=5"),
            format!(
                "there is no rate limit named \"leaky\"; use one of {}",
                known.join(", ")
            )
        );
        assert_eq!(
            mistake("gcra limits=5"),
            "there is no setting \"limits\" here; there are limit, window, burst"
        );
        assert_eq!(
            mistake("gcra limit=5 window=2us"),
            "limit allows more than one request a microsecond"
        );
    }
}
