//! Waits that end on time.
//!
//! The runtime's own timers round up to the next millisecond, which is much when a service time is five. On Linux one
//! `timerfd` serves all waits of a [`Timer`]; elsewhere, and when there is none to be had, the runtime's timers do.

use std::time::Instant;

/// Waits until given instants.
#[derive(Debug)]
pub struct Timer {
    #[cfg(target_os = "linux")]
    precise: Option<precise::Precise>,
}

impl Timer {
    /// A timer of the runtime that this is called on.
    #[must_use]
    pub fn new() -> Self {
        Self {
            #[cfg(target_os = "linux")]
            precise: precise::Precise::new()
                .inspect_err(|error| tracing::warn!(%error, "waits are rounded to milliseconds: no timerfd"))
                .ok(),
        }
    }

    /// Waits until `due`; not at all when that is past.
    pub async fn sleep_until(&self, due: Instant) {
        if due <= Instant::now() {
            return;
        }
        #[cfg(target_os = "linux")]
        if let Some(precise) = &self.precise {
            return precise.sleep_until(due).await;
        }
        tokio::time::sleep_until(due.into()).await;
    }
}

impl Default for Timer {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(target_os = "linux")]
mod precise {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;
    use std::io;
    use std::os::fd::OwnedFd;
    use std::sync::{Arc, Mutex, PoisonError};
    use std::time::{Duration, Instant};

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use tokio::io::unix::AsyncFd;
    use tokio::sync::oneshot;
    use tokio::task::JoinHandle;

    /// One timerfd, set to the earliest of all the waits; a task wakes those that are due.
    #[derive(Debug)]
    pub(super) struct Precise {
        shared: Arc<Shared>,
        driver: JoinHandle<()>,
    }

    #[derive(Debug)]
    struct Shared {
        fd: AsyncFd<OwnedFd>,
        waits: Mutex<Waits>,
    }

    #[derive(Debug, Default)]
    struct Waits {
        by_due: BinaryHeap<Reverse<Wait>>,
        next_id: u64,
    }

    #[derive(Debug)]
    struct Wait {
        due: Instant,
        id: u64,
        wake: oneshot::Sender<()>,
    }

    impl Precise {
        pub(super) fn new() -> io::Result<Self> {
            let fd = timerfd_create(
                TimerfdClockId::Monotonic,
                TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
            )?;
            #[expect(
                deprecated,
                reason = "unsound only for types whose descriptor may change or be closed; an OwnedFd keeps its own"
            )]
            let fd = AsyncFd::new(fd)?;
            let shared = Arc::new(Shared {
                fd,
                waits: Mutex::default(),
            });
            let driver = tokio::spawn(wake_when_due(Arc::clone(&shared)));
            Ok(Self { shared, driver })
        }

        pub(super) async fn sleep_until(&self, due: Instant) {
            let (wake, woken) = oneshot::channel();
            let armed = self.shared.add(due, wake);
            if armed.is_err() || woken.await.is_err() {
                // The timer could not be set, or its task is gone with the runtime: the coarse timer is still there.
                tokio::time::sleep_until(due.into()).await;
            }
        }
    }

    impl Drop for Precise {
        fn drop(&mut self) {
            self.driver.abort();
        }
    }

    impl Shared {
        fn add(&self, due: Instant, wake: oneshot::Sender<()>) -> io::Result<()> {
            let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
            if waits.by_due.peek().is_none_or(|Reverse(first)| due < first.due) {
                self.arm(due)?;
            }
            let id = waits.next_id;
            waits.next_id += 1;
            waits.by_due.push(Reverse(Wait { due, id, wake }));
            Ok(())
        }

        fn arm(&self, due: Instant) -> io::Result<()> {
            // Zero would disarm it.
            let left = due
                .saturating_duration_since(Instant::now())
                .max(Duration::from_nanos(1));
            let value = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            let once = Itimerspec {
                it_interval: Timespec::default(),
                it_value: value,
            };
            timerfd_settime(&self.fd, TimerfdTimerFlags::empty(), &once)?;
            Ok(())
        }

        fn wake_due(&self) -> io::Result<()> {
            let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            while let Some(Reverse(first)) = waits.by_due.peek() {
                if first.due > now {
                    return self.arm(first.due);
                }
                if let Some(Reverse(wait)) = waits.by_due.pop() {
                    // Whoever gave up waiting does not mind.
                    let _ = wait.wake.send(());
                }
            }
            Ok(())
        }
    }

    async fn wake_when_due(shared: Arc<Shared>) {
        while let Ok(mut ready) = shared.fd.readable().await {
            // The count of expirations says nothing here, but reading it is what makes the descriptor quiet again.
            let _ = rustix::io::read(&shared.fd, &mut [0; 8]);
            ready.clear_ready();
            drop(ready);
            if shared.wake_due().is_err() {
                // Ends the task, and with it the channel of every wait: they go on with the coarse timer.
                shared
                    .waits
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .by_due
                    .clear();
                return;
            }
        }
    }

    impl PartialEq for Wait {
        fn eq(&self, other: &Self) -> bool {
            self.cmp(other).is_eq()
        }
    }

    impl Eq for Wait {}

    impl PartialOrd for Wait {
        fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }

    impl Ord for Wait {
        fn cmp(&self, other: &Self) -> std::cmp::Ordering {
            (self.due, self.id).cmp(&(other.due, other.id))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::Timer;

    #[tokio::test]
    async fn waits_end_in_the_order_of_their_instants_and_never_early() {
        let timer = Arc::new(Timer::new());
        let start = Instant::now();
        let (done, mut order) = tokio::sync::mpsc::unbounded_channel();
        for delay_ms in [9, 3, 6, 0] {
            let (timer, done) = (Arc::clone(&timer), done.clone());
            let due = start + Duration::from_millis(delay_ms);
            tokio::spawn(async move {
                timer.sleep_until(due).await;
                assert!(Instant::now() >= due);
                done.send(delay_ms).unwrap();
            });
        }
        drop(done);
        let mut seen = Vec::new();
        while let Some(delay_ms) = order.recv().await {
            seen.push(delay_ms);
        }
        assert_eq!(seen, [0, 3, 6, 9]);
    }

    #[tokio::test]
    async fn a_wait_that_is_given_up_does_not_hold_up_others() {
        let timer = Timer::new();
        let soon = Instant::now() + Duration::from_millis(5);
        let given_up = timer.sleep_until(soon);
        let _ = tokio::time::timeout(Duration::ZERO, given_up).await;
        timer.sleep_until(soon + Duration::from_millis(1)).await;
    }
}
