//! A group's work: read, do, commit, and what becomes of what cannot be done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chassis::{Check, Shutdown, unix_ms};
use contract::Pending;
use store::Database;

use crate::consumer::{NoEvent, Position, Received};
use crate::crash::{Crashes, Doom, Moment};
use crate::handler::{Handler, Refusal};
use crate::lane::Lane;
use crate::mover::{DELAY_MS_MAX, Mover};
use crate::options::{Commit, WorkerOptions};
use crate::{Broker, MessagingError, Outbox, Producer, headers, inbox};

/// Works for a group until the end is asked for: one message after the other in each of its lanes. The first lane reads
/// the topics; each retry topic has a lane of its own, so that waiting for one does not hold up the others.
pub struct Worker<H> {
    options: WorkerOptions,
    broker: Broker,
    database: Database,
    handler: H,
    mover: Mover,
    crashes: Crashes,
    /// What its handler speaks through.
    outbox: Option<Outbox>,
    lanes: Vec<Lane>,
    handled: AtomicU64,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handled {
    /// It was handled.
    Done,
    /// It was handled before.
    Repeated,
    /// It is somebody else's concern.
    Ignored,
}

impl Handled {
    const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Repeated => "repeated",
            Self::Ignored => "ignored",
        }
    }
}

impl<H: Handler> Worker<H> {
    /// Joins the groups of all lanes. The topics must be there: see [`WorkerOptions::all_topics`] and
    /// [`Broker::ensure_topics`].
    ///
    /// # Errors
    /// When the library refuses the settings.
    pub fn new(
        broker: &Broker,
        producer: &Producer,
        database: Database,
        options: WorkerOptions,
        handler: H,
    ) -> Result<Self, MessagingError> {
        let lanes = (0..=options.failures.retries())
            .map(|attempts| Lane::join(broker, &options, attempts))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            mover: Mover::new(producer.clone(), broker.clone(), &options),
            broker: broker.clone(),
            crashes: Crashes::none(database.clone()),
            outbox: None,
            database,
            handler,
            lanes,
            options,
            handled: AtomicU64::new(0),
        })
    }

    /// The same worker, which dies at these places.
    #[must_use]
    pub fn with_crashes(mut self, crashes: Crashes) -> Self {
        self.crashes = crashes;
        self
    }

    /// The same worker, whose handler speaks through this outbox: its relay hears of each commit at once.
    #[must_use]
    pub fn with_outbox(mut self, outbox: Outbox) -> Self {
        self.outbox = Some(outbox);
        self
    }

    /// Works until the end is asked for, then leaves the groups.
    pub async fn run(&self, shutdown: &Shutdown) {
        let report = async {
            loop {
                self.report_lag().await;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let work = futures_util::future::join_all(self.lanes.iter().map(|lane| self.work(lane, shutdown)));
        tokio::select! {
            _ = work => {}
            () = report => {}
        }
    }

    /// Whether this instance has joined the groups of all its lanes; for `/ready`. Until then nobody reads for it.
    #[must_use]
    pub fn has_joined(&self) -> bool {
        self.lanes.iter().all(|lane| lane.consumer.has_joined())
    }

    /// The same as a check of this name.
    #[must_use]
    pub fn check(self: &Arc<Self>, name: &'static str) -> Check {
        let worker = Arc::clone(self);
        Check::new(name, move || {
            let why = || "it has not joined its group yet".to_owned();
            std::future::ready(worker.has_joined().then_some(()).ok_or_else(why))
        })
    }

    /// The partitions that this instance has, of the topics themselves.
    #[must_use]
    pub fn partitions(&self) -> Vec<(String, i32)> {
        self.lanes[0].consumer.partitions()
    }

    /// What the *group* has not finished at this moment, retries included, and how much this instance has handled.
    ///
    /// # Errors
    /// When the brokers do not answer.
    pub async fn pending(&self) -> Result<Pending, MessagingError> {
        let mut open = 0;
        for lane in &self.lanes {
            open += lane.lag(&self.broker).await?;
        }
        Ok(Pending {
            open,
            done: self.handled.load(Ordering::SeqCst),
        })
    }

    async fn report_lag(&self) {
        for lane in &self.lanes {
            // An unreachable broker shows elsewhere; the gauge keeps what was known.
            let _ = lane.lag(&self.broker).await;
        }
    }

    async fn work(&self, lane: &Lane, shutdown: &Shutdown) {
        loop {
            let received = tokio::select! {
                biased;
                () = shutdown.requested() => break,
                received = lane.consumer.next() => received,
            };
            match received {
                Ok(received) => self.take(lane, &received, shutdown).await,
                Err(error) => {
                    tracing::error!(%error, group = lane.group, "this consumer can go on no more");
                    break;
                }
            }
        }
        lane.consumer.leave();
    }

    /// One message, from its coming to its commit. What is neither handled nor moved comes again.
    async fn take(&self, lane: &Lane, received: &Received<'_>, shutdown: &Shutdown) {
        if !self.is_due(lane, received, shutdown).await {
            return;
        }
        let position = received.position();
        let trace = received.trace();
        let taken = trace
            .scope(self.take_in_order(lane, received, &position, shutdown))
            .await;
        if let Err(reason) = taken {
            metrics::counter!("messaging_blocked_total", "group" => lane.group.clone()).increment(1);
            tracing::warn!(?position, reason, "the message is tried again in its place");
            if let Err(error) = lane.consumer.seek(&position) {
                tracing::debug!(%error, "the partition has gone; its next owner tries");
            }
            tokio::select! {
                () = shutdown.requested() => {}
                () = tokio::time::sleep(self.options.failures.pause()) => {}
            }
        }
    }

    /// Waits until a message is due that was put off. The delays of a topic are equal, so the first is due first.
    async fn is_due(&self, lane: &Lane, received: &Received<'_>, shutdown: &Shutdown) -> bool {
        let due_ms: Option<i64> = received.header(headers::DUE_MS).and_then(|due| due.parse().ok());
        let wait_ms = due_ms.map_or(0, |due| (due - unix_ms()).clamp(0, DELAY_MS_MAX));
        if lane.attempts == 0 || wait_ms == 0 {
            return true;
        }
        tokio::select! {
            () = shutdown.requested() => false,
            () = tokio::time::sleep(Duration::from_millis(wait_ms.unsigned_abs())) => true,
        }
    }

    /// Handles and commits, in the order that the options say.
    async fn take_in_order(
        &self,
        lane: &Lane,
        received: &Received<'_>,
        position: &Position,
        shutdown: &Shutdown,
    ) -> Result<(), String> {
        let commit = self.options.commit;
        if commit == Commit::Before {
            lane.consumer
                .commit_and_wait(position)
                .await
                .map_err(|error| format!("it could not be committed first: {error}"))?;
            self.between(shutdown).await;
        }
        match self.attempt(received, position).await {
            Ok(outcome) => self.count(outcome.word()),
            Err(refusal) => {
                let outcome = self.mover.refused(lane.attempts, received, position, &refusal).await?;
                self.count(outcome);
            }
        }
        if commit != Commit::Before {
            self.between(shutdown).await;
            if let Err(error) = lane.consumer.commit(position) {
                tracing::debug!(%error, ?position, "not committed: it comes again, to the next owner of the partition");
            }
        }
        self.handled.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// The barriers between handling and committing.
    async fn between(&self, shutdown: &Shutdown) {
        tokio::time::sleep(self.options.gap).await;
        let number = self.handled.load(Ordering::SeqCst) + 1;
        if number != self.options.hold_at {
            return;
        }
        // A database that fails here fails everywhere, and says so there.
        if inbox::is_first_hold(&self.database, &self.options.group)
            .await
            .unwrap_or(false)
        {
            tracing::warn!("standing still between handling and committing, because CONSUME_HOLD_AT says so");
            shutdown.requested().await;
        }
    }

    async fn attempt(&self, received: &Received<'_>, position: &Position) -> Result<Handled, Refusal> {
        let event = match received.domain_event() {
            Ok(Some(event)) if self.handler.concerns(&event.data) => event,
            Ok(_) => return Ok(Handled::Ignored),
            Err(error @ (NoEvent::Empty | NoEvent::Malformed(_))) => return Err(Refusal::Never(error.to_string())),
        };
        self.handler.prepare(&event).await?;
        let before = self.crashes.due(&event.kind, Moment::BeforeCommit).await;
        let mut transaction = self.database.begin_write().await?;
        if self.options.commit == Commit::Inbox
            && !inbox::is_first(&mut transaction, &self.options.group, &event.id).await?
        {
            before.into_iter().for_each(Doom::come);
            return Ok(Handled::Repeated);
        }
        let handled = self.handler.handle(&event, position, &mut transaction).await;
        before.into_iter().for_each(Doom::come);
        handled?;
        transaction.commit().await?;
        let after = self.crashes.due(&event.kind, Moment::AfterCommit).await;
        after.into_iter().for_each(Doom::come);
        if let Some(outbox) = &self.outbox {
            outbox.wake();
        }
        Ok(Handled::Done)
    }

    fn count(&self, outcome: &'static str) {
        metrics::counter!("messaging_handled_total", "group" => self.options.group.clone(), "outcome" => outcome)
            .increment(1);
    }
}
