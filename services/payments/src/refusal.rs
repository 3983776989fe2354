//! The share of payments that is refused.

use std::sync::{Arc, Mutex, PoisonError};

use chassis::{Settings, SettingsError};
use contract::environment::PAYMENTS_FAILURE_RATE;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Draws which payments are refused; the same seed refuses the same ones.
#[derive(Debug, Clone)]
pub struct Refusal {
    rate: f64,
    random: Arc<Mutex<Pcg64Mcg>>,
}

impl Refusal {
    /// Reads the rate from the settings.
    ///
    /// # Errors
    /// When it is not a number between 0 and 1.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingsError> {
        let allowed = "a share between 0 and 1";
        let rate = settings
            .environment
            .parse(PAYMENTS_FAILURE_RATE, 0.0, allowed, |rate| (0.0..=1.0).contains(rate))?;
        Ok(Self {
            rate,
            random: Arc::new(Mutex::new(Pcg64Mcg::seed_from_u64(settings.work.seed))),
        })
    }

    /// Whether the next payment is refused.
    #[must_use]
    pub fn refuses(&self) -> bool {
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
    use contract::ServiceName;

    use super::*;

    fn draws(rate: &str, seed: &str) -> Vec<bool> {
        let settings = settings(
            ServiceName::Payments,
            &[(PAYMENTS_FAILURE_RATE, rate), ("WORK_SEED", seed)],
        );
        let refusal = Refusal::from_settings(&settings).unwrap();
        (0..10_000).map(|_| refusal.refuses()).collect()
    }

    #[test]
    fn the_share_is_kept_and_the_seed_decides() {
        let refused = draws("0.3", "1").iter().filter(|refused| **refused).count();
        // Five standard deviations of a binomial count.
        assert!((2_770..3_230).contains(&refused), "{refused}");
        assert_eq!(draws("0.3", "1"), draws("0.3", "1"));
        assert_ne!(draws("0.3", "1"), draws("0.3", "2"));
        assert!(draws("0", "1").iter().all(|refused| !refused) && draws("1", "1").iter().all(|refused| *refused));
    }

    #[test]
    fn a_wrong_rate_is_an_error() {
        for rate in ["1.1", "-0.1", "NaN", "half"] {
            let settings = settings(ServiceName::Payments, &[(PAYMENTS_FAILURE_RATE, rate)]);
            let error = Refusal::from_settings(&settings).unwrap_err().to_string();
            assert!(error.contains(PAYMENTS_FAILURE_RATE) && error.contains(rate), "{error}");
        }
    }
}
