//! The part that a service has in the sagas of others: one step for each order, and what undoes it.

use axum::Router;
use chassis::{App, ServeError, Settings, Shutdown};
use contract::events::{DomainEvent, Envelope};
use sqlx::AnyConnection;
use store::Database;

use crate::{Handler, Outbox, Participant, Position, Refusal, Style, pending_route};

/// What a service that does not own the orders does in a saga.
///
/// In a choreography it follows from what others say, in an orchestration from commands: the same step, and the same
/// compensation. Each may be asked for again, and must change nothing then. H. Garcia-Molina, K. Salem, *Sagas*, 1987.
pub trait SagaStep: Send + Sync + 'static {
    /// What the step has to know of an order.
    type Order: Send;

    /// What an event asks for, if it is any concern of this service.
    fn asked(event: &DomainEvent) -> Option<Asked<Self::Order>>;

    /// Does the step and says how it went, through `connection`.
    fn perform(
        &self,
        connection: &mut AnyConnection,
        order: Self::Order,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// Undoes the step of the order under this key, if it was done, and says so, through `connection`.
    fn compensate(
        &self,
        connection: &mut AnyConnection,
        order_id: i64,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;
}

/// What an event asks of a [`SagaStep`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked<O> {
    /// The step.
    Perform(O),
    /// Its compensation, for the order under this key.
    Compensate(i64),
}

impl<S: SagaStep> Handler for S {
    fn concerns(&self, event: &DomainEvent) -> bool {
        S::asked(event).is_some()
    }

    async fn handle(
        &self,
        event: &Envelope<DomainEvent>,
        _at: &Position,
        connection: &mut AnyConnection,
    ) -> Result<(), Refusal> {
        match S::asked(&event.data) {
            Some(Asked::Perform(order)) => self.perform(connection, order).await,
            Some(Asked::Compensate(order_id)) => self.compensate(connection, order_id).await,
            None => Ok(()),
        }
    }
}

/// The part of an instance, where its system has sagas. Cheap to clone.
pub struct Part<S>(Option<Participant<S>>);

impl<S> Clone for Part<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: SagaStep> Part<S> {
    /// None.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// The part that the settings ask for: see [`Style`]. `step` is made for the outbox through which it speaks.
    ///
    /// # Errors
    /// As [`Participant::start`].
    async fn start(
        settings: &Settings,
        database: &Database,
        step: impl FnOnce(Outbox) -> S,
    ) -> Result<Self, ServeError> {
        let Some(style) = Style::from_settings(settings)? else {
            return Ok(Self::none());
        };
        let participant = Participant::start(settings, database, &[style.heard_by_others()], step).await?;
        Ok(Self(Some(participant)))
    }

    /// The service with what belongs to the part: its checks for `/ready`, and `GET /pending`.
    #[must_use]
    pub fn beside<'a>(&self, app: App<'a>) -> App<'a> {
        let checks = self.0.iter().flat_map(Participant::checks);
        app.checks(checks).plain(pending_route(self.0.clone()))
    }

    /// Runs a service on an open database, and its part beside it, until the end is asked for.
    ///
    /// # Errors
    /// As `start` and `router`; when the address cannot be had.
    pub async fn serve(
        settings: &Settings,
        database: Database,
        step: impl FnOnce(Outbox) -> S,
        router: impl FnOnce(&Settings, Database, &Self) -> Result<Router, ServeError>,
    ) -> Result<(), ServeError> {
        let part = Self::start(settings, &database, step).await?;
        let router = router(settings, database, &part)?;
        chassis::serve_beside(part.run(&settings.shutdown), router, settings).await
    }

    async fn run(&self, shutdown: &Shutdown) {
        if let Some(participant) = &self.0 {
            participant.run(shutdown).await;
        }
    }
}
