//! How long this process stood still: a thread of its own that sleeps 50 ms at a time and notices when it slept for much
//! longer. A blocked event loop does not hold it up. A stop by a signal, a frozen container, or a machine that gives the
//! process no processor time does.

use std::sync::Once;
use std::thread;
use std::time::{Duration, Instant};

use crate::SecondsTotal;

const BEAT: Duration = Duration::from_millis(50);
/// A shorter gap is what a busy machine does to anybody.
const STANDSTILL: Duration = Duration::from_millis(250);
/// Stack of a thread that only sleeps.
const STACK_BYTES: usize = 64 * 1024;

static STARTED: Once = Once::new();

/// Starts counting, once in a process. Where no thread can be had the counter stays away, and nothing is claimed.
pub(crate) fn watch() {
    STARTED.call_once(|| {
        let thread = thread::Builder::new().name("standstill".into()).stack_size(STACK_BYTES);
        // The thread ends with the process.
        let _ = thread.spawn(beat);
    });
}

fn beat() {
    let total = SecondsTotal::register(
        "process_standstill_seconds_total",
        "Time in which the whole process stood still for a quarter of a second or more.",
    );
    loop {
        let slept_from = Instant::now();
        thread::sleep(BEAT);
        if let Some(stood_ms) = standstill_ms(slept_from.elapsed()) {
            total.add(Duration::from_millis(stood_ms));
        }
    }
}

/// How long a process stood still whose thread slept for so long, milliseconds; `None` where it did not.
fn standstill_ms(slept: Duration) -> Option<u64> {
    let late = slept.saturating_sub(BEAT);
    (late >= STANDSTILL).then(|| u64::try_from(late.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_long_gap_is_a_standstill() {
        assert_eq!(standstill_ms(Duration::from_millis(51)), None);
        assert_eq!(standstill_ms(Duration::from_millis(299)), None);
        assert_eq!(standstill_ms(Duration::from_millis(1350)), Some(1300));
    }
}
