//! Lessons with a run's own numbers, and the command that repeats a run.

use scenarios::format::Scenario;
use scenarios::state::RunState;
use scenarios::summary::RunSummary;

/// The sections of a lesson, each in Markdown; a section may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LessonText {
    /// The idea in a page.
    pub idea: String,
    /// What to watch.
    pub watch: String,
    /// What happened in this run.
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
        let told = |heading: &str| {
            lesson
                .told(heading, &summary.scope)
                .unwrap_or_else(|_| "This run did not measure what this part speaks of.".to_owned())
        };
        Some(Self {
            idea: lesson.section("The idea").to_owned(),
            watch: lesson.section("What to watch").to_owned(),
            happened: told("What happened"),
            why: told("Why"),
            next: lesson.section("Try next").to_owned(),
            sources: lesson.section("Sources").to_owned(),
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
    if info.backend != "process" {
        command.push_str(&format!(" --backend {}", info.backend));
    }
    command
}
