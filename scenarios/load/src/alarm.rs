//! Waking at a stated moment, precisely.
//!
//! `epoll_wait` takes its timeout in milliseconds, which is longer than many an answer takes. On Linux a `timerfd` in the
//! same event queue wakes within some ten microseconds; elsewhere the queue's own timeout has to do.

use std::io;
use std::time::Duration;

use mio::{Registry, Token};

#[cfg(target_os = "linux")]
pub(crate) struct Alarm {
    timer: std::os::fd::OwnedFd,
    set_for: u64,
}

#[cfg(target_os = "linux")]
impl Alarm {
    pub(crate) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        use std::os::fd::AsRawFd;

        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        registry.register(
            &mut mio::unix::SourceFd(&timer.as_raw_fd()),
            token,
            mio::Interest::READABLE,
        )?;
        Ok(Self { timer, set_for: 0 })
    }

    /// Sees to it that the event queue wakes at `at_ns`, and returns the timeout to wait with. Setting the timer also
    /// takes back an earlier expiry, so it is never read; the queue reports each expiry once.
    pub(crate) fn wake_at(&mut self, at_ns: u64, now_ns: u64) -> io::Result<Option<Duration>> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};

        if at_ns <= now_ns {
            return Ok(Some(Duration::ZERO));
        }
        // A timer that is set for this very moment has not gone off: the moment lies ahead.
        if self.set_for != at_ns {
            let wait = Duration::from_nanos(at_ns - now_ns);
            let spec = Itimerspec {
                it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
                it_value: Timespec {
                    tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
                    tv_nsec: wait.subsec_nanos().into(),
                },
            };
            timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &spec)?;
            self.set_for = at_ns;
        }
        Ok(None)
    }

    /// The alarm went off: it has to be set again even for the same moment.
    pub(crate) fn fired(&mut self) {
        self.set_for = 0;
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) struct Alarm;

#[cfg(not(target_os = "linux"))]
impl Alarm {
    pub(crate) fn new(_: &Registry, _: Token) -> io::Result<Self> {
        Ok(Self)
    }

    /// The timeout to wait with in order to wake at `at_ns`.
    pub(crate) fn wake_at(&mut self, at_ns: u64, now_ns: u64) -> io::Result<Option<Duration>> {
        Ok(Some(Duration::from_nanos(at_ns.saturating_sub(now_ns))))
    }

    pub(crate) fn fired(&mut self) {}
}

/// CPU time of the calling thread so far, seconds.
pub(crate) fn thread_cpu_s() -> Option<f64> {
    #[cfg(target_os = "linux")]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Some(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
    }
    #[cfg(not(target_os = "linux"))]
    None
}
