//! The share of requests that something happens to.

use std::sync::{Arc, Mutex, PoisonError};

use chassis::{Settings, SettingsError};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Draws which requests something happens to; the same seed draws the same ones.
#[derive(Debug, Clone)]
pub(crate) struct Share {
    rate: f64,
    random: Arc<Mutex<Pcg64Mcg>>,
}

impl Share {
    /// Reads the share from a variable; the seed is that of the declared work. `stream` keeps several shares of an
    /// instance from drawing the same numbers.
    ///
    /// # Errors
    /// When it is not a number between 0 and 1.
    pub(crate) fn from_settings(settings: &Settings, variable: &str, stream: u64) -> Result<Self, SettingsError> {
        let rate = settings.environment.share(variable)?;
        let seed = settings.work.seed.wrapping_add(stream);
        Ok(Self {
            rate,
            random: Arc::new(Mutex::new(Pcg64Mcg::seed_from_u64(seed))),
        })
    }

    /// Whether it happens to the next request.
    pub(crate) fn hits(&self) -> bool {
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
    use chassis::testing::settings;
    use contract::Program;
    use contract::environment::PAYMENTS_FAILURE_RATE;

    use super::*;

    fn draws(rate: &str, seed: &str, stream: u64) -> Vec<bool> {
        let settings = settings(Program::Payments, &[(PAYMENTS_FAILURE_RATE, rate), ("WORK_SEED", seed)]);
        let share = Share::from_settings(&settings, PAYMENTS_FAILURE_RATE, stream).unwrap();
        (0..10_000).map(|_| share.hits()).collect()
    }

    #[test]
    fn the_share_is_kept_and_the_seed_decides() {
        let hit = draws("0.3", "1", 0).iter().filter(|hit| **hit).count();
        // Five standard deviations of a binomial count.
        assert!((2_770..3_230).contains(&hit), "{hit}");
        assert_eq!(draws("0.3", "1", 0), draws("0.3", "1", 0));
        assert_ne!(draws("0.3", "1", 0), draws("0.3", "2", 0));
        assert_ne!(draws("0.3", "1", 0), draws("0.3", "1", 1));
        assert!(draws("0", "1", 0).iter().all(|hit| !hit) && draws("1", "1", 0).iter().all(|hit| *hit));
    }

    #[test]
    fn a_wrong_rate_is_an_error() {
        for rate in ["1.1", "-0.1", "NaN", "half"] {
            let settings = settings(Program::Payments, &[(PAYMENTS_FAILURE_RATE, rate)]);
            let error = Share::from_settings(&settings, PAYMENTS_FAILURE_RATE, 0)
                .unwrap_err()
                .to_string();
            assert!(error.contains(PAYMENTS_FAILURE_RATE) && error.contains(rate), "{error}");
        }
    }
}
