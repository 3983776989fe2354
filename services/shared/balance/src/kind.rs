//! What is known of a policy without building it: its name, and the laws that it keeps.

use std::fmt;

use crate::Policy;

/// What becomes of keys: of requests with the same key, and of all keys when an endpoint comes or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// They are not looked at.
    Ignored,
    /// Requests of one key stay together until the membership changes, and then nearly all keys move.
    Scattered,
    /// Of n endpoints one comes or goes, and hardly more than one in n keys moves.
    NearlyKept,
    /// The same, and no key moves between two endpoints that stay.
    Kept,
}

/// A policy that can be built: its name as written in configuration, what it does in one line, its laws and its constructor.
#[derive(Clone, Copy)]
pub struct PolicyKind {
    name: &'static str,
    summary: &'static str,
    keys: Keys,
    reads_answers: bool,
    follows_weights: bool,
    unevenness: f64,
    build: fn() -> Box<dyn Policy>,
}

impl PolicyKind {
    /// A policy that looks at neither keys, answers nor weights, and gives idle equals the same share.
    pub(crate) const fn new(name: &'static str, summary: &'static str, build: fn() -> Box<dyn Policy>) -> Self {
        Self {
            name,
            summary,
            keys: Keys::Ignored,
            reads_answers: false,
            follows_weights: false,
            unevenness: 0.0,
            build,
        }
    }

    /// The same, which looks at keys.
    pub(crate) const fn keyed(mut self, keys: Keys) -> Self {
        self.keys = keys;
        self
    }

    /// The same, which looks at latencies or failures.
    pub(crate) const fn reading_answers(mut self) -> Self {
        self.reads_answers = true;
        self
    }

    /// The same, which gives shares in proportion to weights.
    pub(crate) const fn weighted(mut self) -> Self {
        self.follows_weights = true;
        self
    }

    /// The same, whose shares may differ from what is due by this part of it.
    pub(crate) const fn uneven(mut self, unevenness: f64) -> Self {
        self.unevenness = unevenness;
        self
    }

    /// The name as people write it, such as `least_connections`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What the policy does, in one line for a list.
    #[must_use]
    pub const fn summary(&self) -> &'static str {
        self.summary
    }

    /// What becomes of keys.
    #[must_use]
    pub const fn keys(&self) -> Keys {
        self.keys
    }

    /// Whether the request's key decides, so that what has the same key stays together.
    #[must_use]
    pub const fn is_keyed(&self) -> bool {
        !matches!(self.keys, Keys::Ignored)
    }

    /// Whether it looks at latencies or failures, so that somebody has to keep [`crate::Signals`].
    #[must_use]
    pub const fn reads_answers(&self) -> bool {
        self.reads_answers
    }

    /// Whether shares are in proportion to [`Endpoint::weight`](crate::Endpoint::weight).
    #[must_use]
    pub const fn follows_weights(&self) -> bool {
        self.follows_weights
    }

    /// How far from what is due an endpoint's share may be, as a part of it, besides the noise of draws.
    #[must_use]
    pub const fn unevenness(&self) -> f64 {
        self.unevenness
    }

    /// A fresh policy with no history.
    #[must_use]
    pub fn build(&self) -> Box<dyn Policy> {
        (self.build)()
    }
}

impl fmt::Debug for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PolicyKind").field(&self.name).finish()
    }
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for PolicyKind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for PolicyKind {}
