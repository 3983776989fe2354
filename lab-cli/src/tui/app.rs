//! The laboratory on the screen: a stack of pages, what their keys do, and the run beside them.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use tokio::runtime::Handle;

use super::help;
use super::keys::{self, Action, Place};
use super::next::Suggestion;
use super::pages::live::Kind;
use super::pages::playing::Playing;
use super::pages::{Home, Live, Page, Predict, Verdict, lesson};
use super::panels::{put, words};
use super::paper::Paper;
use super::session::{Message, Session};
use super::terminal::{self, Screen};
use super::text;
use super::theme::{Role, Theme};
use crate::commands::{clean, play, recorded, run};
use crate::conduct::{Conducted, Job};
use crate::failure::{Exit, Failure};
use crate::recording::Recording;

/// The shortest time between two frames.
const FRAME: Duration = Duration::from_millis(100);
/// How long nothing need happen.
const IDLE: Duration = Duration::from_secs(3600);
/// The smallest screen that has room for the pages.
pub const SMALLEST: (u16, u16) = (72, 20);
/// Lines that the mouse wheel moves.
const WHEEL: usize = 3;

/// Text does not begin at the very edge.
fn with_margin(area: Rect) -> Rect {
    Rect {
        x: area.x + 2,
        y: area.y + 1,
        width: area.width - 2,
        height: area.height - 1,
    }
}

