//! A policy of a registry, and how it is found by its name.

use std::fmt;

use super::error::SettingsError;

/// A policy that can be built: its name as written in settings, what it does in one line, and what builds it.
#[derive(Clone, Copy)]
pub struct Kind<B> {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) build: B,
}

impl<B> Kind<B> {
    /// The name as people write it, such as `sliding_log`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What the policy does, in one line for a list.
    #[must_use]
    pub const fn summary(&self) -> &'static str {
        self.summary
    }
}

impl<B> fmt::Debug for Kind<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kind").field(&self.name).finish()
    }
}

/// Splits a line such as `gcra limit=5 window=10s` into the policy that its first word names, and its settings. `what` says
/// in an error what kind of policy it is.
pub(crate) fn find<'t, B>(
    what: &'static str,
    registry: &'static [Kind<B>],
    text: &'t str,
) -> Result<(&'static Kind<B>, &'t str), SettingsError> {
    let text = text.trim();
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let found = registry.iter().find(|kind| kind.name == name);
    let kind = found.ok_or_else(|| SettingsError::NoSuchPolicy {
        what,
        name: name.to_owned(),
        known: registry.iter().map(Kind::name).collect::<Vec<_>>().join(", "),
    })?;
    Ok((kind, rest))
}
