//! Progress on stderr: one live line on a terminal, a line for each turn elsewhere.

use std::borrow::Cow;
use std::slice;
use std::time::Duration;

use indicatif::ProgressBar;
use scenarios::engine::Sink;
use scenarios::event::{EventKind, RunEvent};
use scenarios::plan::ArmPlan;
use scenarios::state::{RoundState, RunState};
use scenarios::summary::{ClassSummary, Found, InvariantSummary};

use crate::report::words;
use crate::text::{ascii, shown, visible};

/// Shows how far a run is.
pub struct Progress {
    state: RunState,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// A live line when `live`, else plain lines.
    pub fn new(live: bool) -> Self {
        let bar = live.then(|| {
            let bar = ProgressBar::new(1000);
            bar.set_style(super::bar::bar("{spinner} {wide_msg} {bar:16} {elapsed}"));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self {
            state: RunState::default(),
            bar,
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(stderr(text)),
            None => errln!("{text}"),
        }
    }

    fn move_on(&self) {
        let Some(bar) = &self.bar else { return };
        let expected_ms = (self.state.expected_s() * 1000.0).max(1.0);
        let share = (self.state.elapsed_ms as f64 / expected_ms).min(0.99);
        bar.set_position((share * 1000.0) as u64);
        if let Some(message) = self.message() {
            bar.set_message(stderr(&message).into_owned());
        }
    }

    fn message(&self) -> Option<String> {
        let now = self.state.now.as_ref()?;
        let plan = &self.state.info.as_ref()?.plan;
        let what = now.phase.words();
        let arm = &plan.arms[now.arm];
        let figures = self
            .state
            .round_now()
            .map(|round| figures(arm, round))
            .unwrap_or_default();
        Some(format!(
            "{}/{} {} · {what}{figures}",
            now.turn + 1,
            plan.turns.len(),
            arm.label
        ))
    }

    fn turn_line(&self) -> Option<String> {
        let now = self.state.now.as_ref()?;
        let plan = &self.state.info.as_ref()?.plan;
        let round = self.state.round_now()?;
        let of = plan.turns.len();
        let arm = &plan.arms[now.arm];
        Some(format!(
            "{:>3}/{of}  {}{}",
            now.turn + 1,
            arm.label,
            figures(arm, round)
        ))
    }
}

/// A text as stderr can show it; the bar writes there by itself.
fn stderr(text: &str) -> Cow<'_, str> {
    shown(text, console::colors_enabled_stderr(), ascii())
}

/// What is worth a glance while a turn runs: its searches, or the latency of its first class.
fn figures(arm: &ArmPlan, round: &RoundState) -> String {
    let found = round.searches.values().map(|search| Found::of(&[Some(search)]));
    let searched: Vec<String> = found
        .filter(|found| !found.is_nothing())
        .map(|found| format!(" · highest rate {}", words::highest_rate(&found)))
        .collect();
    if !searched.is_empty() {
        return searched.concat();
    }
    if let Some(step) = round
        .searches
        .values()
        .filter_map(|search| search.steps.last())
        .next_back()
    {
        return format!(" · tried {}", words::per_s(Some(step.rate_per_s)));
    }
    if round.classes.is_empty() && !round.operations.is_empty() {
        let laws: Vec<_> = arm
            .invariants
            .iter()
            .map(|law| InvariantSummary::of(law, slice::from_ref(round)))
            .collect();
        let broken: u64 = laws.iter().map(|law| law.seen).sum();
        let decided = !laws.is_empty() && laws.iter().all(|law| law.violations.is_some());
        let found = match (decided, broken) {
            (false, 0) => String::new(),
            (true, 0) => ", no law broken".to_owned(),
            (_, broken) => format!(", laws broken {broken}×"),
        };
        return format!(" · {} operations{found}", round.operations.len());
    }
    let Some((name, _)) = round.classes.iter().max_by_key(|(_, class)| class.sent) else {
        return String::new();
    };
    let class = ClassSummary::of(arm, name, slice::from_ref(round));
    let failed = match class.counts.failed {
        None | Some(0) => String::new(),
        Some(failed) => format!(", {} failed", words::count(failed)),
    };
    let latencies = class.whole.figures.response;
    match (latencies.p50, latencies.p99) {
        (Some(_), Some(_)) => format!(
            " · {name} {} answered{failed}, p50 {}, p99 {}",
            words::counted(class.counts.ok),
            words::ms(latencies.p50),
            words::ms(latencies.p99)
        ),
        _ => failed,
    }
}

impl Sink for Progress {
    fn name(&self) -> String {
        "the progress display".to_owned()
    }

    fn take(&mut self, event: &RunEvent) -> std::io::Result<()> {
        // The line of a turn is made before the fold forgets which one it was.
        let ended = matches!(event.kind, EventKind::TurnEnded)
            .then(|| self.turn_line())
            .flatten();
        self.state.apply(event);
        if let Some(line) = ended {
            self.line(&line);
        }
        match &event.kind {
            EventKind::Note { text } => self.line(&visible(text)),
            EventKind::Warning { text } => self.line(&format!("warning: {}", visible(text))),
            EventKind::Disturbance(told) => self.line(&format!("disturbed: {}", visible(&told.words()))),
            EventKind::RunEnded { .. } => {
                if let Some(bar) = &self.bar {
                    bar.finish_and_clear();
                }
            }
            _ => self.move_on(),
        }
        Ok(())
    }

    fn finish(&mut self) -> std::io::Result<()> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        Ok(())
    }
}
