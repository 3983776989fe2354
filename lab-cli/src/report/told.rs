//! Lessons with a run's own numbers, and the command that repeats a run.

use compose::DEFAULT_BACKEND;
use scenarios::scenario::Scenario;
use scenarios::state::RunState;
use scenarios::summary::RunSummary;

/// The sections of a lesson, each in Markdown; a section may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LessonText {
    /// The idea in a page.
    pub idea: String,
    /// What to watch.
    pub watch: String,
    /// What happened in this run; empty, as the next two, where the run did not come to its end.
    pub happened: String,
    /// Why it happened.
    pub why: String,
    /// What to try next.
    pub next: String,
    /// Where this is known from.
    pub sources: String,
}

impl LessonText {
    /// A scenario's lesson with a run's own numbers; a part whose numbers were not measured says so.
    pub fn told(scenario: &Scenario, summary: &RunSummary<'_>) -> Option<Self> {
        summary.plan()?;
        let lesson = &scenario.lesson;
        let general = |heading: &str| lesson.section(heading).to_owned();
        let told = |heading: &str| {
            lesson
                .told(heading, &summary.scope)
                .unwrap_or_else(|_| "This run did not measure what this part speaks of.".to_owned())
        };
        let always = Self {
            idea: general("The idea"),
            watch: general("What to watch"),
            sources: general("Sources"),
            ..Self::default()
        };
        if !summary.outcome.is_decided() {
            return Some(always);
        }
        Some(Self {
            happened: told("What happened"),
            why: told("Why"),
            next: general("Try next"),
            ..always
        })
    }
}

/// The command that repeats a run.
pub fn command(state: &RunState) -> String {
    let Some(info) = &state.info else {
        return "lab run".to_owned();
    };
    let plan = &info.plan;
    let mut command = format!("lab run {} --seed {}", plan.scenario, plan.seed);
    if plan.quick {
        command.push_str(" --quick");
    }
    command.push_str(&format!(" --rounds {}", plan.rounds));
    for (name, value) in &plan.overridden {
        command.push_str(&format!(" --set {name}={value}"));
    }
    if info.backend != DEFAULT_BACKEND {
        command.push_str(&format!(" --backend {}", info.backend));
    }
    command
}
