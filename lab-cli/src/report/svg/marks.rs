//! What stands over a time axis: the windows of an arm and what was done to it.

use history::ActionKind;
use scenarios::plan::WindowSpec;
use scenarios::state::RoundState;

use super::axes::Area;
use super::canvas::{Anchor, Canvas};
use super::look::{WIDTH, shortened};
use super::scale::Scale;
use super::{Entry, action_entry};

/// Rows of labels above the data: more actions share the last row.
const ROWS: usize = 3;
const ROW: f64 = 15.0;
/// Width of a letter of a label, about.
const LETTER: f64 = 6.4;
/// Actions of two rounds that are nearer than this are shown as one, seconds.
const SAME_S: f64 = 0.5;

/// Windows and actions of one arm.
#[derive(Debug, Default)]
pub(in crate::report) struct Marks {
    windows: Vec<(String, f64, f64)>,
    actions: Vec<Done>,
}

/// What was done in one round, or in several at about the same time.
#[derive(Debug, PartialEq)]
struct Done {
    at_s: f64,
    kind: ActionKind,
    /// In words, and whether it failed.
    words: String,
}

impl Marks {
    /// From the plan's windows and what was done in all rounds.
    pub(in crate::report) fn of(windows: &[WindowSpec], rounds: &[RoundState]) -> Self {
        let windows = windows
            .iter()
            .map(|window| (window.name.clone(), window.from_s, window.to_s));
        let mut marks = Self {
            windows: windows.collect(),
            actions: Vec::new(),
        };
        for acted in rounds.iter().flat_map(|round| &round.actions) {
            let failed = if acted.failure.is_some() { " (failed)" } else { "" };
            let done = Done {
                at_s: acted.effect_s(),
                kind: acted.command.kind(),
                words: format!("{}{failed}", acted.words()),
            };
            let same = |known: &Done| known.words == done.words && (known.at_s - done.at_s).abs() < SAME_S;
            if !marks.actions.iter().any(same) {
                marks.actions.push(done);
            }
        }
        marks.actions.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
        marks
    }

    /// Height that the labels take above the data.
    pub(super) fn height(&self) -> f64 {
        let windows = if self.windows.is_empty() { 0.0 } else { ROW };
        windows + ROW * self.actions.len().min(ROWS) as f64 + 4.0
    }

    /// The signs of its actions.
    pub(super) fn legend(&self) -> impl Iterator<Item = Entry> {
        let done = |kind: &ActionKind| self.actions.iter().any(|done| done.kind == *kind);
        ActionKind::ALL.into_iter().filter(done).map(action_entry)
    }

    /// In words, for those who do not see the picture.
    pub(super) fn said(&self) -> String {
        let actions = self
            .actions
            .iter()
            .map(|Done { at_s, words, .. }| format!("{words} at {at_s:.1} s"));
        let windows = self
            .windows
            .iter()
            .map(|(name, from, to)| format!("{name} from {from:.1} s to {to:.1} s"));
        let all: Vec<String> = windows.chain(actions).collect();
        if all.is_empty() {
            String::new()
        } else {
            format!(" Marked: {}.", all.join(", "))
        }
    }

    /// The shading of the windows: drawn first, behind the data; names stand above `labels_y`.
    pub(super) fn draw_windows(&self, canvas: &mut Canvas, area: &Area, x: &Scale, labels_y: f64) {
        for (index, (name, from, to)) in self.windows.iter().enumerate() {
            let (left, right) = (x.at(*from), x.at(*to));
            let class = if index % 2 == 0 { "window" } else { "window odd" };
            canvas.rect(class, (left, area.top), (right - left, area.bottom - area.top));
            let fits = ((right - left) / LETTER).max(0.0) as usize;
            if fits >= 2 {
                canvas.text(
                    "tick",
                    (f64::midpoint(left, right), labels_y - 4.0),
                    Anchor::Middle,
                    &shortened(name, fits),
                );
            }
        }
    }

    /// The actions: drawn last, over the data; their words stand above `labels_y`.
    pub(super) fn draw_actions(&self, canvas: &mut Canvas, area: &Area, x: &Scale, labels_y: f64) {
        let windows = if self.windows.is_empty() { 0.0 } else { ROW };
        for (index, done) in self.actions.iter().enumerate() {
            let at = x.at(done.at_s);
            let words = format!("{} {}", done.kind.sign(false), done.words);
            let words = shortened(&words, (WIDTH / LETTER) as usize);
            let y = labels_y - windows - 4.0 - ROW * (index % ROWS) as f64;
            canvas.line("action", (at, y - 8.0), (at, area.bottom));
            let long = words.chars().count() as f64 * LETTER;
            // Beside the line where there is room, else as far to the right as the picture goes.
            let (anchor, text_x) = if at + long < area.right {
                (Anchor::Start, at + 4.0)
            } else if long < at - 4.0 {
                (Anchor::End, at - 4.0)
            } else {
                (Anchor::End, WIDTH)
            };
            canvas.text("tick act", (text_x, y), anchor, &words);
        }
    }
}
