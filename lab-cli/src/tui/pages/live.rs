//! A run while it goes on: the state so far, what somebody chose to look at, and where the panels stand.

use load::Histogram;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use scenarios::action::Command;
use scenarios::checks;
use scenarios::event::{EventKind, RunEvent};
use scenarios::plan::Plan;
use scenarios::prediction;
use scenarios::state::{RoundState, RunState};

use super::playing::Playing;
use crate::tui::keys::{Action, Place};
use crate::tui::panels::{self, Scene, cut, put, words};
use crate::tui::theme::{Role, Theme};

/// From this size on all panels have room.
const WIDE: (u16, u16) = (110, 30);
/// From this height on the arms stand below the others.
const TALL: u16 = 44;

/// A panel that shares its place with others where there is little room.
type Panel = fn(&Scene<'_>, Rect, &mut Buffer);

/// What is shown live.
pub enum Kind {
    /// A run; whether it is being asked if it shall stop, and whether it is stopping.
    Run {
        /// The question stands.
        asking: bool,
        /// It was asked to end.
        stopping: bool,
    },
    /// A recorded run.
    Replay,
    /// A playground.
    Play(Playing),
    /// Somebody else's system.
    Watch,
}

/// The page.
pub struct Live {
    /// All that is known so far.
    pub state: RunState,
    /// What it shows.
    pub kind: Kind,
    frozen: Option<Box<RunState>>,
    tab: usize,
    class: usize,
    ghost: usize,
    so_far: Vec<(String, String)>,
}

impl Live {
    /// A page that knows nothing yet.
    pub fn new(kind: Kind) -> Self {
        Self {
            state: RunState::default(),
            kind,
            frozen: None,
            tab: 0,
            class: 0,
            ghost: 0,
            so_far: Vec::new(),
        }
    }

    /// Where its keys are.
    pub fn place(&self) -> Place {
        match self.kind {
            Kind::Play(_) => Place::Play,
            _ => Place::Live,
        }
    }

    /// Takes an event in.
    pub fn take(&mut self, event: &RunEvent) {
        self.state.apply(event);
        if let Kind::Play(playing) = &mut self.kind {
            playing.take(&self.state, event);
        }
        // What the checks would say is looked up between turns only: it costs more than a picture.
        if matches!(event.kind, EventKind::TurnEnded)
            && let Some(info) = &self.state.info
        {
            self.so_far = checks::so_far(&info.plan, &self.state);
        }
    }

    /// Does what a key asks for. Gives whether it was one of the view's own.
    pub fn act(&mut self, action: Action) -> bool {
        match action {
            Action::NextTab => self.tab = self.tab.wrapping_add(1),
            Action::PreviousTab => self.tab = self.tab.wrapping_sub(1),
            Action::NextClass => self.class = self.class.wrapping_add(1),
            Action::NextGhost => self.ghost = self.ghost.wrapping_add(1),
            Action::Freeze => {
                self.frozen = match self.frozen.take() {
                    Some(_) => None,
                    None => Some(Box::new(self.state.clone())),
                };
            }
            _ => return false,
        }
        true
    }

    /// Draws the page.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: Theme) {
        let state = self.frozen.as_deref().unwrap_or(&self.state);
        let Some(info) = &state.info else {
            put(&[Line::raw("the run is starting")], area, buf);
            return;
        };
        let [head, body] = Layout::vertical([Constraint::Length(2), Constraint::Min(1)]).areas(area);
        self.header(state, &info.plan, head, buf, theme);
        let arm = looked_at(state);
        let nothing = RoundState::default();
        let round = state
            .arms
            .get(arm)
            .and_then(|arm| arm.rounds.last())
            .unwrap_or(&nothing);
        let classes = classes(round);
        let class = (!classes.is_empty()).then(|| classes[self.class % classes.len()]);
        let ghosts = self.ghosts(state, &info.plan, arm, class);
        let ghost = (!ghosts.is_empty()).then(|| ghosts[self.ghost % ghosts.len()]);
        let scene = Scene {
            state,
            plan: &info.plan,
            arm,
            round,
            class,
            ghost,
            last_s: self.playing().map(|_| Playing::LAST_S),
            selected: self.playing().and_then(|playing| playing.selected(state)),
            so_far: &self.so_far,
            theme,
        };
        self.panels(&scene, body, buf);
    }

    /// What the playground holds, in one.
    fn playing(&self) -> Option<&Playing> {
        match &self.kind {
            Kind::Play(playing) => Some(playing),
            _ => None,
        }
    }

    /// What a key asks of a playground.
    pub fn command(&mut self, action: Action) -> Option<Command> {
        match &mut self.kind {
            Kind::Play(playing) => playing.command(action, &self.state),
            _ => None,
        }
    }

    /// What the histogram can be compared with: in a playground what was before the last change, else the other arms,
    /// the one measured last before all others.
    fn ghosts<'a>(
        &'a self,
        state: &'a RunState,
        plan: &'a Plan,
        arm: usize,
        class: Option<&str>,
    ) -> Vec<(&'a str, &'a Histogram)> {
        if let Some(playing) = self.playing() {
            return playing.before().into_iter().collect();
        }
        let Some(class) = class else { return Vec::new() };
        let mut measured: Vec<(u64, &str, &Histogram)> = state
            .arms
            .iter()
            .zip(&plan.arms)
            .enumerate()
            .filter(|(index, _)| *index != arm)
            .filter_map(|(_, (state, planned))| {
                let round = state.rounds.iter().rev().find(|round| round.complete)?;
                let latencies = &round.classes.get(class)?.total.response;
                (!latencies.is_empty()).then_some((round.began_ms, planned.label.as_str(), latencies))
            })
            .collect();
        measured.sort_by_key(|(began_ms, ..)| std::cmp::Reverse(*began_ms));
        measured
            .into_iter()
            .map(|(_, label, latencies)| (label, latencies))
            .collect()
    }

    fn panels(&self, scene: &Scene<'_>, area: Rect, buf: &mut Buffer) {
        let middle = middle(scene);
        let mut last: Vec<Panel> = vec![panels::events];
        if !scene.plan.checks.is_empty() {
            last.insert(0, panels::checks);
        }
        if area.width < WIDE.0 || area.height + 3 < WIDE.1 {
            return self.narrow(scene, middle, &last, area, buf);
        }
        let instances = scene.round.instances.len() as u16;
        let top = (instances + 4).clamp(9, area.height / 3);
        let checks = (scene.plan.checks.len() as u16 * 2 + 2).clamp(6, (area.height / 4).max(6));
        let rows = if area.height >= TALL && scene.plan.arms.len() > 1 {
            let arms = scene.plan.arms.len() as u16 + 3;
            Layout::vertical([
                Constraint::Length(top),
                Constraint::Min(9),
                Constraint::Length(arms),
                Constraint::Length(checks),
            ])
            .split(area)
        } else {
            Layout::vertical([Constraint::Length(top), Constraint::Min(7), Constraint::Length(checks)]).split(area)
        };
        let [left, right] = Layout::horizontal([Constraint::Percentage(44), Constraint::Min(50)]).areas(rows[0]);
        panels::system(scene, left, buf);
        panels::histogram(scene, right, buf);
        middle(scene, rows[1], buf);
        if rows.len() == 4 {
            panels::arms(scene, rows[2], buf);
        }
        let places =
            Layout::horizontal(vec![Constraint::Ratio(1, last.len() as u32); last.len()]).split(rows[rows.len() - 1]);
        for (panel, place) in last.iter().rev().zip(places.iter()) {
            panel(scene, *place, buf);
        }
    }

    /// Little room: the system beside the histogram, and below them one panel of several, which Tab changes.
    fn narrow(&self, scene: &Scene<'_>, middle: Panel, last: &[Panel], area: Rect, buf: &mut Buffer) {
        let mut below: Vec<Panel> = vec![middle];
        below.extend(last);
        if scene.plan.arms.len() > 1 {
            below.push(panels::arms);
        }
        let [top, bottom] = Layout::vertical([Constraint::Percentage(52), Constraint::Min(6)]).areas(area);
        let [left, right] = Layout::horizontal([Constraint::Percentage(46), Constraint::Min(34)]).areas(top);
        panels::system(scene, left, buf);
        panels::histogram(scene, right, buf);
        below[self.tab % below.len()](scene, bottom, buf);
    }

    fn header(&self, state: &RunState, plan: &Plan, area: Rect, buf: &mut Buffer, theme: Theme) {
        let width = usize::from(area.width);
        let clock = |s: f64| format!("{:02}:{:02}", s as u64 / 60, s as u64 % 60);
        let elapsed_s = state.elapsed_ms as f64 / 1000.0;
        let expected_s = state.expected_s();
        let clocks = match self.kind {
            Kind::Play(_) | Kind::Watch => clock(elapsed_s),
            _ => format!("{} / {}", clock(elapsed_s), clock(expected_s)),
        };
        let mark = if self.frozen.is_some() {
            "  HELD (p goes on)"
        } else {
            ""
        };
        let right = words(&format!("{clocks}{mark}"), theme);
        let title = words(&format!("{} · {}", plan.scenario, plan.question), theme);
        let room = width.saturating_sub(right.chars().count() + 2);
        buf.set_line(
            area.x,
            area.y,
            &Line::styled(
                cut(&title, room),
                ratatui::style::Style::new().add_modifier(Modifier::BOLD),
            ),
            room as u16,
        );
        buf.set_string(area.right() - right.chars().count() as u16, area.y, &right, theme.dim());
        let mut spans = Vec::new();
        if let Some(now) = &state.now {
            if plan.turns.len() > 1 {
                let turn = format!("{}/{} ", now.turn + 1, plan.turns.len());
                spans.push(Span::styled(turn, theme.dim()));
            }
            spans.push(Span::styled(
                words(&plan.arms[now.arm].label, theme),
                theme.style(Role::Now),
            ));
            spans.push(Span::styled(
                words(&format!(" · {}", now.phase.words()), theme),
                theme.dim(),
            ));
        }
        match self.kind {
            Kind::Run { stopping: true, .. } => {
                spans.push(Span::styled(
                    "  stopping: what was measured is kept",
                    theme.style(Role::Warn),
                ));
            }
            Kind::Play(_) | Kind::Watch => {}
            _ => {
                let done = (elapsed_s / expected_s.max(0.1)).min(0.99);
                let done = if state.ended.is_some() { 1.0 } else { done };
                spans.push(Span::raw("  "));
                spans.push(Span::styled(progress(done, 24, theme), theme.style(Role::Now)));
            }
        }
        if let Some(guess) = guess_words(plan, state) {
            spans.push(Span::styled(
                words(&format!("  your guess: {guess}"), theme),
                theme.style(Role::Warn),
            ));
        }
        buf.set_line(area.x, area.y + 1, &Line::from(spans), area.width);
    }
}

