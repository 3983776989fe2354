//! `lab runs`, `lab replay` and `lab report`: what was recorded.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use scenarios::engine::Bus;
use scenarios::format::text_of;
use scenarios::state::RunState;
use serde::{Deserialize, Serialize};

use crate::arguments::Ui;
use crate::display::{self, After, plain};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::recording::{self, Recording};
use crate::report::{self, Format, LessonText, Material};
use crate::text::{right_aligned, table, visible};
use crate::{home, output, text, tui};

/// How much faster than it happened a run is shown. A slower pause would be longer than any clock counts.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.001..=1_000_000.0;
/// The largest `report.json`, bytes.
const REPORT_MAX: u64 = 64 * 1024 * 1024;

/// What a list of runs says of one.
#[derive(Debug, Serialize, Deserialize)]
pub struct Summary {
    /// Id of the run.
    #[serde(rename = "run")]
    pub id: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Its verdict.
    pub verdict: String,
    /// When it began.
    pub started: String,
    /// How long it took, seconds.
    pub elapsed_s: f64,
}

impl Summary {
    /// Reads it from a run's `report.json`; none when there is no such file, as after a killed lab.
    pub fn read(folder: &Path) -> Option<Self> {
        serde_json::from_str(&text_of(&folder.join("report.json"), REPORT_MAX).ok()?).ok()
    }
}

/// Lists recorded runs.
///
/// # Errors
/// When their folder cannot be read.
pub fn list(as_json: bool) -> Result<Exit, Failure> {
    let folders = recording::all(&home::state_folder()?)?;
    let summaries: Vec<Summary> = folders.iter().filter_map(|folder| Summary::read(folder)).collect();
    if as_json {
        output::json(&summaries)?;
        return Ok(Exit::Pass);
    }
    if folders.is_empty() {
        outln!(
            "{}",
            text::wrapped("No run is recorded yet. Make one: lab run cpu-blocking --quick", 0)
        );
        return Ok(Exit::Pass);
    }
    let mut table = table(&["run", "scenario", "verdict", "length"]);
    for folder in &folders {
        let id = folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        match Summary::read(folder) {
            Some(run) => table.add_row(vec![
                id,
                visible(&run.scenario).into_owned(),
                visible(&run.verdict).into_owned(),
                format!("{:.0} s", run.elapsed_s),
            ]),
            None => table.add_row(vec![id.as_str(), "", "unfinished", ""]),
        };
    }
    right_aligned(&mut table, [3]);
    outln!("{table}");
    Ok(Exit::Pass)
}

/// Plays a recorded run through a display, at its own pace or faster.
///
/// # Errors
/// When there is no such run, or it cannot be read.
pub async fn replay(run: &str, speed: f64, ui: Ui) -> Result<Exit, Failure> {
    if speed != 0.0 && !SPEEDS.contains(&speed) {
        return Err(Failure::usage(format!(
            "--speed {speed:e}: give 0 (at once), or from {} to {}",
            SPEEDS.start(),
            SPEEDS.end()
        )));
    }
    let state_folder = home::state_folder()?;
    let recording = Recording::read(&recording::find(&state_folder, run)?)?;
    if display::is_tui(ui) {
        return tui::replay(recording, speed, state_folder).await;
    }
    let (sink, after) = display::of(ui);
    let mut bus = Bus::new(vec![sink]);
    let mut shown_ms = 0;
    // At once nothing is waited for, and Ctrl-C ends the program as it ends any other.
    let mut interrupts = (speed > 0.0).then(Interrupts::listen).transpose()?;
    for event in &recording.events {
        let gap_ms = event.elapsed_ms.saturating_sub(shown_ms);
        shown_ms = event.elapsed_ms;
        if let Some(interrupts) = &mut interrupts
            && gap_ms > 0
        {
            let pause = tokio::time::sleep(Duration::from_secs_f64(gap_ms as f64 / 1000.0 / speed));
            tokio::select! {
                () = pause => {}
                () = interrupts.next() => { bus.finish(); return Ok(Exit::Interrupted); }
            }
        }
        if !output::is_seen() {
            break;
        }
        bus.forward(event.clone());
    }
    let (state, _) = bus.finish();
    if after == After::Report {
        out!("{}", plain::report(&state, lesson(&recording, &state).as_ref()));
    }
    Ok(state.ended.map_or(Exit::Inconclusive, |ended| {
        if ended.interrupted {
            Exit::Interrupted
        } else {
            ended.verdict.into()
        }
    }))
}

/// Writes the report of a recorded run.
///
/// # Errors
/// When there is no such run, or the file cannot be written.
pub fn report(run: &str, format: Format, output: Option<PathBuf>, open: bool) -> Result<Exit, Failure> {
    let recording = Recording::read(&recording::find(&home::state_folder()?, run)?)?;
    let state = RunState::of(&recording.events);
    let material = Material {
        state: &state,
        lesson: lesson(&recording, &state),
        command: command(&state),
    };
    let text = report::render(format, &material).map_err(|error| Failure::unexpected(error.to_string()))?;
    // HTML on a terminal helps nobody: it goes to the run's folder unless a file is named.
    let to = output.or_else(|| (format == Format::Html || open).then(|| recording.folder.join(file_name(format))));
    let Some(path) = to else {
        output::data(text.as_bytes());
        return Ok(Exit::Pass);
    };
    std::fs::write(&path, text)
        .map_err(|error| Failure::environment(format!("cannot write {}: {error}", path.display())))?;
    outln!("{}", path.display());
    if open && !open_in_browser(&path) {
        outln!("No program to open it with was found; open the file above in a browser.");
    }
    Ok(Exit::Pass)
}

fn file_name(format: Format) -> &'static str {
    match format {
        Format::Html => "report.html",
        Format::Md => "report.md",
        Format::Json => "report.json",
        Format::Csv => "report.csv",
        Format::Hgrm => "report.hgrm",
        Format::Junit => "report.xml",
    }
}

/// Opens a file with whatever the desktop opens it with. Gives whether there is such a program.
pub fn open_in_browser(path: &Path) -> bool {
    ["xdg-open", "open"].iter().any(|program| {
        Command::new(program)
            .arg(path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })
}

/// The lesson with the run's own numbers, where its scenario was kept.
pub fn lesson(recording: &Recording, state: &RunState) -> Option<LessonText> {
    told(&recording.scenario()?, state)
}

/// A scenario's lesson with a run's own numbers; a part whose numbers were not measured says so.
pub fn told(scenario: &scenarios::format::Scenario, state: &RunState) -> Option<LessonText> {
    let plan = &state.info.as_ref()?.plan;
    let scope = scenarios::values::scope(plan, state);
    let lesson = &scenario.lesson;
    let told = |heading: &str| {
        lesson
            .told(heading, &scope)
            .unwrap_or_else(|_| "This run did not measure what this part speaks of.".to_owned())
    };
    Some(LessonText {
        idea: lesson.section("The idea").to_owned(),
        watch: lesson.section("What to watch").to_owned(),
        happened: told("What happened"),
        why: told("Why"),
        next: lesson.section("Try next").to_owned(),
        sources: lesson.section("Sources").to_owned(),
    })
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

/// Where the reports of a run lie, for the end of its output.
pub fn where_it_lies(folder: &Path) -> String {
    text::wrapped(&format!("Report: {}", folder.join("report.html").display()), 0)
}
