//! Hedged requests.
//!
//! The idea: when an answer takes longer than nearly all others did, send the same request to another instance, take the
//! answer that comes first, and cancel the other. A few slow answers no longer make slow requests.
//!
//! It promises: a second request is sent only after the chosen quantile of recent latencies, only for idempotent requests,
//! and no more than a share of all requests ([`RetryBudget`]). The budget only suppresses: it never sends a second request
//! earlier.
//!
//! It harms when *all* instances are slow: then every request is slower than what is remembered, all are sent twice, and the
//! load doubles just then (loki#4826). The budget is against that. It gains nothing where a request is slow wherever it
//! runs, as with a large customer. The loser has to be cancelled, or its work is done for nobody.
//!
//! Source: J. Dean, L. Barroso, *The Tail at Scale*, Communications of the ACM 56, 2013: 2 % more requests brought the
//! 99.9th percentile of a read from 1,800 ms to 74 ms.

use std::str::FromStr;
use std::time::Duration;

use crate::config::{SettingsError, Share, Value, Words};
use crate::deadline::Deadline;
use crate::retry::{BudgetSettings, RetryBudget};

/// Latencies that are remembered.
const REMEMBERED: usize = 1_000;
/// So many new ones, and the quantile is taken anew.
const REFRESH: usize = 20;

/// A share of requests that are no slower, written as `p95`.
struct Quantile(Share);

impl Value for Quantile {
    const EXPECTED: &'static str = "write a percentile below p100, such as p95 or p99.9";

    fn read(text: &str) -> Option<Self> {
        let share = Share::read(&format!("{}%", text.strip_prefix('p')?))?;
        (share < Share::ALL).then_some(Self(share))
    }
}

/// Written as `after=p95 min=100 budget=5% window=10s reserve_per_s=0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HedgeSettings {
    /// The quantile of latencies after which a second request is sent.
    pub after: Share,
    /// Latencies that must be known before any is sent.
    pub min: u32,
    /// How many second requests there may be.
    pub budget: BudgetSettings,
}

impl FromStr for HedgeSettings {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = Words::of(text)?;
        let budget = BudgetSettings {
            budget: Share::percent(5),
            window: Duration::from_secs(10),
            reserve_per_s: 0,
        };
        let settings = Self {
            after: words.take("after", Quantile(Share::percent(95)))?.0,
            min: words.take_if(
                "min",
                100,
                |min| (1..=REMEMBERED as u32).contains(min),
                "it must be from 1 to the 1000 that are remembered",
            )?,
            budget: BudgetSettings::take(&mut words, budget)?,
        };
        words.end()?;
        Ok(settings)
    }
}

/// Decides about second requests to one dependency.
#[derive(Debug, Clone)]
pub struct Hedge {
    settings: HedgeSettings,
    budget: RetryBudget,
    /// The last latencies, in a ring.
    latencies: Vec<Duration>,
    next: usize,
    pause: Option<Duration>,
}

impl Hedge {
    /// One that knows no latency yet, and sends no second request.
    #[must_use]
    pub fn new(settings: HedgeSettings) -> Self {
        let budget = RetryBudget::new(settings.budget);
        Self {
            settings,
            budget,
            latencies: Vec::new(),
            next: 0,
            pause: None,
        }
    }

    /// A request is sent at `now`: after which pause without an answer should [`Hedge::second`] be asked? `None` when there
    /// will be no second request.
    pub fn first(&mut self, idempotent: bool, now: Duration) -> Option<Duration> {
        self.budget.pay_in(now);
        self.pause.filter(|_| idempotent)
    }

    /// The pause is over at `now`, and there is no answer: is a second request sent?
    #[must_use]
    pub fn second(&mut self, deadline: Option<Deadline>, now: Duration) -> bool {
        deadline.is_none_or(|deadline| deadline.allows(now)) && self.budget.take_out(now)
    }

    /// After which pause a second request would be sent; `None` while too few latencies are known.
    #[must_use]
    pub const fn pause(&self) -> Option<Duration> {
        self.pause
    }

    /// Second requests that the budget has left at `now`.
    #[must_use]
    pub fn budget_left(&mut self, now: Duration) -> f64 {
        self.budget.left(now)
    }

