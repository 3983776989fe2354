//! The share of keys, or of requests, that something happens to.

use std::sync::{Arc, Mutex, PoisonError};

use contract::environment::WORK_SEED;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

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
            seed: seed ^ hash::fnv1a(variable.as_bytes()),
        })
    }

    /// Whether it happens to this key.
    #[must_use]
    pub fn has(self, key: i64) -> bool {
        // The 53 bits that a number between 0 and 1 can hold.
        let drawn = (hash::finish(self.seed ^ key.cast_unsigned().wrapping_mul(hash::GOLDEN)) >> 11) as f64;
        drawn < self.rate * (1_u64 << 53) as f64
    }
}

/// Draws which requests something happens to; the same seed draws the same ones.
#[derive(Debug, Clone)]
pub struct ShareOfRequests {
    rate: f64,
    random: Arc<Mutex<Pcg64Mcg>>,
}

impl ShareOfRequests {
    /// Reads the share from a variable; the seed is that of the declared work. `stream` keeps several shares of an
    /// instance from drawing the same numbers.
    ///
    /// # Errors
    /// When it is not a number between 0 and 1.
    pub fn from_settings(settings: &Settings, variable: &str, stream: u64) -> Result<Self, SettingsError> {
        let rate = settings.environment.share(variable)?;
        let seed = settings.work.seed.wrapping_add(stream);
        Ok(Self {
            rate,
            random: Arc::new(Mutex::new(Pcg64Mcg::seed_from_u64(seed))),
        })
    }

    /// Whether it happens to the next request.
    #[must_use]
    pub fn hits(&self) -> bool {
        self.rate > 0.0
            && self
                .random
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .random_bool(self.rate)
    }
}

#[cfg(test)]
mod tests {
    use contract::Program;
    use contract::environment::{ORDERS_REFUSAL_RATE, PAYMENTS_FAILURE_RATE};

    use super::*;
    use crate::testing::settings;

    fn with_rate(variable: &str, rate: &str, seed: &str) -> Settings {
        settings(Program::Payments, &[(variable, rate), (WORK_SEED, seed)])
    }

    fn keys(variable: &str, rate: &str, seed: &str) -> Vec<bool> {
        let share = ShareOfKeys::from_settings(&with_rate(variable, rate, seed), variable).unwrap();
        (1..=10_000).map(|key| share.has(key)).collect()
    }

    fn requests(rate: &str, seed: &str, stream: u64) -> Vec<bool> {
        let settings = with_rate(PAYMENTS_FAILURE_RATE, rate, seed);
        let share = ShareOfRequests::from_settings(&settings, PAYMENTS_FAILURE_RATE, stream).unwrap();
        (0..10_000).map(|_| share.hits()).collect()
    }

    fn hits(drawn: &[bool]) -> usize {
        drawn.iter().filter(|hit| **hit).count()
    }

    #[test]
    fn the_share_of_keys_is_kept_and_always_the_same() {
        let drawn = keys(PAYMENTS_FAILURE_RATE, "0.3", "1");
        // Five standard deviations of a binomial count.
        assert!((2_770..3_230).contains(&hits(&drawn)), "{}", hits(&drawn));
        assert_eq!(drawn, keys(PAYMENTS_FAILURE_RATE, "0.3", "1"));
        assert_ne!(drawn, keys(PAYMENTS_FAILURE_RATE, "0.3", "2"));
        assert_ne!(drawn, keys(ORDERS_REFUSAL_RATE, "0.3", "1"));
        assert_eq!(hits(&keys(PAYMENTS_FAILURE_RATE, "0", "1")), 0);
        assert_eq!(hits(&keys(PAYMENTS_FAILURE_RATE, "1", "1")), 10_000);
    }

    #[test]
    fn the_share_of_requests_is_kept_and_the_seed_decides() {
        let drawn = requests("0.3", "1", 0);
        assert!((2_770..3_230).contains(&hits(&drawn)), "{}", hits(&drawn));
        assert_eq!(drawn, requests("0.3", "1", 0));
        assert_ne!(drawn, requests("0.3", "2", 0));
        assert_ne!(drawn, requests("0.3", "1", 1));
        assert_eq!(hits(&requests("0", "1", 0)), 0);
        assert_eq!(hits(&requests("1", "1", 0)), 10_000);
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for rate in ["1.1", "-0.1", "NaN", "half"] {
            let settings = with_rate(PAYMENTS_FAILURE_RATE, rate, "1");
            for error in [
                ShareOfKeys::from_settings(&settings, PAYMENTS_FAILURE_RATE).unwrap_err(),
                ShareOfRequests::from_settings(&settings, PAYMENTS_FAILURE_RATE, 0).unwrap_err(),
            ] {
                let error = error.to_string();
                assert!(error.contains(PAYMENTS_FAILURE_RATE) && error.contains(rate), "{error}");
            }
        }
    }
}
