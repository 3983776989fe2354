//! A breaker beside its specification: random steps, and the same state after each.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::config::Share;

const MS: Duration = Duration::from_millis(1);

/// What somebody does to a breaker.
#[derive(Debug, Clone)]
enum Step {
    Pass(u64),
    Acquire,
    End { which: usize, failed: bool, slow: bool },
    Drop { which: usize },
    Trip,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (0..1_500_u64).prop_map(Step::Pass),
        6 => Just(Step::Acquire),
        5 => (any::<usize>(), any::<bool>(), any::<bool>()).prop_map(|(which, failed, slow)| Step::End { which, failed, slow }),
        2 => any::<usize>().prop_map(|which| Step::Drop { which }),
        1 => Just(Step::Trip),
    ];
    prop::collection::vec(step, 1..300)
}

/// The specification, written for reading: it keeps every call of the present state.
struct Model {
    settings: BreakerSettings,
    state: BreakerState,
    since: Duration,
    /// Ended in this state: when, failed, slow.
    ended: Vec<(Duration, bool, bool)>,
    /// Permits of this state that are out.
    out: usize,
}

impl Model {
    fn change(&mut self, now: Duration, state: BreakerState) {
        (self.state, self.since, self.out) = (state, now, 0);
        self.ended.clear();
    }

    fn acquire(&mut self, now: Duration) -> bool {
        if self.state == BreakerState::Open && now >= self.since + self.settings.open {
            self.change(now, BreakerState::HalfOpen);
        }
        let permitted = match self.state {
            BreakerState::Closed => true,
            BreakerState::Open => false,
            BreakerState::HalfOpen => self.out + self.ended.len() < self.settings.probes as usize,
        };
        self.out += usize::from(permitted);
        permitted
    }

    fn end(&mut self, now: Duration, failed: bool, slow: bool) {
        self.out -= 1;
        self.ended.push((now, failed, slow));
        let looked_at: Vec<_> = match (self.state, self.settings.window) {
            (BreakerState::HalfOpen, _) => self.ended.clone(),
            (_, CallWindow::Calls(calls)) => self.ended.iter().rev().take(calls as usize).copied().collect(),
            (_, CallWindow::Time(time)) => {
                let slice = |at: Duration| at.as_nanos() / (time / 10).as_nanos();
                self.ended
                    .iter()
                    .filter(|(at, ..)| slice(*at) + 10 > slice(now))
                    .copied()
                    .collect()
            }
        };
        let needed = if self.state == BreakerState::HalfOpen {
            self.settings.probes
        } else {
            self.settings.min
        };
        if looked_at.len() < needed as usize {
            return;
        }
        let share = |count: usize| count as f64 / looked_at.len() as f64 * 1e6;
        let failures = share(looked_at.iter().filter(|(_, failed, _)| *failed).count());
        let slow_calls = share(looked_at.iter().filter(|(.., slow)| *slow).count());
        let over = |got: f64, limit: Share| got >= f64::from(limit.millionths()) - 1e-6;
        if over(failures, self.settings.failures) || over(slow_calls, self.settings.slow_calls) {
            self.change(now, BreakerState::Open);
        } else if self.state == BreakerState::HalfOpen {
            self.change(now, BreakerState::Closed);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn it_does_what_its_specification_says(
        steps in steps(), by_time: bool, size in 1..20_u32, min in 1..10_u32, probes in 1..5_u32,
        failures in 1..=100_u32, slow_calls in 1..=100_u32,
    ) {
        let settings = BreakerSettings {
            window: if by_time { CallWindow::Time(Duration::from_secs(10)) } else { CallWindow::Calls(size.max(min)) },
            min, probes,
            failures: Share::percent(failures),
            slow_calls: Share::percent(slow_calls),
            slow_after: 10 * MS,
            open: 2_000 * MS,
        };
        let breaker = Breaker::new(settings);
        let mut model = Model {
            settings, state: BreakerState::Closed, since: Duration::ZERO, ended: Vec::new(), out: 0,
        };
        let (mut now, mut out, mut generation) = (Duration::ZERO, Vec::new(), 0_u32);
        for step in steps {
            let before = model.state;
            match step {
                Step::Pass(ms) => now += MS * u32::try_from(ms).unwrap(),
                Step::Acquire => {
                    let permit = breaker.acquire(now);
                    prop_assert_eq!(permit.is_ok(), model.acquire(now));
                    if let Err(Rejected { retry_after: Some(wait) }) = permit {
                        prop_assert_eq!(now + wait, model.since + settings.open);
                    }
                    generation += u32::from(model.state != before);
                    out.extend(permit.ok().map(|permit| (generation, permit)));
                }
                Step::End { which, failed, slow } if !out.is_empty() => {
                    let (of, permit) = out.remove(which % out.len());
                    let took = if slow { 11 * MS } else { 10 * MS };
                    if failed { permit.failed(now, took) } else { permit.succeeded(now, took) }
                    if of == generation {
                        model.end(now, failed, slow);
                        generation += u32::from(model.state != before);
                    }
                }
                Step::Drop { which } if !out.is_empty() => {
                    let (of, _) = out.remove(which % out.len());
                    model.out -= usize::from(of == generation);
                }
                Step::Trip => {
                    breaker.trip(now);
                    if model.state != BreakerState::Open || now >= model.since + settings.open {
                        model.change(now, BreakerState::Open);
                        generation += 1;
                    }
                }
                Step::End { .. } | Step::Drop { .. } => {}
            }
            prop_assert_eq!(breaker.state(), model.state);
            if model.state == BreakerState::HalfOpen {
                let probing = out.iter().filter(|(of, _)| *of == generation).count();
                prop_assert!(probing <= probes as usize, "{probing} probes at once");
                prop_assert_eq!(probing, model.out, "no permit is lost");
            }
        }
    }
}
