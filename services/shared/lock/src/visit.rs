//! One request's way to the data, under the strategy that it chose.

use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts};
use chassis::{Failure, Json};
use contract::limits::LOCK_MS_MAX;
use contract::{DECISION_HEADER, STEPS_HEADER, STRATEGY_HEADER, Step, StepKind, Stepped, Strategy};
use http::request::Parts;
use http::{HeaderMap, StatusCode};

use crate::{LocalGuard, LockGuard, LockOptions, Protection, Release, Steps, TokenIssue, meter, monotonic_ns};

/// What a request may do to data that others want too, and what it did.
///
/// As an argument of a handler it reads the headers `x-strategy` (400 when there is no such strategy), `x-decision-ms`
/// (400 when it is no number of milliseconds) and `x-steps`.
///
/// ```ignore
/// visit.protect("seat:14C", |permit| async move {
///     let reading = read(permit.fence()).await?;
///     permit.note(StepKind::Read, Some(reading));
///     permit.before_write().await?;
///     write(reading - 1, permit.fence()).await
/// })
/// ```
pub struct Visit {
    protection: Protection,
    strategy: Strategy,
    decision: Duration,
    steps: Steps,
}

/// Leave to read and write; held by the work that [`Visit::protect`] runs.
#[derive(Clone, Copy)]
pub struct Permit<'a> {
    visit: &'a Visit,
    key: &'a str,
    /// Token that the lock came with; none without a lock in Redis.
    token: Option<i64>,
}

enum Held {
    Nothing,
    Local(LocalGuard),
    Redis(LockGuard),
}

impl<S> FromRequestParts<S> for Visit
where
    S: Send + Sync,
    Protection: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let protection = Protection::from_ref(state);
        let strategy = chosen(&parts.headers)?.unwrap_or_else(|| protection.strategy());
        let decision = decision(&parts.headers)?.unwrap_or_else(|| protection.decision());
        let asked = parts.headers.get(STEPS_HEADER).is_some_and(|value| value == "1");
        Ok(Self {
            protection,
            strategy,
            decision,
            steps: Steps::new(asked),
        })
    }
}

fn chosen(headers: &HeaderMap) -> Result<Option<Strategy>, Failure> {
    let Some(value) = headers.get(STRATEGY_HEADER) else {
        return Ok(None);
    };
    let name = String::from_utf8_lossy(value.as_bytes());
    name.parse()
        .map(Some)
        .map_err(|error| Failure::bad_request(format!("{STRATEGY_HEADER}: {error}")))
}

fn decision(headers: &HeaderMap) -> Result<Option<Duration>, Failure> {
    let Some(value) = headers.get(DECISION_HEADER) else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(value.as_bytes());
    let ms = text.parse().ok().filter(|ms| *ms <= LOCK_MS_MAX);
    ms.map(|ms| Some(Duration::from_millis(ms))).ok_or_else(|| {
        Failure::bad_request(format!(
            "{DECISION_HEADER} is {text:?}, but must be whole milliseconds from 0 to {LOCK_MS_MAX}"
        ))
    })
}

impl Visit {
    /// The strategy of this request.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// Notes a step, as done now.
    pub fn note(&self, what: StepKind, value: Option<i64>) {
        self.steps.note(what, value);
    }

    /// Lets the time pass that it takes to decide: the barrier that widens a race. To be spent immediately
    /// before the write.
    pub async fn decide(&self) {
        if !self.decision.is_zero() {
            tokio::time::sleep(self.decision).await;
        }
    }

