//! Whether the lab itself went on all the time: a heartbeat that compares three clocks.
//!
//! A lab that was stopped, or had no processor time, comes back to its heart late. A machine that slept shows on the clock
//! that counts sleep (`CLOCK_BOOTTIME`) and not on the one that does not (`CLOCK_MONOTONIC`). A clock of the day that was
//! set shows on itself alone.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::noticed::Noticed;
use crate::disturbance::{Disturbance, Sufferer, Trouble};

const BEAT: Duration = Duration::from_millis(25);
/// A shorter gap is what a busy machine does to anybody, and shows in the generator's lateness.
const STANDSTILL_MS: f64 = 250.0;
/// The least difference between two clocks that is no slewing of one of them.
const JUMP_MS: f64 = 250.0;

/// What the clocks show at one moment.
#[derive(Debug, Clone, Copy)]
struct Clocks {
    /// The clock that stands while the machine sleeps.
    awake: Instant,
    /// Milliseconds on the clock that goes on meanwhile.
    boot_ms: f64,
    /// Milliseconds on the clock of the day.
    day_ms: f64,
}

impl Clocks {
    fn read(started: Instant) -> Self {
        let awake = Instant::now();
        let day = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            awake,
            boot_ms: boot_ms().unwrap_or_else(|| millis(awake - started)),
            day_ms: millis(day),
        }
    }

    /// What went wrong between two looks at the clocks.
    fn troubles_since(&self, before: &Self) -> Vec<(Sufferer, Trouble, f64)> {
        let awake_ms = millis(self.awake.saturating_duration_since(before.awake));
        let boot_ms = self.boot_ms - before.boot_ms;
        let slept_ms = boot_ms - awake_ms;
        let jumped_ms = (self.day_ms - before.day_ms) - boot_ms;
        let all = [
            (Sufferer::Lab, Trouble::StoodStill, awake_ms, STANDSTILL_MS),
            (Sufferer::Clock, Trouble::Slept, slept_ms, STANDSTILL_MS),
            (Sufferer::Clock, Trouble::Jumped, jumped_ms, JUMP_MS),
        ];
        let happened = all.into_iter().filter(|(_, what, ms, least)| match what {
            Trouble::Jumped => ms.abs() >= *least,
            _ => ms >= least,
        });
        happened.map(|(who, what, ms, _)| (who, what, ms)).collect()
    }
}

/// The clock that goes on while the machine sleeps, where there is one.
fn boot_ms() -> Option<f64> {
    #[cfg(target_os = "linux")]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Some(time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6)
    }
    #[cfg(not(target_os = "linux"))]
    None
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

/// The heartbeat of a run, until this is dropped.
pub(super) struct Heartbeat {
    pulse: Arc<Pulse>,
    /// Its other end tells the thread to end.
    _alive: Sender<()>,
}

struct Pulse {
    started: Instant,
    noticed: Arc<Noticed>,
    last: Mutex<Clocks>,
}

impl Heartbeat {
    /// Begins to beat. Without a thread of its own the heart is only looked at when the engine says something.
    pub(super) fn start(noticed: Arc<Noticed>) -> Self {
        let started = Instant::now();
        let pulse = Arc::new(Pulse {
            started,
            noticed,
            last: Mutex::new(Clocks::read(started)),
        });
        let (alive, over) = channel::<()>();
        let beating = Arc::clone(&pulse);
        let thread = std::thread::Builder::new().name("heartbeat".into());
        let spawned = thread.spawn(move || {
            while over.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                beating.look();
            }
        });
        if let Err(error) = spawned {
            tracing::warn!(%error, "no thread for the heartbeat");
        }
        Self { pulse, _alive: alive }
    }

    /// Looks at the clocks now, so that what is told next comes after whatever happened until now.
    pub(super) fn look(&self) {
        self.pulse.look();
    }
}

impl Pulse {
    fn look(&self) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Clocks::read(self.started);
        let before = std::mem::replace(&mut *last, now);
        for (who, what, ms) in now.troubles_since(&before) {
            self.noticed.put(Disturbance {
                noticed: noticed(what).to_owned(),
                who,
                what,
                began_ms: self.noticed.ms_at(before.awake),
                lasted_ms: Some(ms),
                turn: None,
            });
        }
    }
}

fn noticed(what: Trouble) -> &'static str {
    match what {
        Trouble::Slept => "the clock that counts sleep went on alone",
        Trouble::Jumped => "the clock of the day went another way than the others",
        _ => "its heartbeat was late",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clocks(from: Instant, awake_ms: u64, boot_ms: f64, day_ms: f64) -> Clocks {
        Clocks {
            awake: from + Duration::from_millis(awake_ms),
            boot_ms,
            day_ms,
        }
    }

    fn troubles(awake_ms: u64, boot_ms: f64, day_ms: f64) -> Vec<(Sufferer, Trouble, f64)> {
        let from = Instant::now();
        clocks(from, awake_ms, boot_ms, day_ms).troubles_since(&clocks(from, 0, 0.0, 0.0))
    }

    #[test]
    fn a_late_beat_a_sleep_and_a_set_clock_are_told_apart() {
        assert_eq!(troubles(30, 30.0, 30.0), []);
        assert_eq!(
            troubles(5000, 5000.0, 5000.0),
            [(Sufferer::Lab, Trouble::StoodStill, 5000.0)]
        );
        // The clock of the day goes on while the machine sleeps.
        assert_eq!(
            troubles(30, 60_030.0, 60_030.0),
            [(Sufferer::Clock, Trouble::Slept, 60_000.0)]
        );
        assert_eq!(
            troubles(30, 30.0, 3_600_030.0),
            [(Sufferer::Clock, Trouble::Jumped, 3_600_000.0)]
        );
        assert_eq!(
            troubles(30, 30.0, -970.0),
            [(Sufferer::Clock, Trouble::Jumped, -1000.0)]
        );
    }

    #[test]
    fn a_busy_machine_is_no_standstill() {
        assert_eq!(troubles(240, 240.0, 240.0), []);
    }
}
