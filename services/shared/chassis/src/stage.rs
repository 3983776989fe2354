//! What the connections of clients are doing, and which of them can be spared.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::{HttpService, Service, service_fn};
use tokio::task::AbortHandle;

/// Connections that are closed at once to make room for others.
const SHED_AT_ONCE: usize = 32;

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The next request.
    Idle = 0,
    /// The rest of a head.
    Head = 1,
    /// An answer, or the client that should take it.
    Busy = 2,
}

const PHASE_BITS: u32 = 0b11;

/// The phase of a connection, and how often it changed.
#[derive(Debug, Default)]
pub(crate) struct Stage(AtomicU32);

impl Stage {
    pub(crate) fn phase(&self) -> Phase {
        match self.0.load(Relaxed) & PHASE_BITS {
            0 => Phase::Idle,
            1 => Phase::Head,
            _ => Phase::Busy,
        }
    }

    /// A number that differs whenever the phase has changed.
    pub(crate) fn changes(&self) -> u32 {
        self.0.load(Relaxed)
    }

    /// Only the task that serves the connection calls this, so load and store need no lock.
    pub(crate) fn enter(&self, phase: Phase) {
        let changes = (self.0.load(Relaxed) & !PHASE_BITS).wrapping_add(PHASE_BITS + 1);
        self.0.store(changes | phase as u32, Relaxed);
    }
}

/// The connections that were accepted, oldest first.
#[derive(Default)]
pub(crate) struct Connections {
    tasks: Vec<(Arc<Stage>, AbortHandle)>,
    /// From how many on those that have ended are dropped.
    tidy_at: usize,
}

impl Connections {
    pub(crate) fn add(&mut self, stage: Arc<Stage>, task: AbortHandle) {
        if self.tasks.len() >= self.tidy_at {
            self.tasks.retain(|(_, task)| !task.is_finished());
            // At least as many again come before the next time, so the cost of an addition does not grow.
            self.tidy_at = (2 * self.tasks.len()).max(64);
        }
        self.tasks.push((stage, task));
    }

    /// Closes some that have no request under way. A client must expect that at any time (RFC 9112, section 9.5).
    pub(crate) fn make_room(&mut self) {
        self.tasks.retain(|(_, task)| !task.is_finished());
        let spare = self.tasks.iter().filter(|(stage, _)| stage.phase() != Phase::Busy);
        for (_, task) in spare.take(SHED_AT_ONCE) {
            task.abort();
        }
    }
}

/// `service`, with the stage of its connection kept up to date.
pub(crate) fn staged<S, B>(
    service: S,
    stage: Arc<Stage>,
) -> impl HttpService<Incoming, ResBody = Staged<B>, Error = Infallible, Future: Send> + Send
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send,
    S::Future: Send,
    B: Body + Unpin + Send + 'static,
{
    service_fn(move |request| {
        stage.enter(Phase::Busy);
        let stage = Arc::clone(&stage);
        let answered = service.call(request);
        async move { Ok(answered.await?.map(|body| Staged { body, stage })) }
    })
}

/// The body of an answer; when it is gone, its connection waits for the next request.
pub(crate) struct Staged<B> {
    body: B,
    stage: Arc<Stage>,
}

impl<B> Drop for Staged<B> {
    fn drop(&mut self) {
        self.stage.enter(Phase::Idle);
    }
}

impl<B: Body + Unpin> Body for Staged<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn rest() {
        std::future::pending::<()>().await;
    }

    #[tokio::test]
    async fn room_is_made_by_those_that_wait_longest_for_nothing() {
        let mut connections = Connections::default();
        let mut tasks = Vec::new();
        for number in 0..100 {
            let stage = Arc::new(Stage::default());
            stage.enter([Phase::Busy, Phase::Idle, Phase::Head][number % 3]);
            let task = tokio::spawn(rest());
            connections.add(stage, task.abort_handle());
            tasks.push(task);
        }
        connections.make_room();
        tokio::task::yield_now().await;
        let closed: Vec<usize> = (0..100).filter(|number| tasks[*number].is_finished()).collect();
        let oldest: Vec<usize> = (0..100).filter(|number| number % 3 != 0).take(SHED_AT_ONCE).collect();
        assert_eq!(closed, oldest);
    }

    #[tokio::test]
    async fn connections_that_have_ended_are_forgotten() {
        let mut connections = Connections::default();
        for _ in 0..1_000 {
            let task = tokio::spawn(async {});
            connections.add(Arc::default(), task.abort_handle());
            task.await.unwrap();
        }
        assert!(connections.tasks.len() <= 64, "{}", connections.tasks.len());
    }
}
