//! Dying on purpose at a chosen place, so that experiments can show what a crash leaves: exactly there, every time, and
//! as suddenly as by SIGKILL.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chassis::{Settings, SettingsError};
use contract::environment::{CRASH_AT, CRASH_TIMES};
use store::Database;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::inbox::is_first_hold;

const EVERYWHERE: &str = "everywhere";
const TIMES_MAX: u32 = 100;
/// How long the last line of the log may take.
const LAST_WORDS: Duration = Duration::from_millis(20);

/// The moments of a message's life in a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// What follows from it is written, and not committed.
    BeforeCommit,
    /// It is committed, and Kafka does not know that it was handled.
    AfterCommit,
    /// It is in the outbox, and not published.
    BeforePublish,
    /// It is published, and still in the outbox.
    AfterPublish,
}

impl Moment {
    const ALL: [Self; 4] = [
        Self::BeforeCommit,
        Self::AfterCommit,
        Self::BeforePublish,
        Self::AfterPublish,
    ];
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::BeforeCommit => "before-commit",
            Self::AfterCommit => "after-commit",
            Self::BeforePublish => "before-publish",
            Self::AfterPublish => "after-publish",
        })
    }
}

/// The places at which this process is to die. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Crashes {
    at: At,
    times: u32,
    database: Database,
    /// Places that are used up. Locked while a death is on its way, so that everybody else stands still until it comes:
    /// a process dies in one place only.
    past: Arc<Mutex<BTreeSet<String>>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum At {
    Nowhere,
    Everywhere,
    Places(BTreeSet<String>),
}

/// A death that is due: it is noted, so that it comes only once.
#[derive(Debug)]
pub struct Doom {
    place: String,
    _others_wait: OwnedMutexGuard<BTreeSet<String>>,
}

impl Doom {
    /// Ends this process here and now: nothing is flushed, closed or told to anybody.
    pub fn come(self) {
        tracing::warn!(place = self.place, "dying, because {CRASH_AT} says so");
        // Logs are written by another thread. Here nothing goes on meanwhile.
        std::thread::sleep(LAST_WORDS);
        std::process::abort()
    }
}

impl Crashes {
    /// No crashes.
    #[must_use]
    pub fn none(database: Database) -> Self {
        Self::new(At::Nowhere, 0, database)
    }

    fn new(at: At, times: u32, database: Database) -> Self {
        Self {
            at,
            times,
            database,
            past: Arc::default(),
        }
    }

    /// The crashes that the settings ask for; those that there were are noted in the database, which needs
    /// [`INBOX_TABLE`](crate::INBOX_TABLE).
    ///
    /// # Errors
    /// When a place is none.
    pub fn from_settings(settings: &Settings, database: Database) -> Result<Self, SettingsError> {
        let env = &settings.environment;
        let at = match env.get(CRASH_AT) {
            None => At::Nowhere,
            Some(EVERYWHERE) => At::Everywhere,
            Some(list) => At::Places(
                places(list).ok_or_else(|| {
                    let moments = Moment::ALL.map(|moment| moment.to_string()).join(", ");
                    env.refuse(
                        CRASH_AT,
                        &format!(
                            "{EVERYWHERE}, or a list of places such as lab.order.created.v1:before-commit, each with one of {moments}"
                        ),
                    )
                })?,
            ),
        };
        let allowed = format!("a number from 1 to {TIMES_MAX}");
        let times = env.parse(CRASH_TIMES, 1, &allowed, |times| (1..=TIMES_MAX).contains(times))?;
        Ok(Self::new(at, times, database))
    }

    /// Whether it dies nowhere.
    #[must_use]
    pub fn is_never(&self) -> bool {
        self.at == At::Nowhere
    }

    /// The death that is due at a moment of a message of this type, if one is. It is noted before it comes, in a
    /// transaction of its own, so it must not be asked for within one.
    pub async fn due(&self, kind: &str, moment: Moment) -> Option<Doom> {
        let place = format!("{kind}:{moment}");
        let wanted = match &self.at {
            At::Nowhere => false,
            At::Everywhere => true,
            At::Places(places) => places.contains(&place),
        };
        if !wanted {
            return None;
        }
        let mut past = Arc::clone(&self.past).lock_owned().await;
        if past.contains(&place) {
            return None;
        }
        for time in 1..=self.times {
            // A database that fails here fails everywhere, and says so there.
            let first = is_first_hold(&self.database, &format!("crash {place} {time}")).await;
            if first.unwrap_or(false) {
                return Some(Doom {
                    place,
                    _others_wait: past,
                });
            }
        }
        past.insert(place);
        None
    }
}

/// The places of a list with commas; `None` when one of them is none.
fn places(list: &str) -> Option<BTreeSet<String>> {
    let is_place = |place: &str| {
        let moments = Moment::ALL.map(|moment| moment.to_string());
        place
            .split_once(':')
            .is_some_and(|(kind, moment)| !kind.is_empty() && moments.iter().any(|known| known == moment))
    };
    let places = list.split(',').map(str::trim);
    places.map(|place| is_place(place).then(|| place.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use chassis::testing::settings;
    use contract::Program;

    use super::*;
    use crate::inbox_migration;

    const KIND: &str = "lab.order.created.v1";

    async fn crashes(variables: &[(&str, &str)]) -> Result<Crashes, SettingsError> {
        let database = Database::open("sqlite::memory:", &[inbox_migration(1)]).await.unwrap();
        Crashes::from_settings(&settings(Program::Orders, variables), database)
    }

    #[tokio::test]
    async fn a_place_is_due_as_often_as_asked_for_and_never_again() {
        let crashes = crashes(&[(CRASH_AT, "everywhere"), (CRASH_TIMES, "2")]).await.unwrap();
        for due in [true, true, false, false] {
            assert_eq!(crashes.due(KIND, Moment::AfterCommit).await.is_some(), due);
        }
        assert!(crashes.due(KIND, Moment::BeforeCommit).await.is_some());
        // Another process with the same database knows what there was.
        let again = Crashes::new(At::Everywhere, 2, crashes.database.clone());
        assert!(again.due(KIND, Moment::AfterCommit).await.is_none());
        assert!(again.due(KIND, Moment::BeforeCommit).await.is_some());
    }

    #[tokio::test]
    async fn only_the_named_places_are_due() {
        let crashes = crashes(&[(CRASH_AT, "a:before-publish, lab.order.created.v1:after-publish")])
            .await
            .unwrap();
        assert!(crashes.due(KIND, Moment::BeforePublish).await.is_none());
        assert!(crashes.due(KIND, Moment::AfterPublish).await.is_some());
        let none = Crashes::none(crashes.database.clone());
        assert!(none.due("a", Moment::BeforePublish).await.is_none());
    }

    #[tokio::test]
    async fn what_is_no_place_is_refused() {
        for wrong in ["somewhere", "a:between", ":before-commit", "a:before-commit,"] {
            let error = crashes(&[(CRASH_AT, wrong)]).await.unwrap_err().to_string();
            assert!(error.contains(CRASH_AT) && error.contains("after-publish"), "{error}");
        }
        crashes(&[(CRASH_TIMES, "0")]).await.unwrap_err();
    }
}
