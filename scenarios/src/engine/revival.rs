//! Starting instances again that died by themselves, as an orchestrator such as Kubernetes would: for services that say so.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use compose::{EventSink, InstanceEvent, InstanceEventKind, System};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// More deaths than any experiment wants: whoever dies at each start is not started for ever.
const DEATHS_MAX: usize = 2_000;

/// Hears of deaths, from before the system is there.
pub(super) struct Watch {
    services: BTreeSet<String>,
    told: UnboundedSender<String>,
    dead: UnboundedReceiver<String>,
}

/// The instances of a system that are started again.
pub(super) struct Revival {
    deaths: Arc<AtomicUsize>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Watch {
    /// A watch over the instances of these services.
    pub(super) fn over(services: &[String]) -> Self {
        let (told, dead) = unbounded_channel();
        Self {
            services: services.iter().cloned().collect(),
            told,
            dead,
        }
    }

    /// A sink that hears what there is to hear, and passes everything on.
    pub(super) fn beside(&self, sink: EventSink) -> EventSink {
        let (services, told) = (self.services.clone(), self.told.clone());
        Arc::new(move |event: InstanceEvent| {
            let died = matches!(event.kind, InstanceEventKind::Exited { expected: false, .. });
            if died && services.contains(&event.service) {
                // Nobody listens any more once the turn is over.
                let _ = told.send(event.instance.clone());
            }
            sink(event);
        })
    }

    /// From now on the dead are started again.
    pub(super) fn begin(self, system: Arc<dyn System>) -> Revival {
        let Self { mut dead, .. } = self;
        let (deaths, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let (counted, over) = (Arc::clone(&deaths), stop.clone());
        let task = tokio::spawn(async move {
            let mut starting = JoinSet::new();
            loop {
                tokio::select! {
                    biased;
                    () = over.cancelled() => break,
                    Some(instance) = dead.recv() => {
                        if counted.fetch_add(1, Ordering::SeqCst) >= DEATHS_MAX {
                            break;
                        }
                        starting.spawn(start_again(Arc::clone(&system), instance));
                    }
                    Some(_) = starting.join_next() => {}
                }
            }
            starting.join_all().await;
        });
        Revival { deaths, stop, task }
    }
}

/// Who dies at its start is told of again; who cannot be started at all shows by its silence.
pub(super) async fn start_again(system: Arc<dyn System>, instance: String) {
    if let Err(error) = system.restart(&instance).await {
        tracing::debug!(%error, instance, "not started again");
    }
}

impl Revival {
    /// No instance is started again from now on; gives the number of deaths. A start that is under way comes to its end.
    pub(super) async fn end(self) -> usize {
        self.stop.cancel();
        // A panic in there has been told by the runtime.
        let _ = self.task.await;
        self.deaths.load(Ordering::SeqCst)
    }
}
