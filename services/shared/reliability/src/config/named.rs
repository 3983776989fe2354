//! Finding a policy by its name.

use super::error::SettingsError;

/// A policy of a registry.
pub(crate) trait Named: 'static {
    /// What kind of policy it is, in an error.
    const WHAT: &'static str;

    /// The name as people write it.
    fn name(&self) -> &'static str;
}

/// Splits a line such as `gcra limit=5 window=10s` into the policy that its first word names, and its settings.
pub(crate) fn find<'t, K: Named>(
    registry: &'static [K],
    text: &'t str,
) -> Result<(&'static K, &'t str), SettingsError> {
    let text = text.trim();
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let found = registry.iter().find(|kind| kind.name() == name);
    let kind = found.ok_or_else(|| SettingsError::NoSuchPolicy {
        what: K::WHAT,
        name: name.to_owned(),
        known: registry.iter().map(K::name).collect::<Vec<_>>().join(", "),
    })?;
    Ok((kind, rest))
}
