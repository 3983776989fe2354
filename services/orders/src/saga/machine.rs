//! What an order does with what it hears: a pure state machine.
//!
//! ```text
//!     pending ── reserved ──► reserved ── paid ──► paid ── accepted ──► confirmed
//!        │ no stock, timeout     │ refused, timeout   │ declined
//!        └───────────────────────┴────────────────────┴──► cancelled ── released, refunded ──► nothing is left of it
//! ```
//!
//! Until the order is paid it can be cancelled; what was done for it by then is undone by its compensation: pieces are put
//! back, money is given back. In a choreography the other services do so when they hear that it is cancelled. In an
//! orchestration they are told to, step by step.

use contract::OrderStatus;
use messaging::Style;

/// How far an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) status: OrderStatus,
    /// Whether pieces are set aside for it.
    pub(crate) held: bool,
    /// Whether money is taken for it.
    pub(crate) paid: bool,
}

/// What an order hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The pieces are set aside.
    Reserved,
    /// They cannot be had.
    NoStock(String),
    /// The money is taken.
    Paid,
    /// It cannot be had.
    NoMoney(String),
    /// The last step went well.
    Accepted,
    /// The last step went wrong.
    Declined(String),
    /// The pieces are put back.
    Released,
    /// The money is given back.
    Refunded,
    /// Nothing was decided in time.
    TimedOut,
}

/// What an order says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// It is done.
    Confirmed,
    /// It is undone, and why.
    Cancelled(String),
    /// Payments is to take the money.
    Take,
    /// Payments is to give it back, and why.
    Refund(String),
    /// Inventory is to put the pieces back, and why.
    Release(String),
}

/// Where something heard leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) to: Progress,
    pub(crate) said: Vec<Said>,
}

impl Progress {
    /// An order that was just placed.
    pub(crate) const PLACED: Self = Self {
        status: OrderStatus::Pending,
        held: false,
        paid: false,
    };

    /// What becomes of it when it hears this; `None` when that changes nothing, as it was heard before or comes too late.
    pub(crate) fn after(self, heard: Heard, style: Style) -> Option<Step> {
        use OrderStatus::{Cancelled, Confirmed, Paid, Pending, Reserved};
        match (self.status, heard) {
            (Pending, Heard::Reserved) => {
                let to = Self {
                    status: Reserved,
                    held: true,
                    ..self
                };
                Some(Self::step(to, Self::commands(style, [Said::Take])))
            }
            // It was given up while inventory was at work.
            (Cancelled, Heard::Reserved) => {
                let to = Self { held: true, ..self };
                let late = Said::Release("the order was cancelled meanwhile".to_owned());
                Some(Self::step(to, Self::commands(style, [late])))
            }
            (Reserved, Heard::Paid) => {
                let to = Self {
                    status: Paid,
                    paid: true,
                    ..self
                };
                Some(Self::step(to, Vec::new()))
            }
            // It was given up while payments was at work.
            (Cancelled, Heard::Paid) => {
                let to = Self { paid: true, ..self };
                let late = Said::Refund("the order was cancelled meanwhile".to_owned());
                Some(Self::step(to, Self::commands(style, [late])))
            }
            (Paid, Heard::Accepted) => {
                let to = Self {
                    status: Confirmed,
                    ..self
                };
                Some(Self::step(to, vec![Said::Confirmed]))
            }
            (Pending, Heard::NoStock(reason))
            | (Reserved, Heard::NoMoney(reason))
            | (Paid, Heard::Declined(reason)) => Some(self.cancelled(reason, style)),
            (Pending | Reserved, Heard::TimedOut) => {
                Some(self.cancelled("nothing was decided in time".to_owned(), style))
            }
            (Cancelled, Heard::Released) if self.held => Some(Self::step(Self { held: false, ..self }, Vec::new())),
            (Cancelled, Heard::Refunded) if self.paid => Some(Self::step(Self { paid: false, ..self }, Vec::new())),
            _ => None,
        }
    }

    /// Undone: what was done last is undone first.
    fn cancelled(self, reason: String, style: Style) -> Step {
        let refund = self.paid.then(|| Said::Refund(reason.clone()));
        let release = self.held.then(|| Said::Release(reason.clone()));
        let commands = Self::commands(style, refund.into_iter().chain(release));
        let to = Self {
            status: OrderStatus::Cancelled,
            ..self
        };
        Self::step(to, [Said::Cancelled(reason)].into_iter().chain(commands).collect())
    }

    /// Others are told what to do only where nobody else knows it.
    fn commands(style: Style, commands: impl IntoIterator<Item = Said>) -> Vec<Said> {
        match style {
            Style::Choreography => Vec::new(),
            Style::Orchestration => commands.into_iter().collect(),
        }
    }

    const fn step(to: Self, said: Vec<Said>) -> Step {
        Step { to, said }
    }
}

#[cfg(test)]
mod tests;
