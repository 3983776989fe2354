//! Declared work: what a request costs an instance, whatever the machine.
//!
//! *Waiting* work holds one of a limited number of slots for a drawn time, as a request holds a connection of a pool
//! while a database answers; those that find no free slot queue, first come first served. So an instance is an M/G/c
//! queue of capacity `limit / mean time`, exactly: see [`Debt`]. *CPU* work is really burnt, on the event loop.
//!
//! The work of a client that leaves is cancelled, as in a server of futures, or goes on to its end, as in one of threads
//! and in a database: [`Abandoned`] says which.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution as _, Exp1};
use rand_pcg::Pcg64Mcg;
use reliability::deadline::DeadlineOver;

use crate::effort::{Effort, Meter};
use crate::slots::Slots;
use crate::{Abandoned, Debt, Distribution, Due, Slowness, Timer, WorkSettings, burn, expired};

/// The declared work of one instance.
#[derive(Debug)]
pub struct Work {
    settings: WorkSettings,
    slots: Option<Slots>,
    pace: Mutex<Pace>,
    slowness: Slowness,
    timer: OnceLock<Timer>,
    meter: Meter,
}

#[derive(Debug)]
struct Pace {
    random: Pcg64Mcg,
    debt: Debt,
}

impl Work {
    /// The work that the settings declare; `None` when they declare none.
    #[must_use]
    pub fn new(settings: &WorkSettings) -> Option<Self> {
        if !settings.waits() && settings.cpu.is_zero() {
            return None;
        }
        let slots = settings.limit.map(Slots::new);
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
            meter: Meter::register(),
        })
    }

    /// Does the work of one request, which is for this path. Tell what this gives once the request has its answer.
    ///
    /// # Errors
    /// When the deadline of the request is over by the time that it has a slot. Then no work was begun.
    pub async fn perform(self: &Arc<Self>, path: &str) -> Result<Effort, DeadlineOver> {
        let arrival = Instant::now();
        let in_tail = self.settings.distribution.is_in_tail(path);
        let due = Due::current();
        match self.settings.abandoned {
            Abandoned::Cancel => self.labour(arrival, due, in_tail).await,
            Abandoned::Finish => {
                let work = Arc::clone(self);
                // A task of its own goes on when nobody waits for it.
                let task = tokio::spawn(async move { work.labour(arrival, due, in_tail).await });
                task.await.unwrap_or_else(|error| resume_unwind(error.into_panic()))
            }
        }
    }

    async fn labour(&self, arrival: Instant, due: Option<Due>, in_tail: Option<bool>) -> Result<Effort, DeadlineOver> {
        let waits = self.settings.waits();
        let slot = match &self.slots {
            Some(slots) if waits => Some(slots.take(arrival).await),
            _ => None,
        };
        // The time in the queue counts. What nobody waits for any more leaves its slot to the next.
        if let Some(Err(over)) = due.map(Due::left) {
            // Counted here: whoever left does not hear of it, and is counted all the same.
            expired::count("queue");
            return Err(over);
        }
        let mut effort = self.meter.begin();
        if waits {
            let start = slot.as_ref().map_or(arrival, |slot| slot.start);
            self.wait(start, in_tail, &mut effort).await;
        }
        drop(slot);
        if !self.settings.cpu.is_zero() {
            let time = self.settings.cpu.mul_f64(self.slowness.factor());
            burn(time);
            effort.add(time);
        }
        Ok(effort)
    }

    /// How many times as long as declared the work takes.
    #[must_use]
    pub fn slowness(&self) -> &Slowness {
        &self.slowness
    }

    async fn wait(&self, start: Instant, in_tail: Option<bool>, effort: &mut Effort) {
        effort.go_on(start);
        let planned = {
            let mut pace = self.pace();
            let drawn = pace.draw(&self.settings, in_tail).mul_f64(self.slowness.factor());
            pace.debt.shorten(drawn)
        };
        self.timer.get_or_init(Timer::new).sleep_until(start + planned).await;
        self.pace().debt.record(planned, start.elapsed());
        effort.rest();
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pace {
    fn draw(&mut self, settings: &WorkSettings, in_tail: Option<bool>) -> Duration {
        match settings.distribution {
            Distribution::Constant => settings.wait,
            Distribution::Tail { share, long, .. } => {
                let in_tail = in_tail.unwrap_or_else(|| self.random.random::<f64>() < share);
                if in_tail { long } else { settings.wait }
            }
            Distribution::Exponential => {
                let factor: f64 = Exp1.sample(&mut self.random);
                settings.wait.mul_f64(factor)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TailOf;

    fn settings() -> WorkSettings {
        WorkSettings {
            wait: Duration::from_millis(2),
            distribution: Distribution::Exponential,
            limit: Some(2),
            cpu: Duration::ZERO,
            abandoned: Abandoned::Cancel,
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
        let work = Arc::new(Work::new(&constant).unwrap());
        for wrong in [0.0, -1.0, f64::NAN, 1_001.0] {
            work.slowness().set(wrong);
            assert_eq!(work.slowness().factor(), 1.0, "{wrong}");
        }
        work.slowness().set(20.0);
        let began = Instant::now();
        work.perform("/").await.unwrap();
        assert!(began.elapsed() >= Duration::from_millis(19), "{:?}", began.elapsed());
    }

    #[test]
    fn the_same_seed_draws_the_same_times_around_the_mean() {
        let draw = |seed| {
            let work = Work::new(&WorkSettings { seed, ..settings() }).unwrap();
            let times: Vec<Duration> = (0..20_000).map(|_| work.pace().draw(&work.settings, None)).collect();
            times
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let mean_s = draw(7).iter().map(Duration::as_secs_f64).sum::<f64>() / 20_000.0;
        // Five standard errors of an exponential mean over 20,000 draws.
        assert!((mean_s / 0.002 - 1.0).abs() < 5.0 / 20_000_f64.sqrt(), "{mean_s}");
    }

    #[test]
    fn a_share_of_the_requests_is_in_the_tail_and_all_others_take_the_same_time() {
        let long = Duration::from_millis(500);
        let drawn = |share, wait| {
            let settings = WorkSettings {
                wait,
                distribution: Distribution::Tail {
                    share,
                    long,
                    of: TailOf::Requests,
                },
                ..settings()
            };
            let work = Work::new(&settings)?;
            let times: Vec<Duration> = (0..20_000).map(|_| work.pace().draw(&settings, None)).collect();
            Some(times)
        };
        let short = Duration::from_millis(2);
        let times = drawn(0.02, short).unwrap();
        assert!(times.iter().all(|time| [short, long].contains(time)));
        let in_tail = times.iter().filter(|time| **time == long).count() as f64 / 20_000.0;
        // Five standard errors of a share over 20,000 draws.
        assert!(
            (in_tail - 0.02).abs() < 5.0 * (0.02 * 0.98 / 20_000_f64).sqrt(),
            "{in_tail}"
        );
        assert!(drawn(1.0, short).unwrap().iter().all(|time| *time == long));
        assert!(drawn(0.02, Duration::ZERO).unwrap().contains(&long));
        assert!(drawn(0.0, Duration::ZERO).is_none());
    }

    #[test]
    fn a_share_of_the_paths_is_in_the_tail_and_a_path_is_so_every_time() {
        let of = |of| Distribution::Tail {
            share: 0.03,
            long: Duration::from_millis(500),
            of,
        };
        let is_slow = |path: u32| of(TailOf::Paths).is_in_tail(&format!("/users/{path}")).unwrap();
        let slow = (0..20_000).filter(|path| is_slow(*path)).count() as f64 / 20_000.0;
        // Five standard errors of a share over 20,000 paths.
        assert!((slow - 0.03).abs() < 5.0 * (0.03 * 0.97 / 20_000_f64).sqrt(), "{slow}");
        assert!((0..1_000).all(|path| is_slow(path) == is_slow(path)));
        assert_eq!(of(TailOf::Requests).is_in_tail("/users/1"), None);
        let work = Work::new(&WorkSettings {
            distribution: of(TailOf::Paths),
            ..settings()
        })
        .unwrap();
        for (in_tail, ms) in [(true, 500), (false, 2)] {
            let drawn = work.pace().draw(&work.settings, Some(in_tail));
            assert_eq!(drawn, Duration::from_millis(ms));
        }
    }

    fn free(work: &Work) -> usize {
        work.slots.as_ref().unwrap().free()
    }

    /// Asks for work and leaves before it is done.
    async fn give_up(work: &Arc<Work>) {
        let asked = tokio::time::timeout(Duration::from_millis(1), work.perform("/")).await;
        assert!(asked.is_err());
    }

    #[tokio::test]
    async fn a_request_that_is_given_up_frees_its_slot() {
        let work = Arc::new(
            Work::new(&WorkSettings {
                wait: Duration::from_secs(600),
                ..settings()
            })
            .unwrap(),
        );
        for _ in 0..3 {
            give_up(&work).await;
            assert_eq!(free(&work), 2);
        }
    }

    #[tokio::test]
    async fn where_work_is_finished_those_that_left_keep_their_slots_and_places_in_the_queue() {
        let wait = Duration::from_millis(50);
        let work = Arc::new(
            Work::new(&WorkSettings {
                wait,
                distribution: Distribution::Constant,
                limit: Some(1),
                abandoned: Abandoned::Finish,
                ..settings()
            })
            .unwrap(),
        );
        let began = Instant::now();
        for _ in 0..3 {
            give_up(&work).await;
            assert_eq!(free(&work), 0);
        }
        work.perform("/").await.unwrap().answered();
        // Four times one after the other, less what the timer may be early by.
        assert!(began.elapsed() >= wait * 7 / 2, "{:?}", began.elapsed());
        assert_eq!(free(&work), 1);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_when_it_gets_its_slot_is_not_begun() {
        for abandoned in [Abandoned::Cancel, Abandoned::Finish] {
            let work = Arc::new(
                Work::new(&WorkSettings {
                    wait: Duration::from_millis(20),
                    distribution: Distribution::Constant,
                    limit: Some(1),
                    abandoned,
                    ..settings()
                })
                .unwrap(),
            );
            let late = Due::after(Duration::from_millis(2));
            let in_time = Due::after(Duration::from_secs(600));
            let (first, second, third) = tokio::join!(
                work.perform("/"),
                late.scope(work.perform("/")),
                in_time.scope(work.perform("/"))
            );
            assert!(first.is_ok() && third.is_ok());
            assert_eq!(second.err(), Some(DeadlineOver));
            assert_eq!(free(&work), 1);
        }
    }
}
