//! Texts that may hold a secret, and what of them may be shown.

use std::fmt;

/// What is shown in the place of a secret.
const MASK: &str = "***";
/// A variable whose name holds one of these holds nothing but a secret.
const SECRET_NAMES: [&str; 5] = ["SECRET", "PASSWORD", "PASSWD", "TOKEN", "API_KEY"];

/// A text that holds a secret, or may hold one: a key, or an address with a user and a password in it.
///
/// `Display` and `Debug` show it without the secret, so it can stand in every message and in every type that is printed.
/// Only [`expose`](Self::expose) gives the text itself, to whoever has to use it. It is not serialised: a document gets
/// either the one or the other, by intent.
///
/// ```
/// # use contract::Secret;
/// let address = Secret::address("postgres://me:pass@host:5432/users?sslpassword=x");
/// assert_eq!(address.to_string(), "postgres://***@host:5432/users?sslpassword=***");
/// assert_eq!(Secret::whole("key").to_string(), "***");
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secret {
    text: String,
    kind: Kind,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    #[default]
    Whole,
    Address,
}

impl Secret {
    /// A text that is nothing but a secret; nothing of it is shown, not even its length.
    #[must_use]
    pub fn whole(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            kind: Kind::Whole,
        }
    }

    /// An address, or a list of addresses: see [`redact`] for what is shown of it.
    #[must_use]
    pub fn address(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            kind: Kind::Address,
        }
    }

    /// The value of an environment variable: nothing is shown of it when its name says that it is a secret
    /// (`JWT_SECRET`, `PGPASSWORD`), else it is shown as an address is, which leaves plain values as they are.
    #[must_use]
    pub fn of_variable(name: &str, value: impl Into<String>) -> Self {
        let name = name.to_ascii_uppercase();
        if SECRET_NAMES.iter().any(|secret| name.contains(secret)) {
            Self::whole(value)
        } else {
            Self::address(value)
        }
    }

    /// The text itself, for whoever uses it. Never for a message.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Whole => f.pad(MASK),
            Kind::Address => f.pad(&redact(&self.text)),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

/// An address, whether it is well formed or not, as it may be shown: without user and password, and without the values
/// of its query and its fragment.
///
/// A password may hold any character where somebody forgot to encode it, so all that stands between the scheme and the
/// *last* `@` counts as user and password: of a list of such addresses, only the last host is shown. A text without an
/// `@`, a query or a `#` is shown as it is, unless it speaks of a password (`host=db password=x`): then nothing is.
#[must_use]
pub fn redact(address: &str) -> String {
    let (scheme, rest) = split_scheme(address);
    let (user_info, rest) = match rest.rsplit_once('@') {
        Some((_, rest)) => (format!("{MASK}@"), rest),
        None => (String::new(), rest),
    };
    if scheme.is_empty() && !rest.contains('?') && rest.to_ascii_lowercase().contains("passw") {
        return MASK.to_owned();
    }
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (place, tail) = rest.split_at(end);
    format!("{scheme}{user_info}{place}{}", redact_tail(tail))
}

/// `http://`, or nothing where no scheme stands in front. A name may stand before it, as in `a=http://…`.
fn split_scheme(address: &str) -> (&str, &str) {
    let Some(at) = address.find("://") else {
        return ("", address);
    };
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '=' | '_' | ' ');
    if address[..at].chars().all(is_scheme) {
        address.split_at(at + "://".len())
    } else {
        ("", address)
    }
}

/// A query and a fragment with their names, but not their values.
fn redact_tail(tail: &str) -> String {
    let mut shown = String::new();
    for part in tail.split_inclusive(['?', '&', '#', ';']) {
        let (value, separator) = match part.chars().last() {
            Some(last @ ('?' | '&' | '#' | ';')) => (&part[..part.len() - 1], Some(last)),
            _ => (part, None),
        };
        match value.split_once('=') {
            Some((name, _)) => shown.extend([name, "=", MASK]),
            None if value.is_empty() => {}
            None => shown.push_str(MASK),
        }
        shown.extend(separator);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        for (address, shown) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("sqlite://users.db", "sqlite://users.db"),
            ("postgres://me:s3cret@db:5432/users", "postgres://***@db:5432/users"),
            ("redis://:s3cret@db", "redis://***@db"),
            ("redis://s3cret@db/2", "redis://***@db/2"),
            ("u:s3cret@host:9092", "***@host:9092"),
            ("u:s3cret@a:1,u:s3cret@b:2", "***@b:2"),
            ("a:1,b:2", "a:1,b:2"),
            ("http://u:s3cret/more@host", "http://***@host"),
            ("http://u:s3@cret@host", "http://***@host"),
            ("u:s3cret://x@host", "***@host"),
            ("a=http://u:s3cret@host:1", "a=http://***@host:1"),
            (
                "http://h/p?password=s3cret&a=1#s3cret",
                "http://h/p?password=***&a=***#***",
            ),
            ("http://h?s3cret", "http://h?***"),
            ("http://h/metrics", "http://h/metrics"),
            ("host=db password=s3cret", "***"),
            ("http://[::1]:80", "http://[::1]:80"),
            ("", ""),
        ] {
            assert_eq!(redact(address), shown, "{address}");
            let secret = Secret::address(address);
            assert!(!format!("{secret} {secret:?}").contains("s3cret"), "{secret}");
            assert_eq!(secret.expose(), address);
        }
    }

    #[test]
    fn a_variable_that_is_called_a_secret_is_not_shown_at_all() {
        for (name, value, shown) in [
            ("JWT_SECRET", "s3cret", "***"),
            ("PGPASSWORD", "s3cret", "***"),
            ("USERS_URL", "http://u:s3cret@h", "http://***@h"),
            ("WORK_SLOW", "users-1=20", "users-1=20"),
            ("PORT", "x", "x"),
        ] {
            assert_eq!(Secret::of_variable(name, value).to_string(), shown, "{name}");
        }
    }
}