/// The panel that says most about this kind of arm.
fn middle(scene: &Scene<'_>) -> Panel {
    let arm = scene.arm_plan();
    if !arm.clients.is_empty() && scene.round.classes.is_empty() {
        panels::histories
    } else if !arm.searches.is_empty() && arm.loads.is_empty() {
        panels::search
    } else {
        panels::over_time
    }
}

/// The arm under way, else the one that was measured last.
fn looked_at(state: &RunState) -> usize {
    if let Some(now) = &state.now {
        return now.arm;
    }
    let last = |arm: &scenarios::state::ArmState| arm.rounds.last().map(|round| round.began_ms);
    (0..state.arms.len())
        .filter(|arm| last(&state.arms[*arm]).is_some())
        .max_by_key(|arm| last(&state.arms[*arm]))
        .unwrap_or(0)
}

/// Classes of requests, the one with the most first.
fn classes(round: &RoundState) -> Vec<&str> {
    let mut classes: Vec<(&str, u64)> = round
        .classes
        .iter()
        .map(|(name, class)| (name.as_str(), class.scheduled))
        .collect();
    classes.sort_by_key(|(_, scheduled)| std::cmp::Reverse(*scheduled));
    classes.into_iter().map(|(name, _)| name).collect()
}

fn progress(done: f64, cells: usize, theme: Theme) -> String {
    let full = (done * cells as f64).round() as usize;
    let (on, off) = (theme.pick("━", "="), theme.pick("─", "-"));
    format!("{}{}", on.repeat(full), off.repeat(cells - full))
}

/// What was guessed, in words.
fn guess_words(plan: &Plan, state: &RunState) -> Option<String> {
    prediction::said(plan, state.guess?)
}
