//! How late the event loop is: a task that asks to be woken every 20 ms and measures when it was.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

const TICK: Duration = Duration::from_millis(20);
/// Ticks between two upkeeps of the histograms: two seconds.
const UPKEEP_TICKS: u32 = 100;
/// Ticks of half the span that the worst lag is kept for: half a second.
const WORST_TICKS: u32 = 25;

/// The longest of the lags of this half of the span and of the one before it.
#[derive(Default)]
struct Worst {
    now_s: f64,
    before_s: f64,
}

impl Worst {
    /// The worst, with one more lag; a new half lets go of what is older than the half before it.
    fn after(&mut self, lag_s: f64, new_half: bool) -> f64 {
        if new_half {
            self.before_s = std::mem::take(&mut self.now_s);
        }
        self.now_s = self.now_s.max(lag_s);
        self.now_s.max(self.before_s)
    }
}

/// Starts measuring the lag of the runtime that this is called on, and keeps the histograms small.
///
/// The gauge `event_loop_lag_seconds` is the last lag, `event_loop_lag_worst_seconds` the longest of about the last
/// second (a stall is over before anybody can ask for it), and `event_loop_lag_distribution_seconds` all of them. Timers
/// have a resolution of one millisecond, so an idle loop shows up to 1 ms. Abort the task to stop.
pub fn spawn_probes() -> JoinHandle<()> {
    let last = metrics::gauge!("event_loop_lag_seconds");
    let worst = metrics::gauge!("event_loop_lag_worst_seconds");
    let all = metrics::histogram!("event_loop_lag_distribution_seconds");
    crate::standstill::watch();
    tokio::spawn(async move {
        let mut due = Instant::now() + TICK;
        let mut recent = Worst::default();
        loop {
            for tick in 0..UPKEEP_TICKS {
                sleep_until(due).await;
                let now = Instant::now();
                let lag_s = (now - due).as_secs_f64();
                last.set(lag_s);
                worst.set(recent.after(lag_s, tick % WORST_TICKS == 0));
                all.record(lag_s);
                // Counted from now: after a stall the ticks that were missed are not made up for.
                due = now + TICK;
            }
            crate::metrics::upkeep();
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_lag_is_kept_for_one_half_after_its_own() {
        let mut worst = Worst::default();
        assert_eq!(worst.after(0.2, true), 0.2);
        assert_eq!(worst.after(0.1, false), 0.2);
        assert_eq!(worst.after(0.1, true), 0.2, "the half after");
        assert_eq!(worst.after(0.0, true), 0.1, "the one after that");
    }
}
