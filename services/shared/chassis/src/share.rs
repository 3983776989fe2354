//! The share of keys that something happens to.

use contract::environment::WORK_SEED;

use crate::settings::fnv1a;
use crate::{Settings, SettingsError};

/// Says which keys something happens to: always the same ones for the same seed, whoever asks and however often, so
/// that a decision which is made again after a crash is the same decision.
#[derive(Debug, Clone, Copy)]
pub struct ShareOfKeys {
    rate: f64,
    seed: u64,
}

impl ShareOfKeys {
    /// Reads the share from a variable; the seed is that of the declared work, with the variable's name mixed in.
    ///
    /// # Errors
    /// When it is not a number between 0 and 1.
    pub fn from_settings(settings: &Settings, variable: &str) -> Result<Self, SettingsError> {
        let env = &settings.environment;
        let seed: u64 = env.parse(WORK_SEED, 1, "a whole number from 0 to 2^64 - 1", |_| true)?;
        Ok(Self {
            rate: env.share(variable)?,
            seed: seed ^ fnv1a(variable),
        })
    }

    /// Whether it happens to this key.
    #[must_use]
    pub fn has(self, key: i64) -> bool {
        // The 53 bits that a number between 0 and 1 can hold.
        let drawn = (mixed(self.seed ^ key.cast_unsigned().wrapping_mul(GOLDEN)) >> 11) as f64;
        drawn < self.rate * (1_u64 << 53) as f64
    }
}

/// 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finalizer of `SplitMix64` (Steele, Lea, Flood, *Fast splittable pseudorandom number generators*, 2014): each bit of
/// the result depends on each bit of `x`.
const fn mixed(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use contract::Program;
    use contract::environment::{ORDERS_REFUSAL_RATE, PAYMENTS_FAILURE_RATE};

    use super::*;
    use crate::testing::settings;

    fn share(variable: &str, rate: &str, seed: &str) -> Result<ShareOfKeys, SettingsError> {
        let settings = settings(Program::Payments, &[(variable, rate), (WORK_SEED, seed)]);
        ShareOfKeys::from_settings(&settings, variable)
    }

    fn hit(share: ShareOfKeys) -> Vec<i64> {
        (1..=10_000).filter(|key| share.has(*key)).collect()
    }

    #[test]
    fn the_share_is_kept_and_always_the_same() {
        let hits = |variable, rate, seed| hit(share(variable, rate, seed).unwrap());
        // Five standard deviations of a binomial count.
        let count = hits(PAYMENTS_FAILURE_RATE, "0.3", "1").len();
        assert!((2_770..3_230).contains(&count), "{count}");
        assert_eq!(
            hits(PAYMENTS_FAILURE_RATE, "0.3", "1"),
            hits(PAYMENTS_FAILURE_RATE, "0.3", "1")
        );
        assert_ne!(
            hits(PAYMENTS_FAILURE_RATE, "0.3", "1"),
            hits(PAYMENTS_FAILURE_RATE, "0.3", "2")
        );
        assert_ne!(
            hits(PAYMENTS_FAILURE_RATE, "0.3", "1"),
            hits(ORDERS_REFUSAL_RATE, "0.3", "1")
        );
        assert_eq!(hits(PAYMENTS_FAILURE_RATE, "0", "1").len(), 0);
        assert_eq!(hits(PAYMENTS_FAILURE_RATE, "1", "1").len(), 10_000);
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for rate in ["1.1", "-0.1", "NaN", "half"] {
            let error = share(PAYMENTS_FAILURE_RATE, rate, "1").unwrap_err().to_string();
            assert!(error.contains(PAYMENTS_FAILURE_RATE) && error.contains(rate), "{error}");
        }
    }
}
