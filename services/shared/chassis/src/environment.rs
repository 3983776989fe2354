//! The environment as a value: read once, so that tests need not change that of the process.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use contract::Secret;

/// A variable that holds something else than it may hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} is {value:?}, but must be {allowed}")]
pub struct SettingsError {
    /// Name of the variable.
    pub variable: String,
    /// What it holds; a password in it is not shown.
    pub value: Secret,
    /// What it may hold.
    pub allowed: String,
}

/// Environment variables by name. A variable that is empty counts as not set. What is secret in them is not shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self
            .0
            .iter()
            .map(|(name, value)| (name, Secret::of_variable(name, value)));
        f.debug_map().entries(shown).finish()
    }
}

impl Environment {
    /// The variables of this process, as far as they are Unicode.
    #[must_use]
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The value of a variable, if it is set.
    #[must_use]
    pub fn get(&self, variable: &str) -> Option<&str> {
        self.0
            .get(variable)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// The parsed value of a variable, or `default` when it is not set.
    ///
    /// # Errors
    /// When it does not parse, or `accept` refuses it; the message quotes `allowed`.
    pub fn parse<T: FromStr>(
        &self,
        variable: &str,
        default: T,
        allowed: &str,
        accept: impl FnOnce(&T) -> bool,
    ) -> Result<T, SettingsError> {
        let Some(value) = self.get(variable) else {
            return Ok(default);
        };
        value
            .parse()
            .ok()
            .filter(accept)
            .ok_or_else(|| self.refuse(variable, allowed))
    }

    /// What one of several words means, or what the first of them means when the variable is not set.
    ///
    /// # Errors
    /// When it is none of the words.
    ///
    /// # Panics
    /// When there are no words.
    pub fn choice<T: Copy>(&self, variable: &str, words: &[(&str, T)]) -> Result<T, SettingsError> {
        let Some(value) = self.get(variable) else {
            return Ok(words[0].1);
        };
        let found = words.iter().find(|(word, _)| *word == value);
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.refuse(variable, &format!("one of {}", words.join(", ")))
        })
    }

    /// A share between 0 and 1; 0 when the variable is not set.
    ///
    /// # Errors
    /// When it is none.
    pub fn share(&self, variable: &str) -> Result<f64, SettingsError> {
        self.parse(variable, 0.0, "a share between 0 and 1", |share| {
            (0.0..=1.0).contains(share)
        })
    }

    /// A whole number of milliseconds, from `min_ms` to `max_ms`; `default_ms` when it is not set.
    ///
    /// # Errors
    /// When it is no such number.
    pub fn milliseconds(
        &self,
        variable: &str,
        default_ms: u64,
        min_ms: u64,
        max_ms: u64,
    ) -> Result<Duration, SettingsError> {
        let allowed = format!("a number of milliseconds from {min_ms} to {max_ms}");
        self.parse(variable, default_ms, &allowed, |ms| (min_ms..=max_ms).contains(ms))
            .map(Duration::from_millis)
    }

    /// The error that says what `variable` may hold.
    #[must_use]
    pub fn refuse(&self, variable: &str, allowed: &str) -> SettingsError {
        SettingsError {
            variable: variable.to_owned(),
            value: Secret::of_variable(variable, self.get(variable).unwrap_or_default()),
            allowed: allowed.to_owned(),
        }
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(
            variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}
