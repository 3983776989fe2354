//! The laboratory on the screen: a stack of pages, the run beside them, and the messages that move both.

mod acts;
mod draw;
mod ended;

pub use draw::SMALLEST;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind};
use tokio::runtime::Handle;

use super::keys::{self, Action};
use super::pages::live::Kind;
use super::pages::playing::Playing;
use super::pages::{Home, Live, Page};
use super::session::{Message, Session};
use super::terminal::Screen;
use super::theme::Theme;
use crate::failure::{Exit, Failure};
use crate::job::Job;
use crate::recording::Recording;

/// The shortest time between two frames.
const FRAME: Duration = Duration::from_millis(100);
/// The shortest time between two frames of which a run is the only reason: as much as eyes take in, and half the work.
const CALM: Duration = Duration::from_millis(200);
/// How long nothing need happen.
const IDLE: Duration = Duration::from_secs(3600);
/// Lines that the mouse wheel moves.
const WHEEL: usize = 3;

/// What came of it all.
#[derive(Default)]
pub struct SessionEnd {
    /// The worst of all runs.
    pub worst: Option<Exit>,
    /// What is worth saying once the screen is gone, in order.
    pub said: Vec<String>,
    /// Why the last run could not begin or go on.
    pub failure: Option<Failure>,
    /// Whether somebody left at once, with something undone.
    pub interrupted: bool,
}

/// The laboratory.
pub struct App {
    pages: Vec<Page>,
    jobs: std::vec::IntoIter<Job>,
    asks: bool,
    session: Option<Session>,
    state_folder: PathBuf,
    runtime: Handle,
    screen: SyncSender<Message>,
    theme: Theme,
    notice: Option<String>,
    leaving: bool,
    toggle_mouse: bool,
    suspend: bool,
    resume: bool,
    outcome: SessionEnd,
}

impl App {
    /// A laboratory with no page yet.
    pub fn new(state_folder: PathBuf, runtime: Handle, screen: SyncSender<Message>, theme: Theme) -> Self {
        Self {
            pages: Vec::new(),
            jobs: Vec::new().into_iter(),
            asks: true,
            session: None,
            state_folder,
            runtime,
            screen,
            theme,
            notice: None,
            leaving: false,
            toggle_mouse: false,
            suspend: false,
            resume: false,
            outcome: SessionEnd::default(),
        }
    }

    /// Begins with the curriculum.
    ///
    /// # Errors
    /// When the state folder cannot be read.
    pub fn at_home(&mut self) -> Result<(), Failure> {
        let (home, warning) = Home::read(&self.state_folder)?;
        self.notice = warning;
        self.pages.push(Page::Home(Box::new(home)));
        Ok(())
    }

    /// Begins with these runs, one after the other, each with its question where `ask` says so.
    pub fn with_jobs(&mut self, jobs: Vec<Job>, ask: bool) {
        self.asks = ask;
        self.jobs = jobs.into_iter();
        self.next_job();
    }

    /// Begins with a recording.
    pub fn with_replay(&mut self, recording: Recording, speed: f64) {
        self.with_a_replay_by_hand();
        let session = Session::replay(recording, speed, &self.runtime, self.screen.clone());
        self.session = Some(session);
    }

    /// A replay whose events are handed in one by one.
    pub fn with_a_replay_by_hand(&mut self) {
        self.pages.push(Page::Live(Box::new(Live::new(Kind::Replay))));
    }

    /// Begins with a playground.
    pub fn with_playground(&mut self, job: Job) {
        let live = Live::new(Kind::Play(Playing::new(&job.plan)));
        self.pages.push(Page::Live(Box::new(live)));
        self.session = Some(Session::play(job, &self.runtime, self.screen.clone()));
    }

    /// Begins with somebody else's system.
    pub fn with_watch(&mut self, begin: impl FnOnce(SyncSender<Message>) -> Session) {
        self.pages.push(Page::Live(Box::new(Live::new(Kind::Watch))));
        self.session = Some(begin(self.screen.clone()));
    }

