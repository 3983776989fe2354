//! Gives events their number, folds them, and hands them to sinks that can never slow the engine.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use super::heartbeat::Heartbeat;
use super::noticed::Noticed;
use crate::event::{EventKind, RunEvent};
use crate::state::RunState;

/// Events that may wait for a sink; at ten samples a second this is many minutes.
const QUEUE: usize = 10_000;

/// Something that takes events: a recording, a display.
pub trait Sink: Send + 'static {
    /// What people call it, for messages.
    fn name(&self) -> String;

    /// Takes one event.
    ///
    /// # Errors
    /// A sink that fails is detached; the run goes on.
    fn take(&mut self, event: &RunEvent) -> std::io::Result<()>;

    /// Called once after the last event.
    ///
    /// # Errors
    /// As [`Sink::take`].
    fn finish(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// How a sink fared.
#[derive(Debug)]
pub struct SinkReport {
    /// Its name.
    pub name: String,
    /// Events that it did not get because it was too slow.
    pub dropped: u64,
    /// Why it was detached.
    pub failure: Option<std::io::Error>,
}

/// How an event gets into a sink's queue.
type Enqueue = fn(&SyncSender<Arc<RunEvent>>, Arc<RunEvent>) -> Result<(), TrySendError<Arc<RunEvent>>>;

struct Attached {
    name: String,
    sender: Option<SyncSender<Arc<RunEvent>>>,
    thread: JoinHandle<std::io::Result<()>>,
    dropped: u64,
}

/// The one place that events leave the engine through.
pub struct Bus {
    began: Instant,
    next_seq: u64,
    state: RunState,
    sinks: Vec<Attached>,
    noticed: Arc<Noticed>,
    heartbeat: Option<Heartbeat>,
}

impl Bus {
    /// A bus with a thread for each sink. The clock of the run starts now.
    pub fn new(sinks: Vec<Box<dyn Sink>>) -> Self {
        let sinks = sinks.into_iter().map(attach).collect();
        let began = Instant::now();
        Self {
            began,
            next_seq: 0,
            state: RunState::default(),
            sinks,
            noticed: Arc::new(Noticed::since(began)),
            heartbeat: None,
        }
    }

    /// From now on, whatever disturbs the measurement is told before any other event.
    pub(super) fn watch(&mut self) {
        self.heartbeat = Some(Heartbeat::start(Arc::clone(&self.noticed)));
    }

    /// Where those who watch put what they notice.
    pub(super) fn noticed(&self) -> &Arc<Noticed> {
        &self.noticed
    }

    /// The state after all events so far.
    pub fn state(&self) -> &RunState {
        &self.state
    }

    /// Emits one event, stamped with the time since the run began. A sink whose queue is full does not get it.
    pub fn emit(&mut self, kind: EventKind) {
        self.attend();
        self.stamp(kind);
    }

    /// Tells of what disturbed the measurement up to now.
    pub(super) fn attend(&mut self) {
        if let Some(heartbeat) = &self.heartbeat {
            heartbeat.look();
        }
        for mut disturbance in self.noticed.take() {
            disturbance.turn = disturbance.turn.or(self.state.now.as_ref().map(|now| now.turn));
            self.stamp(EventKind::Disturbance(disturbance));
        }
    }

    fn stamp(&mut self, kind: EventKind) {
        let elapsed_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let event = RunEvent {
            seq: self.next_seq,
            elapsed_ms,
            kind,
        };
        self.hand_out(event, SyncSender::try_send);
    }

    /// Passes an event on as it is, for a replay: nothing is measured, so a slow sink is waited for.
    pub fn forward(&mut self, event: RunEvent) {
        self.hand_out(event, |sender, event| {
            sender
                .send(event)
                .map_err(|refused| TrySendError::Disconnected(refused.0))
        });
    }

    fn hand_out(&mut self, event: RunEvent, enqueue: Enqueue) {
        self.next_seq = event.seq + 1;
        self.state.apply(&event);
        let event = Arc::new(event);
        let mut detached = Vec::new();
        for sink in &mut self.sinks {
            let Some(sender) = &sink.sender else { continue };
            match enqueue(sender, event.clone()) {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => sink.dropped += 1,
                Err(TrySendError::Disconnected(_)) => {
                    sink.sender = None;
                    detached.push(sink.name.clone());
                }
            }
        }
        for name in detached {
            self.emit(EventKind::Warning {
                text: format!("{name} failed and was detached; the run goes on without it"),
            });
        }
    }

    /// Waits until every sink has taken what it was given.
    ///
    /// # Errors
    /// None: how each sink fared is in its report.
    pub fn finish(self) -> (RunState, Vec<SinkReport>) {
        let reports = self.sinks.into_iter().map(|mut sink| {
            drop(sink.sender.take());
            let failure = match sink.thread.join() {
                Ok(result) => result.err(),
                Err(_) => Some(std::io::Error::other("its thread panicked")),
            };
            SinkReport {
                name: sink.name,
                dropped: sink.dropped,
                failure,
            }
        });
        (self.state, reports.collect())
    }
}

fn attach(mut sink: Box<dyn Sink>) -> Attached {
    let name = sink.name();
    let (sender, receiver): (_, Receiver<Arc<RunEvent>>) = sync_channel(QUEUE);
    let thread = std::thread::spawn(move || {
        for event in receiver {
            sink.take(&event)?;
        }
        sink.finish()
    });
    Attached {
        name,
        sender: Some(sender),
        thread,
        dropped: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    struct Collect(Arc<Mutex<Vec<u64>>>);

    impl Sink for Collect {
        fn name(&self) -> String {
            "a list".to_owned()
        }

        fn take(&mut self, event: &RunEvent) -> std::io::Result<()> {
            self.0.lock().expect("no other thread panicked").push(event.seq);
            Ok(())
        }
    }

    struct Broken;

    impl Sink for Broken {
        fn name(&self) -> String {
            "the broken one".to_owned()
        }

        fn take(&mut self, _: &RunEvent) -> std::io::Result<()> {
            Err(std::io::Error::other("disk full"))
        }
    }

    struct Stuck(Receiver<()>);

    impl Sink for Stuck {
        fn name(&self) -> String {
            "the stuck one".to_owned()
        }

        fn take(&mut self, _: &RunEvent) -> std::io::Result<()> {
            // Ends when the test drops the other end.
            let _ = self.0.recv();
            Ok(())
        }
    }

    fn warning() -> EventKind {
        EventKind::Warning { text: "x".to_owned() }
    }

    #[test]
    fn every_sink_gets_every_event_in_order() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut bus = Bus::new(vec![Box::new(Collect(seen.clone()))]);
        for _ in 0..100 {
            bus.emit(warning());
        }
        let (state, reports) = bus.finish();
        assert_eq!(*seen.lock().unwrap(), (0..100).collect::<Vec<_>>());
        assert_eq!((state.missing_events, reports[0].dropped), (0, 0));
        assert!(reports[0].failure.is_none());
    }

    #[test]
    fn a_sink_that_fails_is_reported_and_the_others_go_on() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut bus = Bus::new(vec![Box::new(Broken), Box::new(Collect(seen.clone()))]);
        for _ in 0..50 {
            bus.emit(warning());
        }
        let (_, reports) = bus.finish();
        assert_eq!(
            reports[0].failure.as_ref().map(ToString::to_string).as_deref(),
            Some("disk full")
        );
        assert!(seen.lock().unwrap().len() >= 50);
    }

    #[test]
    fn a_replay_waits_for_a_slow_sink() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let hold = seen.clone();
        let held = hold.lock().unwrap();
        let mut bus = Bus::new(vec![Box::new(Collect(seen.clone()))]);
        let count = QUEUE as u64 + 100;
        let replay = std::thread::spawn(move || {
            for seq in 0..count {
                bus.forward(RunEvent {
                    seq,
                    elapsed_ms: 0,
                    kind: warning(),
                });
            }
            bus.finish().1
        });
        drop(held);
        assert_eq!(replay.join().unwrap()[0].dropped, 0);
        assert_eq!(*seen.lock().unwrap(), (0..count).collect::<Vec<_>>());
    }

    #[test]
    fn a_sink_that_is_stuck_loses_events_and_says_how_many() {
        let (release, stuck) = sync_channel(0);
        let mut bus = Bus::new(vec![Box::new(Stuck(stuck))]);
        for _ in 0..QUEUE + 100 {
            bus.emit(warning());
        }
        drop(release);
        let (state, reports) = bus.finish();
        assert!(reports[0].dropped >= 99, "{}", reports[0].dropped);
        assert_eq!(state.warnings.len(), QUEUE + 100, "the engine's own state has them all");
    }
}
