//! How long everything after the load may take together: coming to rest, and every question that is asked then.

use std::time::Duration;

use tokio::time::Instant;

/// What questions may take together, beyond the time that events have to arrive.
const QUESTIONS: Duration = Duration::from_secs(20);

/// The time for what comes after the load.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    until: Instant,
}

impl Budget {
    /// A budget that begins now, of a system whose events have so long to arrive, seconds.
    pub(super) fn begin(settle_s: f64) -> Self {
        // A time that no clock can hold is one that nobody waits for.
        let settle = Duration::try_from_secs_f64(settle_s).unwrap_or_default();
        Self {
            until: Instant::now() + settle + QUESTIONS,
        }
    }

    /// What one question may take: what is left, and no more than this. None once nothing is left.
    pub(super) fn for_one(&self, most: Duration) -> Option<Duration> {
        self.left_at(Instant::now(), most)
    }

    fn left_at(&self, now: Instant, most: Duration) -> Option<Duration> {
        let left = self.until.saturating_duration_since(now);
        (!left.is_zero()).then(|| left.min(most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_questions_share_one_budget() {
        let budget = Budget::begin(5.0);
        let most = Duration::from_secs(20);
        let left = |before_s: u64| budget.left_at(budget.until - Duration::from_secs(before_s), most);
        assert_eq!(left(25), Some(most));
        assert_eq!(left(15), Some(Duration::from_secs(15)));
        assert_eq!(left(0), None);
    }
}
