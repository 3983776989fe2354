//! Until when the answer to the request that is being served is waited for.
//!
//! A request says in a header how long its caller will still wait. That is read when the request arrives, so its time in queues
//! counts. Work that leaves a queue asks [`Due::left`] before it begins, and every call that the request makes carries what is left
//! then: see [`reliability::deadline`].

use std::future::Future;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue};
use reliability::deadline::{DEADLINE_HEADER, Deadline, DeadlineOver, NotADeadline};
use tokio::task::futures::TaskLocalFuture;

/// The header that carries what is left, in whole milliseconds.
const X_DEADLINE_LEFT_MS: HeaderName = HeaderName::from_static(DEADLINE_HEADER);

tokio::task_local! {
    static CURRENT: Option<Due>;
}

/// Until when somebody waits for an answer.
#[derive(Debug, Clone, Copy)]
pub struct Due {
    /// The origin of the deadline's time.
    arrived: Instant,
    deadline: Deadline,
}

impl Due {
    /// From now on for so long.
    #[must_use]
    pub fn after(left: Duration) -> Self {
        Self {
            arrived: Instant::now(),
            deadline: Deadline::at(left),
        }
    }

    /// That of a request that arrives now: what its header says, and no more than `longest`.
    ///
    /// # Errors
    /// When the header is not a time.
    pub(crate) fn of(headers: &HeaderMap, longest: Option<Duration>) -> Result<Option<Self>, NotADeadline> {
        let asked = headers
            .get(X_DEADLINE_LEFT_MS)
            .map(|value| Deadline::from_header(value.as_bytes(), Duration::ZERO))
            .transpose()?;
        let shorter = asked.into_iter().chain(longest.map(Deadline::at)).min();
        Ok(shorter.map(|deadline| Self {
            arrived: Instant::now(),
            deadline,
        }))
    }

    /// That of the request that this task serves; `None` where nobody said how long they wait.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|due| *due).ok().flatten()
    }

    /// What is left.
    ///
    /// # Errors
    /// When nothing is: nobody waits any more.
    pub fn left(self) -> Result<Duration, DeadlineOver> {
        self.deadline.check(self.arrived.elapsed())
    }

    /// Adds the header to a call that is made now.
    ///
    /// # Errors
    /// When less than a millisecond is left.
    pub(crate) fn write_header(self, headers: &mut HeaderMap) -> Result<(), DeadlineOver> {
        let left_ms = self.deadline.header(self.arrived.elapsed())?;
        let value = HeaderValue::try_from(left_ms).expect("digits are a header's value");
        headers.insert(X_DEADLINE_LEFT_MS, value);
        Ok(())
    }

    /// Does some work of which this is the deadline.
    pub fn scope<F: Future>(self, work: F) -> WithDue<F> {
        CURRENT.scope(Some(self), work)
    }
}

/// Work with its deadline.
pub type WithDue<F> = TaskLocalFuture<Option<Due>, F>;

/// Does some work that has to be done even if nobody waits any more, such as undoing what was done: its calls carry no deadline.
pub fn without_deadline<F: Future>(work: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(None, work)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(header: &str, longest: Option<u64>) -> Result<Option<Due>, NotADeadline> {
        let mut headers = HeaderMap::new();
        if !header.is_empty() {
            headers.insert(X_DEADLINE_LEFT_MS, header.parse().unwrap());
        }
        Due::of(&headers, longest.map(Duration::from_millis))
    }

    fn deadline(due: Due) -> Duration {
        due.deadline.check(Duration::ZERO).unwrap()
    }

    #[test]
    fn the_shorter_of_what_is_asked_and_what_is_allowed_counts() {
        for (header, longest, ms) in [
            ("500", None, 500),
            ("500", Some(300), 300),
            ("200", Some(300), 200),
            ("", Some(300), 300),
        ] {
            let due = of(header, longest).unwrap().unwrap();
            assert_eq!(deadline(due), Duration::from_millis(ms), "{header} {longest:?}");
        }
        assert!(of("", None).unwrap().is_none());
        for wrong in ["soon", "-1", "1.5", "999999999"] {
            assert!(of(wrong, Some(300)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_left_shrinks_and_a_call_carries_no_more_than_that() {
        let due = Due::after(Duration::from_secs(600));
        let before = due.left().unwrap();
        let mut headers = HeaderMap::new();
        due.write_header(&mut headers).unwrap();
        let carried_ms: u128 = headers[X_DEADLINE_LEFT_MS].to_str().unwrap().parse().unwrap();
        assert!(carried_ms <= before.as_millis() && carried_ms > 0, "{carried_ms}");
        let over = Due::after(Duration::ZERO);
        assert!(over.left().is_err() && over.write_header(&mut headers).is_err());
    }

    #[tokio::test]
    async fn a_task_knows_its_own_and_can_do_without() {
        assert!(Due::current().is_none());
        let due = Due::after(Duration::from_secs(600));
        due.scope(async {
            assert!(Due::current().is_some());
            without_deadline(async { assert!(Due::current().is_none()) }).await;
        })
        .await;
    }
}
