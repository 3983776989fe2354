//! How many times as long as declared the work takes.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many times as long as declared the work takes; it can be changed while requests are served.
#[derive(Debug)]
pub struct Slowness(AtomicU64);

impl Slowness {
    /// The largest factor that is taken.
    pub const MAX: f64 = 1_000.0;

    /// The factor; 1 is as declared.
    #[must_use]
    pub fn factor(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    /// Whether a factor is taken.
    #[must_use]
    pub fn allows(factor: f64) -> bool {
        factor > 0.0 && factor <= Self::MAX
    }

    /// Changes the factor for all work that begins from now on; one that is not allowed changes nothing.
    pub fn set(&self, factor: f64) {
        if Self::allows(factor) {
            self.0.store(factor.to_bits(), Ordering::Relaxed);
        }
    }
}

impl Default for Slowness {
    fn default() -> Self {
        Self(AtomicU64::new(1.0_f64.to_bits()))
    }
}
