//! Whether an instance deserves requests, from its answers (passive) and from probes (active).
//!
//! Nothing here waits or asks the clock: what happened comes in with its time, counted from the balancer's start.

use std::time::Duration;

/// When an instance is taken out of rotation, and how it comes back.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthRules {
    /// So many failures in a row eject an instance; 0 never.
    pub passive_failures: u32,
    /// For how long.
    pub eject: Duration,
    /// Percent of the listed instances that may be ejected at once, but one always may.
    pub eject_max_percent: u32,
    /// When fewer percent than this are well, but some are, health is not believed and all are used.
    pub panic_percent: u32,
    /// Whether all are used when nobody is well. If not, requests are refused.
    pub fails_open: bool,
    /// So many probes in a row against an instance's state change it.
    pub probes_in_row: u32,
    /// How long an instance that came, or came back, gets less than its share; zero is not at all.
    pub slow_start: Duration,
}

impl HealthRules {
    /// Whether one more of `listed` instances may be ejected when `ejected` are already.
    pub fn allow_ejection(&self, ejected: usize, listed: usize) -> bool {
        ejected == 0 || (ejected + 1) * 100 <= listed * self.eject_max_percent as usize
    }

    /// Whether so few of the listed are well that health is not believed.
    pub fn panics(&self, well: usize, listed: usize) -> bool {
        if well == 0 {
            self.fails_open
        } else {
            well * 100 < listed * self.panic_percent as usize
        }
    }
}

/// What is known of one instance's health.
#[derive(Debug, Clone, Default)]
pub struct Health {
    failures_in_row: u32,
    ejected_until: Option<Duration>,
    /// Whether probes say that it is down.
    down: bool,
    probes_against: u32,
    /// When it came into rotation; none for one that was there from the start.
    since: Option<Duration>,
    ejections: u64,
}

/// A change that is worth a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Taken out of rotation for its failures.
    Ejected,
    /// Taken out of rotation by probes.
    Down,
    /// Probes found it well again.
    Up,
}

impl Health {
    /// An instance that came at `now`.
    pub fn arrived(now: Duration) -> Self {
        Self {
            since: Some(now),
            ..Self::default()
        }
    }

    /// Takes note of an answer, or of a failure to answer. `may_eject` says whether the limit of ejections allows one more.
    pub fn answered(&mut self, failed: bool, now: Duration, rules: &HealthRules, may_eject: bool) -> Option<Change> {
        if rules.passive_failures == 0 {
            return None;
        }
        if !failed {
            self.failures_in_row = 0;
            return None;
        }
        self.failures_in_row = self.failures_in_row.saturating_add(1);
        if self.failures_in_row < rules.passive_failures || !may_eject || self.is_out(now) {
            return None;
        }
        self.ejected_until = Some(now + rules.eject);
        // Once back, it is on trial: a single failure is enough, a single success makes good.
        self.failures_in_row = rules.passive_failures - 1;
        self.since = self.ejected_until;
        self.ejections += 1;
        Some(Change::Ejected)
    }

    /// Takes note of a probe.
    pub fn probed(&mut self, well: bool, now: Duration, rules: &HealthRules) -> Option<Change> {
        if well != self.down {
            self.probes_against = 0;
            return None;
        }
        self.probes_against += 1;
        if self.probes_against < rules.probes_in_row {
            return None;
        }
        self.probes_against = 0;
        self.down = !well;
        if well {
            self.since = Some(now);
            Some(Change::Up)
        } else {
            Some(Change::Down)
        }
    }

    /// Whether it is out of rotation for its failures.
    pub fn is_ejected(&self, now: Duration) -> bool {
        self.ejected_until.is_some_and(|until| now < until)
    }

    /// Whether probes say that it is down.
    pub fn is_down(&self) -> bool {
        self.down
    }

    /// Whether it is out of rotation for any reason known here.
    pub fn is_out(&self, now: Duration) -> bool {
        self.down || self.is_ejected(now)
    }

    /// How often it was ejected.
    pub fn ejections(&self) -> u64 {
        self.ejections
    }

