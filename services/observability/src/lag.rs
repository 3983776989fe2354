//! How late the event loop is: a task that asks to be woken every 20 ms and measures when it was.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

const TICK: Duration = Duration::from_millis(20);
/// Ticks between two upkeeps of the histograms: two seconds.
const UPKEEP_TICKS: u32 = 100;

/// Starts measuring the lag of the runtime that this is called on, and keeps the histograms small.
///
/// The gauge `event_loop_lag_seconds` is the last lag, `event_loop_lag_distribution_seconds` all of them. Timers have a
/// resolution of one millisecond, so an idle loop shows up to 1 ms. Abort the task to stop.
pub fn spawn_probes() -> JoinHandle<()> {
    let last = metrics::gauge!("event_loop_lag_seconds");
    let all = metrics::histogram!("event_loop_lag_distribution_seconds");
    tokio::spawn(async move {
        let mut due = Instant::now() + TICK;
        loop {
            for _ in 0..UPKEEP_TICKS {
                sleep_until(due).await;
                let now = Instant::now();
                let lag_s = (now - due).as_secs_f64();
                last.set(lag_s);
                all.record(lag_s);
                // Counted from now: after a stall the ticks that were missed are not made up for.
                due = now + TICK;
            }
            crate::metrics::upkeep();
        }
    })
}
