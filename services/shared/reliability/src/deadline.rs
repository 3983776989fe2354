//! Deadlines: who still waits for this?
//!
//! The idea: a request carries how long its caller will still wait. Each hop takes what it used itself, in queues and in
//! work, off that time before it calls the next one, and does not begin what nobody waits for.
//!
//! It promises: no work is begun after the deadline, if it is checked when a request leaves a queue and before each call.
//! All retries of a call share one deadline. The header carries what is *left* and not a time of day, as clocks of machines
//! differ.
//!
//! It harms where a caller asks for too little time: everybody works, and nobody finishes. It cannot stop work that has
//! begun and does not ask.
//!
//! Source: gRPC's `grpc-timeout` header, from which the eight digits are; Google, *Site Reliability Engineering*, 2016,
//! chapter 22, "Latency and Deadlines".

use std::time::Duration;

/// The header that carries what is left, in whole milliseconds.
pub const DEADLINE_HEADER: &str = "x-deadline-left-ms";
/// Digits of its value: more than a day.
const DIGITS_MAX: usize = 8;

/// When nobody waits for an answer any more, from the same origin as every `now`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline(Duration);

/// Nobody waits any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the deadline is over")]
pub struct DeadlineOver;

/// A header that is not a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{DEADLINE_HEADER} must be whole milliseconds in 1 to {DIGITS_MAX} digits")]
pub struct NotADeadline;

impl Deadline {
    /// At this time.
    #[must_use]
    pub const fn at(time: Duration) -> Self {
        Self(time)
    }

    /// When so much time has passed.
    #[must_use]
    pub const fn after(now: Duration, left: Duration) -> Self {
        Self(now.saturating_add(left))
    }

    /// Reads the header of a request that arrived at `arrived`. That is when the socket was read, not when the request left
    /// a queue: the time in the queue counts.
    ///
    /// # Errors
    /// When it is not a time.
    pub fn from_header(value: &[u8], arrived: Duration) -> Result<Self, NotADeadline> {
        let is_fit = (1..=DIGITS_MAX).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
        let text = std::str::from_utf8(value).ok().filter(|_| is_fit);
        let left_ms = text.and_then(|digits| digits.parse().ok()).ok_or(NotADeadline)?;
        Ok(Self::after(arrived, Duration::from_millis(left_ms)))
    }

    /// The header for a call that is made at `now`.
    ///
    /// # Errors
    /// When less than a millisecond is left.
    pub fn header(self, now: Duration) -> Result<String, DeadlineOver> {
        let left_ms = self.check(now)?.as_millis();
        let most = 10_u128.pow(DIGITS_MAX as u32) - 1;
        if left_ms == 0 {
            Err(DeadlineOver)
        } else {
            Ok(left_ms.min(most).to_string())
        }
    }

    /// What is left, to be asked when a request leaves a queue, and before each call.
    ///
    /// # Errors
    /// When nothing is.
    pub fn check(self, now: Duration) -> Result<Duration, DeadlineOver> {
        let left = self.0.checked_sub(now).filter(|left| !left.is_zero());
        left.ok_or(DeadlineOver)
    }

    /// How long a call may take that would wait for `timeout` by itself.
    ///
    /// # Errors
    /// When nothing is left.
    pub fn cap(self, now: Duration, timeout: Duration) -> Result<Duration, DeadlineOver> {
        self.check(now).map(|left| left.min(timeout))
    }

    /// Whether something that is begun at `at` would still be waited for.
    #[must_use]
    pub fn allows(self, at: Duration) -> bool {
        self.check(at).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use attack::Attack;
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    proptest! {
        /// Each hop has a clock of its own, with an origin of its own.
        #[test]
        fn the_last_hop_knows_what_all_hops_used(
            left_ms in 1..10_000_u64, hops in prop::collection::vec((0..1_000_000_u64, 0..500_000_u64), 1..8)
        ) {
            let mut value = left_ms.to_string();
            let mut used = Duration::ZERO;
            for (number, (arrived_us, used_us)) in hops.iter().enumerate() {
                let arrived = Duration::from_micros(*arrived_us);
                let deadline = Deadline::from_header(value.as_bytes(), arrived).unwrap();
                used += Duration::from_micros(*used_us);
                let left = Duration::from_millis(left_ms).saturating_sub(used);
                // Less than a millisecond is lost at each hop, never won.
                let lost = MS * u32::try_from(number + 1).unwrap();
                match deadline.header(arrived + Duration::from_micros(*used_us)) {
                    Ok(next) => {
                        let told = MS * next.parse::<u32>().unwrap();
                        prop_assert!(told <= left && told + lost > left, "{told:?} of {left:?}");
                        value = next;
                    }
                    Err(DeadlineOver) => {
                        prop_assert!(left < lost, "{left:?} were left");
                        break;
                    }
                }
            }
        }
    }

    #[test]
    fn it_is_over_at_its_time() {
        let deadline = Deadline::from_header(b"250", 100 * MS).unwrap();
        assert_eq!(deadline, Deadline::at(350 * MS));
        assert_eq!(deadline.check(349 * MS), Ok(MS));
        assert_eq!(deadline.check(350 * MS), Err(DeadlineOver));
        assert_eq!(deadline.check(9_000 * MS), Err(DeadlineOver));
        assert_eq!(
            deadline.header(350 * MS - MS / 2),
            Err(DeadlineOver),
            "the next hop would read 0"
        );
        assert_eq!(deadline.cap(100 * MS, 1_000 * MS), Ok(250 * MS));
        assert_eq!(deadline.cap(100 * MS, 20 * MS), Ok(20 * MS));
        assert!(deadline.allows(349 * MS) && !deadline.allows(350 * MS));
    }

    #[test]
    fn a_header_is_digits_only_and_few_of_them() {
        for wrong in ["", "-1", "+1", "1.5", " 1", "1s", "0x10", "123456789", "٣"] {
            assert_eq!(
                Deadline::from_header(wrong.as_bytes(), Duration::ZERO),
                Err(NotADeadline),
                "{wrong}"
            );
        }
        assert!(
            !Deadline::from_header(b"0", MS).unwrap().allows(MS),
            "nobody waits from the start"
        );
        let far = Deadline::after(Duration::ZERO, Duration::MAX);
        assert_eq!(far.header(Duration::ZERO).as_deref(), Ok("99999999"));
    }

    #[test]
    fn attack_header() {
        let attack = Attack::new("deadline_header", env!("CARGO_MANIFEST_DIR"));
        attack
            .input("250")
            .input("99999999")
            .word("-")
            .word("0")
            .run(20_000, |bytes| {
                if let Ok(deadline) = Deadline::from_header(bytes, Duration::MAX - MS) {
                    // Whatever is read can be passed on.
                    assert!(deadline.header(Duration::ZERO).is_ok());
                }
            });
    }
}