    /// Which part of its share it gets: 1 when it is warm, above 0 always.
    pub fn warmth(&self, now: Duration, rules: &HealthRules) -> f64 {
        match self.since {
            Some(since) if now < since + rules.slow_start => {
                // A twentieth to begin with: with nothing it would never warm up.
                (now.saturating_sub(since).as_secs_f64() / rules.slow_start.as_secs_f64()).max(0.05)
            }
            _ => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn rules() -> HealthRules {
        HealthRules {
            passive_failures: 3,
            eject: 30 * S,
            eject_max_percent: 50,
            panic_percent: 50,
            fails_open: true,
            probes_in_row: 2,
            slow_start: 10 * S,
        }
    }

    #[test]
    fn three_failures_in_a_row_eject_and_two_with_a_success_between_do_not() {
        let mut health = Health::default();
        let answers = [true, true, false, true, true].map(|failed| health.answered(failed, S, &rules(), true));
        assert_eq!(answers, [None; 5]);
        assert_eq!(health.answered(true, S, &rules(), true), Some(Change::Ejected));
        assert!(health.is_out(30 * S) && !health.is_out(31 * S));
    }

    #[test]
    fn once_back_one_failure_is_enough_and_one_success_makes_good() {
        let mut health = Health::default();
        for _ in 0..3 {
            health.answered(true, Duration::ZERO, &rules(), true);
        }
        let mut reformed = health.clone();
        assert_eq!(health.answered(true, 40 * S, &rules(), true), Some(Change::Ejected));
        assert_eq!(health.ejections(), 2);
        reformed.answered(false, 40 * S, &rules(), true);
        assert_eq!(reformed.answered(true, 41 * S, &rules(), true), None);
    }

    #[test]
    fn answers_to_what_was_sent_before_the_ejection_do_not_prolong_it() {
        let mut health = Health::default();
        for _ in 0..9 {
            health.answered(true, S, &rules(), true);
        }
        assert_eq!(health.ejections(), 1);
    }

    #[test]
    fn where_the_limit_forbids_it_nobody_is_ejected() {
        let mut health = Health::default();
        for _ in 0..9 {
            assert_eq!(health.answered(true, S, &rules(), false), None);
        }
        let rules = rules();
        assert!(rules.allow_ejection(0, 1) && rules.allow_ejection(1, 4));
        assert!(!rules.allow_ejection(1, 3) && !rules.allow_ejection(2, 4));
    }

    #[test]
    fn probes_must_agree_before_they_change_anything() {
        let mut health = Health::default();
        let mut probe = |well| health.probed(well, S, &rules());
        assert_eq!([false, true, false].map(&mut probe), [None; 3]);
        assert_eq!(probe(false), Some(Change::Down));
        assert_eq!([false, true, false, true].map(&mut probe), [None; 4]);
        assert_eq!(probe(true), Some(Change::Up));
        assert!(!health.is_out(S));
    }

    #[test]
    fn whoever_comes_back_warms_up() {
        let mut health = Health::default();
        assert_eq!(health.warmth(S, &rules()), 1.0);
        for well in [false, false, true, true] {
            health.probed(well, S, &rules());
        }
        let warmth: Vec<f64> = [1, 6, 11].map(|s| health.warmth(s * S, &rules())).to_vec();
        assert_eq!(warmth, [0.05, 0.5, 1.0]);
        let without = HealthRules {
            slow_start: Duration::ZERO,
            ..rules()
        };
        assert_eq!(health.warmth(S, &without), 1.0);
    }

    #[test]
    fn panic_is_when_too_few_are_well() {
        let rules = rules();
        assert!(rules.panics(1, 3) && rules.panics(0, 1));
        assert!(!rules.panics(2, 4) && !rules.panics(3, 3));
        let calm = HealthRules {
            panic_percent: 0,
            ..rules.clone()
        };
        assert!(calm.panics(0, 3) && !calm.panics(1, 9));
        let closed = HealthRules {
            fails_open: false,
            ..rules
        };
        assert!(!closed.panics(0, 3) && closed.panics(1, 3));
    }
}
