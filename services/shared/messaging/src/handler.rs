//! What a service does with events.

use contract::events::{DomainEvent, Envelope};
use sqlx::AnyConnection;

use crate::MessagingError;
use crate::consumer::Position;

/// Why an event was not handled. Nothing of it may be left: the transaction is rolled back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not now; it may go well later.
    #[error("{0}")]
    Later(String),
    /// Not ever: the event itself is at fault.
    #[error("{0}")]
    Never(String),
}

impl Refusal {
    /// Why.
    #[must_use]
    pub fn reason(&self) -> &str {
        let (Self::Later(reason) | Self::Never(reason)) = self;
        reason
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        store::note_trouble(&error);
        Self::Later(format!("database: {error}"))
    }
}

impl From<MessagingError> for Refusal {
    fn from(error: MessagingError) -> Self {
        Self::Later(error.to_string())
    }
}

/// What a service does with events.
pub trait Handler: Send + Sync + 'static {
    /// Whether an event is any concern of this service; what is none is passed over.
    fn concerns(&self, event: &DomainEvent) -> bool {
        let _ = event;
        true
    }

    /// Does what takes time and needs no transaction, before one is begun. Whatever it does may be done again.
    fn prepare(&self, event: &Envelope<DomainEvent>) -> impl Future<Output = Result<(), Refusal>> + Send {
        let _ = event;
        std::future::ready(Ok(()))
    }

    /// Does what is to be done, all of it through `connection`, whose transaction is committed afterwards. Events that
    /// follow from it go into the [`Outbox`](crate::Outbox) through the same connection.
    fn handle(
        &self,
        event: &Envelope<DomainEvent>,
        at: &Position,
        connection: &mut AnyConnection,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;
}
