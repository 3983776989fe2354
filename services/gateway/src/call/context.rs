//! One call on its way through the chain.

use std::time::Duration;

use chassis::{Callee, Message};
use reliability::deadline::Deadline;

use super::chain::Chain;
use super::counts::Counts;
use super::outcome::{CallFailure, Rejection};
use crate::clock::Clock;

/// What every policy needs to know of a call.
pub(crate) struct Call<'a> {
    pub(crate) chain: &'a Chain,
    pub(crate) callee: &'a Callee,
    pub(crate) counts: &'a Counts,
    pub(crate) clock: Clock,
    pub(crate) message: Message<'a>,
    /// When nobody waits for it any more.
    pub(crate) deadline: Option<Deadline>,
}

impl Call<'_> {
    pub(crate) fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Whether doing it twice is the same as doing it once (RFC 9110, section 9.2.2).
    pub(crate) fn is_idempotent(&self) -> bool {
        self.message.method.is_idempotent()
    }

    pub(crate) fn rejected(&self, rejection: Rejection) -> CallFailure {
        CallFailure::Rejected {
            service: self.callee.service(),
            rejection,
        }
    }
}
