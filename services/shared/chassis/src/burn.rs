//! Real CPU work of a given length.

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Rounds between two looks at the clock: some microseconds.
const ROUNDS: u32 = 4_000;

/// Computes until this thread has used `duration` of CPU time, and gives the time used.
///
/// The clock is that of the thread, so the same work is done on a busy machine; it only takes longer.
pub fn burn(duration: Duration) -> Duration {
    let start = thread_cpu_time();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    loop {
        let used = thread_cpu_time().saturating_sub(start);
        if used >= duration {
            return used;
        }
        for _ in 0..ROUNDS {
            // xorshift64 (Marsaglia, 2003): each round needs the one before.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
        }
        state = black_box(state);
    }
}

fn thread_cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{burn, thread_cpu_time};

    #[test]
    fn uses_at_least_the_cpu_time_asked_for() {
        for duration in [Duration::ZERO, Duration::from_millis(3)] {
            let before = thread_cpu_time();
            let used = burn(duration);
            assert!(used >= duration && thread_cpu_time() - before >= used, "{used:?}");
        }
    }
}