    /// Takes messages and draws, until there is no page left.
    ///
    /// # Errors
    /// When the terminal cannot be drawn on.
    pub fn run(mut self, screen: &mut Screen, messages: &Receiver<Message>) -> std::io::Result<SessionEnd> {
        let mut drawn: Option<Instant> = None;
        // How soon after the last frame the next one is due; none while nothing has changed.
        let mut due = Some(Duration::ZERO);
        loop {
            let wait = match (due, drawn) {
                (Some(due), Some(drawn)) => due.saturating_sub(drawn.elapsed()),
                (Some(_), None) => Duration::ZERO,
                (None, _) => IDLE,
            };
            match messages.recv_timeout(wait) {
                Ok(message) => {
                    // Whoever presses a key looks for what it does; a run is looked at in peace.
                    let soon = if matches!(message, Message::Run(_)) {
                        CALM
                    } else {
                        FRAME
                    };
                    due = Some(due.map_or(soon, |due| due.min(soon)));
                    self.take(message);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.pages.clear(),
            }
            if self.pages.is_empty() {
                return Ok(self.outcome);
            }
            if std::mem::take(&mut self.toggle_mouse) {
                let on = screen.toggle_mouse()?;
                self.notice = Some(format!("mouse {}", if on { "on" } else { "off" }));
            }
            if std::mem::take(&mut self.suspend) {
                screen.suspend()?;
            }
            if std::mem::take(&mut self.resume) {
                screen.resume()?;
                due = Some(Duration::ZERO);
            }
            let is_ours = screen.is_ours();
            if is_ours && due.is_some_and(|due| drawn.is_none_or(|drawn| drawn.elapsed() >= due)) {
                screen
                    .terminal()
                    .draw(|frame| self.draw(frame.area(), frame.buffer_mut()))?;
                drawn = Some(Instant::now());
                due = None;
            }
        }
    }

    /// Takes one message.
    pub fn take(&mut self, message: Message) {
        match message {
            Message::Input(Event::Key(key)) if key.kind != KeyEventKind::Release => self.key(key),
            Message::Input(Event::Mouse(mouse)) => match mouse.kind {
                MouseEventKind::ScrollDown => (0..WHEEL).for_each(|_| self.act(Action::Down)),
                MouseEventKind::ScrollUp => (0..WHEEL).for_each(|_| self.act(Action::Up)),
                MouseEventKind::Down(MouseButton::Left) => {
                    if let Some(Page::Home(home)) = self.pages.last_mut() {
                        home.click(mouse.row);
                    }
                }
                _ => {}
            },
            Message::Input(_) => {}
            Message::Run(event) => {
                if let Some(live) = self.live() {
                    live.take(&event);
                }
            }
            Message::Ended(ended) => self.ended(*ended),
            Message::Interrupt => self.interrupt(),
            Message::Suspend => self.suspend = true,
            Message::Continue => self.resume = true,
        }
    }

    /// The page of the run under way, though another may lie on top of it.
    fn live(&mut self) -> Option<&mut Live> {
        self.pages.iter_mut().rev().find_map(|page| match page {
            Page::Live(live) => Some(live.as_mut()),
            _ => None,
        })
    }

    fn key(&mut self, key: KeyEvent) {
        self.notice = None;
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return self.interrupt();
        }
        // In raw mode the terminal sends no signal for it.
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('z') {
            self.suspend = true;
            return;
        }
        if self.asking() {
            return self.answer(key);
        }
        let edited = match self.pages.last_mut() {
            Some(Page::Home(home)) => home.edit(key),
            Some(Page::Predict(predict)) => predict.edit(key),
            _ => false,
        };
        if !edited && let Some(action) = keys::action(self.place(), key) {
            self.act(action);
        }
    }

    /// The answer to whether the run shall stop.
    fn answer(&mut self, key: KeyEvent) {
        let yes = matches!(key.code, KeyCode::Char('y' | 'Y') | KeyCode::Enter);
        if yes && let Some(session) = &self.session {
            session.stop();
        }
        if let Some(live) = self.live() {
            live.kind = Kind::Run {
                asking: false,
                stopping: yes,
            };
        }
    }
}
