//! Declared work: what a request costs an instance, whatever the machine.
//!
//! *Waiting* work holds one of a limited number of slots for a drawn time, as a request holds a connection of a pool
//! while a database answers; those that find no free slot queue, first come first served. So an instance is an M/G/c
//! queue of capacity `limit / mean time`, exactly: see [`Debt`]. *CPU* work is really burnt, on the event loop.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_distr::{Distribution as _, Exp1};
use rand_pcg::Pcg64Mcg;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{Debt, Distribution, Slowness, Timer, WorkSettings, burn};

/// The declared work of one instance.
#[derive(Debug)]
pub struct Work {
    settings: WorkSettings,
    slots: Option<Slots>,
    pace: Mutex<Pace>,
    slowness: Slowness,
    timer: OnceLock<Timer>,
}

#[derive(Debug)]
struct Slots {
    permits: Semaphore,
    /// When each slot that is free, and was ever used, became free.
    freed: Mutex<VecDeque<Instant>>,
}

#[derive(Debug)]
struct Pace {
    random: Pcg64Mcg,
    debt: Debt,
}

struct Slot<'a> {
    _permit: SemaphorePermit<'a>,
    slots: &'a Slots,
    start: Instant,
}

impl Work {
    /// The work that the settings declare; `None` when they declare none.
    #[must_use]
    pub fn new(settings: &WorkSettings) -> Option<Self> {
        if settings.wait.is_zero() && settings.cpu.is_zero() {
            return None;
        }
        let slots = settings.limit.map(|limit| Slots {
            permits: Semaphore::new(limit),
            freed: Mutex::default(),
        });
        let pace = Pace {
            random: Pcg64Mcg::seed_from_u64(settings.seed),
            debt: Debt::default(),
        };
        let slowness = Slowness::default();
        slowness.set(settings.slowness);
        Some(Self {
            settings: settings.clone(),
            slots,
            pace: Mutex::new(pace),
            slowness,
            timer: OnceLock::new(),
        })
    }

    /// Does the work of one request.
    pub async fn perform(&self) {
        if !self.settings.wait.is_zero() {
            let arrival = Instant::now();
            match &self.slots {
                Some(slots) => {
                    let slot = slots.take(arrival).await;
                    self.wait(slot.start).await;
                }
                None => self.wait(arrival).await,
            }
        }
        if !self.settings.cpu.is_zero() {
            burn(self.settings.cpu.mul_f64(self.slowness.factor()));
        }
    }

    /// How many times as long as declared the work takes.
    #[must_use]
    pub fn slowness(&self) -> &Slowness {
        &self.slowness
    }

    async fn wait(&self, start: Instant) {
        let planned = {
            let mut pace = self.pace();
            let drawn = pace.draw(&self.settings).mul_f64(self.slowness.factor());
            pace.debt.shorten(drawn)
        };
        self.timer.get_or_init(Timer::new).sleep_until(start + planned).await;
        self.pace().debt.record(planned, start.elapsed());
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pace {
    fn draw(&mut self, settings: &WorkSettings) -> Duration {
        match settings.distribution {
            Distribution::Constant => settings.wait,
            Distribution::Exponential => {
                let factor: f64 = Exp1.sample(&mut self.random);
                settings.wait.mul_f64(factor)
            }
        }
    }
}

impl Slots {
    /// The semaphore is fair, so this is first come first served.
    async fn take(&self, arrival: Instant) -> Slot<'_> {
        let permit = self.permits.acquire().await.expect("the semaphore is never closed");
        let freed = self.freed().pop_front().unwrap_or(arrival);
        // For a request that queued, work begins when the slot became free, not when the event loop got round to it:
        // otherwise every hand-over would take a little capacity away.
        Slot {
            _permit: permit,
            slots: self,
            start: freed.max(arrival),
        }
    }

    fn freed(&self) -> MutexGuard<'_, VecDeque<Instant>> {
        self.freed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        // Before the permit goes back, which happens after this.
        self.slots.freed().push_back(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn settings() -> WorkSettings {
        WorkSettings {
            wait: Duration::from_millis(2),
            distribution: Distribution::Exponential,
            limit: Some(2),
            cpu: Duration::ZERO,
            control: false,
            slowness: 1.0,
            broken: false,
            seed: 7,
        }
    }

    #[test]
    fn nothing_declared_is_no_work() {
        assert!(
            Work::new(&WorkSettings {
                wait: Duration::ZERO,
                ..settings()
            })
            .is_none()
        );
    }

    #[tokio::test]
    async fn a_slow_instance_takes_that_many_times_as_long() {
        let constant = WorkSettings {
            wait: Duration::from_millis(1),
            distribution: Distribution::Constant,
            ..settings()
        };
        let work = Work::new(&constant).unwrap();
        for wrong in [0.0, -1.0, f64::NAN, 1_001.0] {
            work.slowness().set(wrong);
            assert_eq!(work.slowness().factor(), 1.0, "{wrong}");
        }
        work.slowness().set(20.0);
        let began = Instant::now();
        work.perform().await;
        assert!(began.elapsed() >= Duration::from_millis(19), "{:?}", began.elapsed());
    }

    #[test]
    fn the_same_seed_draws_the_same_times_around_the_mean() {
        let draw = |seed| {
            let work = Work::new(&WorkSettings { seed, ..settings() }).unwrap();
            let times: Vec<Duration> = (0..20_000).map(|_| work.pace().draw(&work.settings)).collect();
            times
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let mean_s = draw(7).iter().map(Duration::as_secs_f64).sum::<f64>() / 20_000.0;
        // Five standard errors of an exponential mean over 20,000 draws.
        assert!((mean_s / 0.002 - 1.0).abs() < 5.0 / 20_000_f64.sqrt(), "{mean_s}");
    }

    #[tokio::test]
    async fn no_more_than_the_limit_work_at_once_and_the_queue_keeps_its_order() {
        let slots = Arc::new(Slots {
            permits: Semaphore::new(1),
            freed: Mutex::default(),
        });
        let first = slots.take(Instant::now()).await;
        let (done, mut order) = tokio::sync::mpsc::unbounded_channel();
        for number in 0..3 {
            let (slots, done) = (Arc::clone(&slots), done.clone());
            tokio::spawn(async move {
                let arrival = Instant::now();
                let slot = slots.take(arrival).await;
                assert!(slot.start > arrival, "work begins when the slot was freed");
                done.send(number).unwrap();
            });
            tokio::task::yield_now().await;
        }
        assert!(order.try_recv().is_err(), "the slot is taken");
        drop((first, done));
        let mut seen = Vec::new();
        while let Some(number) = order.recv().await {
            seen.push(number);
        }
        assert_eq!(seen, [0, 1, 2]);
    }

    #[tokio::test]
    async fn a_request_that_is_given_up_frees_its_slot() {
        let work = Work::new(&WorkSettings {
            wait: Duration::from_secs(60),
            ..settings()
        })
        .unwrap();
        for _ in 0..3 {
            assert!(
                tokio::time::timeout(Duration::from_millis(1), work.perform())
                    .await
                    .is_err()
            );
        }
        assert_eq!(work.slots.as_ref().unwrap().permits.available_permits(), 2);
    }
}