    /// Runs `work`, which reads and writes what `key` stands for, within the lock of the strategy; under
    /// [`Strategy::None`] and [`Strategy::Atomic`] there is none.
    ///
    /// # Errors
    /// 503 when the lock could not be had, and the failure of the work.
    pub async fn protect<'a, T, F>(&'a self, key: &'a str, work: impl FnOnce(Permit<'a>) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let held = self.enter(key).await?;
        let outcome = work(Permit {
            visit: self,
            key,
            token: held.token(),
        })
        .await;
        self.leave(held).await;
        outcome
    }

    async fn enter(&self, key: &str) -> Result<Held, Failure> {
        let options = self.protection.options();
        let held = match self.strategy {
            Strategy::None | Strategy::Atomic => return Ok(Held::Nothing),
            Strategy::LocalLock => Held::Local(self.protection.local().acquire(key, options.wait).await?),
            Strategy::RedisLock | Strategy::RedisLockAsked | Strategy::RedisLockFenced => {
                Held::Redis(self.protection.redis()?.acquire(key, &options).await?)
            }
            Strategy::RedisLockEarlyToken => {
                let options = LockOptions {
                    token: TokenIssue::BeforeLock,
                    ..options
                };
                Held::Redis(self.protection.redis()?.acquire(key, &options).await?)
            }
        };
        self.note(StepKind::Acquired, held.token());
        Ok(held)
    }

    async fn leave(&self, held: Held) {
        // From winning the lock to *beginning* to give it back it is ours for certain; when Redis' answer comes, another
        // may have it already.
        let at_ns = monotonic_ns();
        match held {
            Held::Nothing => {}
            Held::Local(guard) => {
                drop(guard);
                self.steps.note_at(at_ns, StepKind::Released, None);
            }
            Held::Redis(guard) => match guard.release().await {
                Ok(release) => self.steps.note_at(at_ns, step_of(release), None),
                // What was to be done is done, so the request does not fail; the time to live ends the lock.
                Err(error) => tracing::warn!(error = error.to_string(), "a lock was not given back"),
            },
        }
    }

    /// The answer, or the problem, with the steps if they were asked for.
    ///
    /// # Errors
    /// The problem.
    pub fn answer<T>(
        self,
        outcome: Result<(StatusCode, T), Failure>,
    ) -> Result<(StatusCode, Json<Stepped<T>>), Failure> {
        let steps: Option<Vec<Step>> = self.steps.into_list();
        match outcome {
            Ok((status, answer)) => Ok((status, Json(Stepped { answer, steps }))),
            Err(failure) => Err(match steps {
                Some(steps) => failure.with_steps(steps),
                None => failure,
            }),
        }
    }
}

impl Permit<'_> {
    /// The token that the storage has to check in the statements that read and write, under the strategies that have
    /// it do so.
    #[must_use]
    pub fn fence(&self) -> Option<i64> {
        match self.visit.strategy {
            Strategy::RedisLockFenced | Strategy::RedisLockEarlyToken => self.token,
            _ => None,
        }
    }

    /// Notes a step, as done now.
    pub fn note(&self, what: StepKind, value: Option<i64>) {
        self.visit.note(what, value);
    }

    /// What comes between reading and writing: asking whether the lock is still held, under the strategy that does,
    /// and then the time to [decide](Visit::decide).
    ///
    /// # Errors
    /// 409 when the lock is no longer held, 503 when Redis could not be asked.
    pub async fn before_write(&self) -> Result<(), Failure> {
        if self.visit.strategy == Strategy::RedisLockAsked
            && let Some(token) = self.token
        {
            self.ask(token).await?;
        }
        self.visit.decide().await;
        Ok(())
    }

    async fn ask(&self, token: i64) -> Result<(), Failure> {
        let current = self.visit.protection.redis()?.is_current(self.key, token).await?;
        self.note(StepKind::Checked, Some(current.into()));
        if current {
            return Ok(());
        }
        let detail = format!("the lock {:?} was lost before the write; nothing was changed", self.key);
        Err(Failure::conflict(detail).with_kind("urn:lab:lock-lost"))
    }

    /// The storage refused the [fence](Self::fence): notes that, and gives the 409 that the request ends with.
    #[must_use]
    pub fn stale(&self) -> Failure {
        meter::stale_token();
        self.note(StepKind::Refused, self.token);
        let detail = format!(
            "the storage has seen a newer holder of the lock {:?}; nothing was changed",
            self.key
        );
        Failure::conflict(detail).with_kind("urn:lab:stale-token")
    }
}

impl Held {
    fn token(&self) -> Option<i64> {
        match self {
            Self::Nothing | Self::Local(_) => None,
            Self::Redis(guard) => Some(guard.token()),
        }
    }
}

fn step_of(release: Release) -> StepKind {
    match release {
        Release::Released => StepKind::Released,
        Release::NotOwner => StepKind::NotOwner,
        Release::DeletedForeign => StepKind::DeletedForeign,
    }
}
