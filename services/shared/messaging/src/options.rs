//! How a group works, as the environment of a service says.

use std::time::Duration;

use chassis::{Settings, SettingsError};
use contract::environment::{
    CONSUME_COMMIT, CONSUME_GAP_MS, CONSUME_HOLD_AT, CONSUME_ON_FAILURE, CONSUME_RETRIES, CONSUME_RETRY_MS,
};
use contract::events::topics;

use crate::failures::Failures;

const MS_MAX: u64 = 600_000;
const RETRIES_MAX: u32 = 10;

/// When a message is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// Before it is handled: whoever dies in between has lost it. *At most once.*
    Before,
    /// After it was handled: whoever dies in between meets it again. *At least once.*
    After,
    /// After it was handled, and what was handled is noted in the same transaction: whoever meets it again knows it.
    /// The *effect* is there exactly once. Needs [`INBOX_TABLE`](crate::INBOX_TABLE).
    Inbox,
}

/// How a group works.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// The group, without the prefix.
    pub group: String,
    /// What it reads, without the prefix.
    pub topics: Vec<String>,
    /// When it commits.
    pub commit: Commit,
    /// What becomes of what it cannot handle.
    pub failures: Failures,
    /// A barrier for experiments: the pause between handling and committing, in whichever order they come.
    pub gap: Duration,
    /// Another one: the message, counted from 1, between whose handling and whose commit the worker stands still until
    /// it is killed or asked to end, once in the life of the database; 0 is none.
    pub hold_at: u64,
}

#[derive(Clone, Copy)]
enum OnFailure {
    Retry,
    Dead,
    Block,
}

impl WorkerOptions {
    /// The options of the group of this service that hears these topics.
    ///
    /// # Errors
    /// When a variable holds what it may not hold.
    pub fn from_settings(settings: &Settings, heard: &[&str]) -> Result<Self, SettingsError> {
        let env = &settings.environment;
        let on_failure = env.choice(
            CONSUME_ON_FAILURE,
            &[
                ("retry", OnFailure::Retry),
                ("dead", OnFailure::Dead),
                ("block", OnFailure::Block),
            ],
        )?;
        let allowed = format!("a number of retry topics from 1 to {RETRIES_MAX}");
        let retries = env.parse(CONSUME_RETRIES, 2, &allowed, |retries| {
            (1..=RETRIES_MAX).contains(retries)
        })?;
        let first: Duration = env.milliseconds(CONSUME_RETRY_MS, 200, 1, MS_MAX)?;
        Ok(Self {
            group: settings.service.to_string(),
            topics: heard.iter().map(|topic| (*topic).to_owned()).collect(),
            commit: env.choice(
                CONSUME_COMMIT,
                &[
                    ("inbox", Commit::Inbox),
                    ("before", Commit::Before),
                    ("after", Commit::After),
                ],
            )?,
            failures: match on_failure {
                OnFailure::Retry => Failures::backoff(first, retries),
                OnFailure::Dead => Failures::backoff(first, 0),
                OnFailure::Block => Failures::Block,
            },
            gap: env.milliseconds(CONSUME_GAP_MS, 0, 0, MS_MAX)?,
            hold_at: env.parse(CONSUME_HOLD_AT, 0, "the number of an event, or 0 for none", |_| true)?,
        })
    }

    /// Every topic that the group reads or writes: the topics, those for retries, and those for dead letters.
    #[must_use]
    pub fn all_topics(&self) -> Vec<String> {
        let of_retries = (1..=self.failures.retries()).flat_map(|attempt| self.retry_topics(attempt));
        let dead = self
            .topics
            .iter()
            .filter(|_| self.failures.gives_up())
            .map(|topic| topics::dead_letter(topic, &self.group));
        self.topics.iter().cloned().chain(of_retries).chain(dead).collect()
    }

    pub(crate) fn retry_topics(&self, attempt: usize) -> Vec<String> {
        let retry = |topic: &String| topics::retry(topic, &self.group, attempt);
        self.topics.iter().map(retry).collect()
    }
}

#[cfg(test)]
mod tests {
    use contract::Program;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<WorkerOptions, SettingsError> {
        let settings = Settings::new(Program::Analytics, variables.iter().copied().collect()).unwrap();
        WorkerOptions::from_settings(&settings, &["orders"])
    }

    #[test]
    fn variables_are_read_as_they_are_declared() {
        let variables = [
            CONSUME_COMMIT,
            CONSUME_ON_FAILURE,
            CONSUME_RETRIES,
            CONSUME_RETRY_MS,
            CONSUME_GAP_MS,
            CONSUME_HOLD_AT,
        ];
        chassis::testing::assert_read_as_declared(&variables, |variable, value| read(&[(variable, value)]).is_ok());
    }

    #[test]
    fn the_defaults_are_the_careful_ones() {
        let options = read(&[]).unwrap();
        assert_eq!((options.group.as_str(), options.commit), ("analytics", Commit::Inbox));
        assert_eq!(options.failures.retries(), 2);
        let topics = [
            "orders",
            "orders.analytics.retry-1",
            "orders.analytics.retry-2",
            "orders.analytics.dead",
        ];
        assert_eq!(options.all_topics(), topics);
    }

    #[test]
    fn every_variable_is_read_or_refused_with_what_is_allowed() {
        let options = read(&[("CONSUME_COMMIT", "before"), ("CONSUME_ON_FAILURE", "block")]).unwrap();
        assert_eq!((options.commit, &options.failures), (Commit::Before, &Failures::Block));
        assert_eq!(options.all_topics(), ["orders"]);
        for (variable, value, allowed) in [
            ("CONSUME_COMMIT", "never", "inbox, before, after"),
            ("CONSUME_ON_FAILURE", "panic", "retry, dead, block"),
            ("CONSUME_RETRIES", "0", "from 1 to 10"),
            ("CONSUME_RETRY_MS", "soon", "from 1 to"),
            ("CONSUME_GAP_MS", "-1", "from 0 to"),
        ] {
            let error = read(&[(variable, value)]).unwrap_err().to_string();
            assert!(error.contains(variable) && error.contains(allowed), "{error}");
        }
    }
}
