//! How much of this machine's processor time is used, and how much of that by this process: what remains is what other
//! programs took, and other guests of the host that this machine may be on.

/// Processor time since the machine started, milliseconds, over all processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessorTime {
    /// Used by anybody.
    pub busy_ms: u64,
    /// Used or not.
    pub total_ms: u64,
    /// Used by this process and by those of its children that have ended.
    pub own_ms: u64,
}

impl ProcessorTime {
    /// As it is now; none on a platform that does not tell.
    #[must_use]
    pub fn read() -> Option<Self> {
        let tick_ms = 1000 / tick_rate()?;
        let (busy, total) = of_machine(&std::fs::read_to_string("/proc/stat").ok()?)?;
        let own = of_process(&std::fs::read_to_string("/proc/self/stat").ok()?)?;
        Some(Self {
            busy_ms: busy * tick_ms,
            total_ms: total * tick_ms,
            own_ms: own * tick_ms,
        })
    }
}

#[cfg(target_os = "linux")]
fn tick_rate() -> Option<u64> {
    Some(rustix::param::clock_ticks_per_second()).filter(|rate| (1..=1000).contains(rate))
}

#[cfg(not(target_os = "linux"))]
fn tick_rate() -> Option<u64> {
    None
}

/// Ticks that were used, and all ticks, from the first line of `/proc/stat` (proc(5)): user, nice, system, idle, iowait,
/// irq, softirq, steal. What is spent on guests is part of user and nice already.
fn of_machine(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line
        .split_ascii_whitespace()
        .map_while(|word| word.parse().ok())
        .collect();
    let total = ticks.get(..8)?.iter().sum();
    Some((total - ticks[3] - ticks[4], total))
}

/// Ticks of a process and of its children that were waited for, from `/proc/PID/stat`: fields 14 to 17.
fn of_process(stat: &str) -> Option<u64> {
    // The name, in brackets, may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    fields.get(11..15)?.iter().map(|field| field.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_read_as_the_kernel_writes_it() {
        let stat = "cpu  100 10 50 800 30 5 5 20 7 0\ncpu0 50 5 25 400 15 2 3 10 3 0\nintr 1 2\n";
        assert_eq!(of_machine(stat), Some((190, 1_020)));
        assert_eq!(of_machine("cpu  1 2 3"), None);
        let stat = "42 (a ) b) S 1 42 42 0 -1 4194560 100 0 0 0 300 40 7 3 20 0 1 0 12345 1000 20";
        assert_eq!(of_process(stat), Some(350));
        assert_eq!(of_process("42 (x"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_this_process_burns_is_its_own() {
        let before = ProcessorTime::read().unwrap();
        let mut number = 0_u64;
        while ProcessorTime::read().unwrap().own_ms < before.own_ms + 50 {
            number = std::hint::black_box(number.wrapping_add(1));
        }
        let after = ProcessorTime::read().unwrap();
        assert!(after.busy_ms >= before.busy_ms + 30 && after.total_ms >= after.busy_ms);
    }
}