    /// An answer came, from whichever request, so long after the *first* one was sent. A second request's answer takes longer
    /// than the pause, so hedging does not change which share of answers takes longer, and the pause does not drift.
    pub fn observe(&mut self, latency: Duration) {
        if self.latencies.len() < REMEMBERED {
            self.latencies.push(latency);
        } else {
            self.latencies[self.next % REMEMBERED] = latency;
        }
        self.next += 1;
        let known = self.latencies.len();
        if known >= self.settings.min as usize && (self.pause.is_none() || self.next.is_multiple_of(REFRESH)) {
            let mut sorted = self.latencies.clone();
            let rank = (known as u64 * u64::from(self.settings.after.millionths()) / 1_000_000) as usize;
            self.pause = Some(*sorted.select_nth_unstable(rank.min(known - 1)).1);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn hedge(settings: &str) -> Hedge {
        Hedge::new(settings.parse().unwrap())
    }

    /// Sends requests every 10 ms whose work takes as long as is drawn for each. Gives the latencies and the second requests
    /// for each first one.
    fn send(hedge: &mut Hedge, requests: u32, mut draw: impl FnMut() -> (Duration, Duration)) -> (Vec<Duration>, f64) {
        let (mut latencies, mut second) = (Vec::new(), 0_u32);
        for number in 0..requests {
            let now = 10 * MS * number;
            let (mut latency, other) = draw();
            if let Some(pause) = hedge.first(true, now).filter(|pause| latency > *pause)
                && hedge.second(None, now + pause)
            {
                second += 1;
                latency = latency.min(pause + other);
            }
            hedge.observe(latency);
            latencies.push(latency);
        }
        latencies.sort();
        (latencies, f64::from(second) / f64::from(requests))
    }

    /// 2 % of answers take half a second, the others 5 to 20 ms.
    fn tail(random: &mut Pcg64Mcg) -> Duration {
        if random.random_bool(0.02) {
            500 * MS
        } else {
            MS * random.random_range(5..20)
        }
    }

    #[test]
    fn a_few_more_requests_cut_the_tail() {
        let mut random = Pcg64Mcg::seed_from_u64(1);
        let p99 = |settings: &str, random: &mut Pcg64Mcg| {
            let (latencies, more) = send(&mut hedge(settings), 20_000, || (tail(random), tail(random)));
            (latencies[19_800], more)
        };
        let (without, none) = p99("budget=0%", &mut random);
        assert_eq!((without, none), (500 * MS, 0.0));
        let (with, more) = p99("after=p95", &mut random);
        assert!(with <= 60 * MS && more <= 0.05, "{with:?} for {more}");
    }

    #[test]
    fn what_is_slow_everywhere_gains_nothing() {
        let mut random = Pcg64Mcg::seed_from_u64(1);
        let (latencies, _) = send(&mut hedge("after=p95"), 20_000, || {
            let latency = tail(&mut random);
            (latency, latency)
        });
        assert_eq!(latencies[19_800], 500 * MS);
    }

    /// loki#4826: all become slow at once, so each is slower than what is remembered.
    #[test]
    fn when_all_are_slow_the_budget_keeps_the_load_down() {
        for (settings, most) in [("budget=100%", 1.0), ("budget=5%", 0.06)] {
            let mut hedge = hedge(settings);
            send(&mut hedge, 1_000, || (10 * MS, 10 * MS));
            // No answer came yet, so nothing was learned yet.
            let mut second = 0;
            for number in 0..200 {
                let now = MS * (20_000 + number);
                let pause = hedge.first(true, now).unwrap();
                second += u32::from(hedge.second(None, now + pause));
            }
            let more = f64::from(second) / 200.0;
            assert!(more <= most && more >= most - 0.02, "{more} with {settings}");
        }
    }

    #[test]
    fn none_is_sent_of_what_must_not_be_done_twice_nor_past_the_deadline_nor_without_knowledge() {
        let mut hedge = hedge("min=10 budget=100%");
        (0..9).for_each(|_| hedge.observe(MS));
        assert_eq!(hedge.first(true, Duration::ZERO), None);
        hedge.observe(MS);
        assert_eq!(hedge.first(true, Duration::ZERO), Some(MS));
        assert_eq!(hedge.first(false, Duration::ZERO), None);
        assert!(!hedge.second(Some(Deadline::at(MS)), MS));
        assert!(hedge.second(Some(Deadline::at(2 * MS)), MS));
    }

    #[test]
    fn a_percentile_is_written_with_a_p() {
        assert_eq!(
            "after=p99.9".parse::<HedgeSettings>().unwrap().after.millionths(),
            999_000
        );
        for wrong in ["after=95", "after=p100", "after=p", "min=0", "min=1001"] {
            assert!(wrong.parse::<HedgeSettings>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn the_pause_is_the_quantile_of_what_is_remembered(
            latencies in prop::collection::vec(0..1_000_u32, 20..1_500), percent in 0..100_u32
        ) {
            let mut hedge = hedge(&format!("after=p{percent} min=1"));
            let whole = latencies.len() / REFRESH * REFRESH;
            latencies[..whole].iter().for_each(|ms| hedge.observe(MS * *ms));
            let mut remembered = latencies[whole.saturating_sub(REMEMBERED)..whole].to_vec();
            remembered.sort_unstable();
            let rank = remembered.len() * percent as usize / 100;
            prop_assert_eq!(hedge.pause, Some(MS * remembered[rank]));
        }
    }
}