/// What came of it all.
#[derive(Default)]
pub struct Outcome {
    /// The worst of all runs.
    pub worst: Option<Exit>,
    /// What is worth saying once the screen is gone, in order.
    pub said: Vec<String>,
    /// Why the last run could not begin or go on.
    pub failure: Option<Failure>,
    /// Whether somebody wanted out at once.
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
    outcome: Outcome,
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
            outcome: Outcome::default(),
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
    pub fn run(mut self, screen: &mut Screen, messages: &Receiver<Message>) -> std::io::Result<Outcome> {
        let mut drawn: Option<Instant> = None;
        let mut changed = true;
        loop {
            let wait = match drawn {
                Some(drawn) if changed => FRAME.saturating_sub(drawn.elapsed()),
                None => Duration::ZERO,
                Some(_) => IDLE,
            };
            match messages.recv_timeout(wait) {
                Ok(message) => {
                    self.take(message);
                    changed = true;
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
            if changed && drawn.is_none_or(|drawn| drawn.elapsed() >= FRAME) {
                screen
                    .terminal()
                    .draw(|frame| self.draw(frame.area(), frame.buffer_mut()))?;
                drawn = Some(Instant::now());
                changed = false;
            }
        }
    }

    /// Draws the page on top.
    pub fn draw(&mut self, area: Rect, buf: &mut Buffer) {
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            let needs = format!(
                "The laboratory needs {} columns and {} rows; this screen has {} and {}. q leaves.",
                SMALLEST.0, SMALLEST.1, area.width, area.height
            );
            put(&text::wrapped(usize::from(area.width), self.theme, &needs), area, buf);
            return;
        }
        let [body, foot] = Layout::vertical([Constraint::Min(1), Constraint::Length(1)]).areas(area);
        let place = self.place();
        let theme = self.theme;
        match self.pages.last_mut() {
            Some(Page::Home(home)) => home.draw(body, buf, theme),
            Some(Page::Predict(predict)) => predict.draw(with_margin(body), buf, theme),
            Some(Page::Live(live)) => live.draw(body, buf, theme),
            Some(Page::Verdict(verdict)) => verdict.paper.draw(with_margin(body), buf, theme),
            Some(Page::Paper(paper)) => {
                let [head, body] =
                    Layout::vertical([Constraint::Length(2), Constraint::Min(1)]).areas(with_margin(body));
                put(&[lesson::heading(&words(&paper.title, theme), theme)], head, buf);
                paper.draw(body, buf, theme);
            }
            None => {}
        }
        let line = match (&self.notice, self.asking()) {
            (_, true) => Line::styled(
                "Stop this run? What was measured is kept.  y yes   n no",
                theme.style(Role::Warn),
            ),
            (Some(notice), _) => Line::styled(words(notice, theme), theme.style(Role::Warn)),
            (None, _) => help::hints(place, usize::from(foot.width), theme),
        };
        put(&[line], foot, buf);
    }

    /// The page on top.
    #[cfg(test)]
    pub fn top(&self) -> Option<&Page> {
        self.pages.last()
    }

    fn place(&self) -> Place {
        match self.pages.last() {
            Some(Page::Home(_)) => Place::Home,
            Some(Page::Predict(_)) => Place::Predict,
            Some(Page::Live(live)) => live.place(),
            Some(Page::Verdict(_)) => Place::Verdict,
            Some(Page::Paper(_)) | None => Place::Paper,
        }
    }

    fn asking(&self) -> bool {
        matches!(self.pages.last(), Some(Page::Live(live)) if matches!(live.kind, Kind::Run { asking: true, .. }))
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

    fn act(&mut self, action: Action) {
        let own = match self.pages.last_mut() {
            Some(Page::Home(home)) => home.act(action),
            Some(Page::Live(live)) => live.act(action),
            Some(Page::Verdict(verdict)) => verdict.paper.scroll(action),
            Some(Page::Paper(paper)) => paper.scroll(action),
            _ => false,
        };
        if own {
            return;
        }
        match action {
            Action::Help => {
                let place = self.place();
                self.pages.push(Page::Paper(help::help(place)));
            }
            Action::Mouse => self.toggle_mouse = true,
            Action::Back => self.back(),
            Action::Run => self.run_selected(false),
            Action::RunQuick => self.run_selected(true),
            Action::Lesson => self.lesson(),
            Action::Play => self.play_selected(),
            Action::Enter => self.guessed(),
            Action::Skip => self.without_guess(),
            Action::OpenReport => self.open_report(),
            Action::Again => self.again(),
            Action::Try(number) => self.try_next(usize::from(number)),
            other => self.command(other),
        }
    }

    /// One step back.
    fn back(&mut self) {
        match self.pages.last_mut() {
            Some(Page::Live(live)) => match &mut live.kind {
                Kind::Run { asking, .. } => *asking = true,
                // Nothing is lost, so nobody is asked; the page goes when the playground is down.
                Kind::Play(_) => {
                    if let Some(session) = &self.session {
                        session.stop();
                    }
                    self.notice = Some("the playground is taken down".to_owned());
                }
                Kind::Replay | Kind::Watch => {
                    self.session = None;
                    self.pages.pop();
                    self.next_job();
                }
            },
            Some(Page::Verdict(_) | Page::Predict(_)) => {
                self.pages.pop();
                self.next_job();
            }
            _ => {
                self.pages.pop();
            }
        }
        self.refresh();
    }

    /// The next of the runs that were asked for, where no page is left.
    fn next_job(&mut self) {
        if self.pages.is_empty()
            && !self.leaving
            && let Some(job) = self.jobs.next()
        {
            self.ask_or_begin(job);
        }
    }

    fn refresh(&mut self) {
        if let Some(Page::Home(home)) = self.pages.last_mut() {
            match home.refresh(&self.state_folder) {
                Ok(warning) => self.notice = warning.or(self.notice.take()),
                Err(failure) => self.notice = Some(failure.words()),
            }
        }
    }

    fn run_selected(&mut self, quick: bool) {
        let Some(Page::Home(home)) = self.pages.last() else {
            return;
        };
        if let Some(folder) = home.recorded() {
            let folder = folder.to_owned();
            return self.open_recorded(&folder);
        }
        let Some(name) = home.scenario().map(|scenario| scenario.name().to_owned()) else {
            return;
        };
        let arguments = run::arguments(&name, quick);
        self.begin(run::jobs(&arguments));
    }

    fn begin(&mut self, jobs: Result<Vec<Job>, Failure>) {
        match jobs {
            Ok(jobs) => {
                if let Some(job) = jobs.into_iter().next() {
                    self.ask_or_begin(job);
                }
            }
            Err(failure) => self.complain(&failure),
        }
    }

    fn ask_or_begin(&mut self, job: Job) {
        match Predict::of(&job).filter(|_| self.asks) {
            Some(predict) => self.pages.push(Page::Predict(Box::new(predict))),
            None => self.begin_now(job),
        }
    }

    fn begin_now(&mut self, job: Job) {
        let kind = Kind::Run {
            asking: false,
            stopping: false,
        };
        self.pages.push(Page::Live(Box::new(Live::new(kind))));
        self.session = Some(Session::begin(job, &self.runtime, self.screen.clone()));
    }

    fn guessed(&mut self) {
        let Some(Page::Predict(predict)) = self.pages.last_mut() else {
            return;
        };
        if let Some(job) = predict.answered() {
            self.pages.pop();
            self.begin_now(job);
        }
    }

    fn without_guess(&mut self) {
        if let Some(Page::Predict(predict)) = self.pages.last() {
            let job = predict.job.clone();
            self.pages.pop();
            self.begin_now(job);
        }
    }

    fn lesson(&mut self) {
        let scenario = match self.pages.last() {
            Some(Page::Home(home)) => home.scenario().cloned(),
            Some(Page::Verdict(verdict)) => verdict.scenario.clone(),
            Some(Page::Live(live)) => live
                .state
                .info
                .as_ref()
                .and_then(|info| play::scenario_of(&info.plan.scenario).ok()),
            _ => None,
        };
        match scenario {
            Some(scenario) => self.pages.push(Page::Paper(lesson::lesson(&scenario))),
            None => self.notice = Some("there is no lesson here".to_owned()),
        }
    }

    fn play_selected(&mut self) {
        let Some(Page::Home(home)) = self.pages.last() else {
            return;
        };
        let name = home.scenario().map(|scenario| scenario.name().to_owned());
        // A scenario without a steady load has nothing to play with; the general playground always has.
        let job = play::job(name.as_deref(), None, &[]).or_else(|_| play::job(None, None, &[]));
        match job {
            Ok(job) => self.with_playground(job),
            Err(failure) => self.complain(&failure),
        }
    }

    fn open_recorded(&mut self, folder: &std::path::Path) {
        match Recording::read(folder) {
            Ok(recording) => {
                let scenario = recording.scenario();
                let verdict = Verdict::new(recording.conducted(), None, scenario);
                self.pages.push(Page::Verdict(Box::new(verdict)));
            }
            Err(failure) => self.complain(&failure),
        }
    }

    fn open_report(&mut self) {
        let Some(Page::Verdict(verdict)) = self.pages.last() else {
            return;
        };
        let path = &verdict.report;
        let opened = recorded::open_in_browser(path);
        self.notice = Some(if opened {
            format!("opened {}", path.display())
        } else {
            format!(
                "no program to open it with was found; open {} in a browser",
                path.display()
            )
        });
    }

    fn again(&mut self) {
        let Some(Page::Verdict(verdict)) = self.pages.last() else {
            return;
        };
        match &verdict.again {
            Some(job) => {
                // A second guess at the same question would be a guess no more.
                let job = Job {
                    guess: None,
                    out: None,
                    ..job.clone()
                };
                self.pages.pop();
                self.begin_now(job);
            }
            None => {
                self.notice = Some("a recorded run cannot be run again from here; its report has the command".into());
            }
        }
    }

    fn try_next(&mut self, number: usize) {
        let Some(Page::Verdict(verdict)) = self.pages.last() else {
            return;
        };
        match verdict.suggestions.get(number - 1) {
            Some(Suggestion::Run(arguments)) => {
                let jobs = run::jobs(arguments);
                self.begin(jobs);
            }
            Some(Suggestion::Play(arguments)) => match play::of(arguments) {
                Ok(job) => self.with_playground(job),
                Err(failure) => self.complain(&failure),
            },
            None => self.notice = Some(format!("the lesson suggests no number {number}")),
        }
    }

    /// What a key does to a playground.
    fn command(&mut self, action: Action) {
        let Some(Page::Live(live)) = self.pages.last_mut() else {
            return;
        };
        let state = std::mem::take(&mut live.state);
        let command = live.playing_mut().and_then(|playing| playing.command(action, &state));
        live.state = state;
        if let (Some(command), Some(session)) = (command, &self.session) {
            session.command(command);
        }
    }

    fn complain(&mut self, failure: &Failure) {
        let words = failure.words();
        let paper = Paper::new("this cannot be run here", move |width, theme| {
            text::wrapped(width, theme, &words)
        });
        self.pages.push(Page::Paper(paper));
    }

    /// A run has ended: its page gives way to what came of it.
    fn ended(&mut self, ended: Result<Conducted, Failure>) {
        self.session = None;
        let Some(place) = self.pages.iter().rposition(|page| matches!(page, Page::Live(_))) else {
            return;
        };
        let Page::Live(live) = &self.pages[place] else { return };
        let page = match (&live.kind, ended) {
            (Kind::Play(_) | Kind::Watch, Ok(conducted)) => {
                self.outcome.failure = conducted.error;
                None
            }
            (kind, Ok(conducted)) => {
                let replayed = matches!(kind, Kind::Replay);
                self.note(&conducted, replayed);
                let again = conducted.job.clone();
                let scenario = conducted.scenario.clone();
                Some(Page::Verdict(Box::new(Verdict::new(conducted, again, scenario))))
            }
            (_, Err(failure)) => {
                let words = failure.words();
                self.outcome.worst = self.outcome.worst.max(Some(failure.exit()));
                self.outcome.failure = Some(failure);
                Some(Page::Paper(Paper::new(
                    "the run could not be done",
                    move |width, theme| text::wrapped(width, theme, &words),
                )))
            }
        };
        match page {
            Some(page) => self.pages[place] = page,
            None => {
                self.pages.remove(place);
            }
        }
        if self.leaving {
            self.pages.clear();
        }
        self.refresh();
    }

    /// Remembers what the command line wants to know of a run.
    fn note(&mut self, conducted: &Conducted, replayed: bool) {
        self.outcome.worst = self.outcome.worst.max(Some(conducted.verdict()));
        self.outcome.said.push(conducted.in_short());
        if !replayed && let Some(failure) = &conducted.error {
            self.outcome.said.push(failure.words());
        }
    }

    /// Out: the run is asked to end, its report is written, and then the screen goes; a second time everything ends at
    /// once.
    fn interrupt(&mut self) {
        self.outcome.interrupted = true;
        let stopping = self.session.as_ref().is_some_and(Session::is_stopping) && self.leaving;
        if stopping {
            terminal::give_back();
            clean::own_systems(&self.state_folder);
            std::process::exit(i32::from(Exit::Interrupted.number()));
        }
        self.leaving = true;
        match &self.session {
            Some(session) => {
                session.stop();
                let what = "stopping: what was measured is kept; Ctrl-C again ends at once";
                self.notice = Some(what.to_owned());
            }
            None => self.pages.clear(),
        }
    }
}
