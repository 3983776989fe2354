//! A run beside the screen: begun on the runtime, its events sent to the screen one by one.

use std::ops::ControlFlow;
use std::sync::mpsc::SyncSender;

use scenarios::action::Command;
use scenarios::engine::Sink;
use scenarios::event::RunEvent;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::job::{Job, RunOutcome};
use crate::recording::Recording;
use crate::watch::Watcher;

/// Commands that may wait for the engine: more than fingers can type meanwhile.
const COMMANDS: usize = 64;

/// What reaches the screen.
pub enum Message {
    /// A key, the mouse, another size.
    Input(crossterm::event::Event),
    /// Something happened in the run.
    Run(Box<RunEvent>),
    /// The run has ended, or could not begin.
    Ended(Box<Result<RunOutcome, Failure>>),
    /// Ctrl-C from outside, SIGTERM, or a terminal that went away.
    Interrupt,
    /// Somebody wants the terminal for a while (SIGTSTP).
    Suspend,
    /// The process goes on after it was stopped (SIGCONT); the terminal may be in any state.
    Continue,
}

/// A run under way. Dropping it asks the run to end.
pub struct Session {
    stop: CancellationToken,
    commands: Option<mpsc::Sender<Command>>,
}

/// Sends events to the screen. A screen that lags is waited for: the bus in front of this never waits for anybody.
pub struct ToScreen(pub SyncSender<Message>);

impl Sink for ToScreen {
    fn name(&self) -> String {
        "the screen".to_owned()
    }

    fn take(&mut self, event: &RunEvent) -> std::io::Result<()> {
        self.0
            .send(Message::Run(Box::new(event.clone())))
            .map_err(|_| std::io::Error::other("the screen is gone"))
    }
}

impl Session {
    /// Begins a run.
    pub fn begin(job: Job, runtime: &Handle, screen: SyncSender<Message>) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        runtime.spawn(async move {
            let outcome = job.conduct(Box::new(ToScreen(screen.clone())), &stopped).await;
            // Nobody listens any more when the screen has gone.
            let _ = screen.send(Message::Ended(Box::new(outcome)));
        });
        Self { stop, commands: None }
    }

    /// Begins a playground.
    pub fn play(job: Job, runtime: &Handle, screen: SyncSender<Message>) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let (commands, queue) = mpsc::channel(COMMANDS);
        runtime.spawn(async move {
            let outcome = job.play(Box::new(ToScreen(screen.clone())), queue, &stopped).await;
            let _ = screen.send(Message::Ended(Box::new(outcome)));
        });
        Self {
            stop,
            commands: Some(commands),
        }
    }

    /// Plays a recording, `speed` times as fast as it happened; 0 is at once.
    pub fn replay(recording: Recording, speed: f64, runtime: &Handle, screen: SyncSender<Message>) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        runtime.spawn(async move {
            let show = |event: &RunEvent| match screen.send(Message::Run(Box::new(event.clone()))) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            };
            recording.play(speed, stopped.cancelled(), show).await;
            // Nobody listens any more when the screen has gone.
            let _ = screen.send(Message::Ended(Box::new(Ok(RunOutcome::recorded(&recording)))));
        });
        Self { stop, commands: None }
    }

    /// Watches somebody else's system.
    pub fn watch(watcher: Watcher, runtime: &Handle, screen: SyncSender<Message>) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        runtime.spawn(async move {
            let seen = watcher.run(Box::new(ToScreen(screen.clone())), &stopped).await;
            let _ = screen.send(Message::Ended(Box::new(seen.map(RunOutcome::watched))));
        });
        Self { stop, commands: None }
    }

    /// Asks the run to end; what was measured is kept.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Whether it was asked to end.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Hands a command to a playground. One too many is let go, as the key was pressed in vain.
    pub fn command(&self, command: Command) {
        if let Some(commands) = &self.commands {
            let _ = commands.try_send(command);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
