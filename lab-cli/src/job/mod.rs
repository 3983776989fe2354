//! What is run or played: one run from its folder to its reports, whoever watches.

pub mod planned;
pub mod playground;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use compose::Backend;
use scenarios::action::Command;
use scenarios::engine::{self, Bus, RunError, Sink, Site};
use scenarios::guess::Guess;
use scenarios::plan::{Expected, Plan};
use scenarios::scenario::Scenario;
use scenarios::state::RunState;
use scenarios::summary::{Outcome, RunSummary};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::mpsc::{Receiver, channel};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::display::plain;
use crate::failure::{Exit, Failure};
use crate::in_progress::InProgress;
use crate::learner::Learner;
use crate::lengths::Lengths;
use crate::recording::{Recorder, Recording};
use crate::report::{self, LessonText, Material};
use crate::up_folders::{self, NewFolder};
use crate::{able, home, machine, text};

/// So many files that could not be written are named.
const LOST_SHOWN: usize = 3;
/// Runs and playgrounds in progress: where the screen is gone, they are still to be ended in order.
static IN_PROGRESS: LazyLock<TaskTracker> = LazyLock::new(TaskTracker::new);

/// Waits for the end of runs that were told to end, at most for `patience`.
pub async fn settle(patience: Duration) {
    IN_PROGRESS.close();
    // What takes longer is dropped, and cleaned up after.
    let _ = tokio::time::timeout(patience, IN_PROGRESS.wait()).await;
}

/// A run that can begin.
#[derive(Clone)]
pub struct Job {
    /// The scenario.
    pub scenario: Scenario,
    /// What is going to happen.
    pub plan: Plan,
    /// What the learner expects.
    pub guess: Option<Guess>,
    /// Where its systems run.
    pub backend: Arc<dyn Backend>,
    /// The lab's state folder.
    pub state_folder: PathBuf,
    /// Folder to record into; none: one of its own in the state folder.
    pub out: Option<PathBuf>,
    /// Leave the last system running.
    pub keep: bool,
}

/// A run that has ended, with everything recorded.
pub struct RunOutcome {
    /// All that is known of it.
    pub state: RunState,
    /// Its lesson with its own numbers.
    pub lesson: Option<LessonText>,
    /// Where it is recorded.
    pub folder: PathBuf,
    /// What a person should know of the recording itself.
    pub warnings: Vec<String>,
    /// What of it could not be written, each with its file and the reason.
    pub lost: Vec<String>,
    /// Why it could not go on, if it could not.
    pub error: Option<Failure>,
    /// What it was begun with; none for a recorded run.
    pub job: Option<Job>,
    /// Its scenario, where it was kept and is still understood.
    pub scenario: Option<Scenario>,
}

impl RunOutcome {
    /// The exit code that its verdict asks for.
    ///
    /// A verdict stands although its files could not be written; whoever counts on these files must hear of it, too.
    pub fn verdict(&self) -> Exit {
        let exit = Outcome::of(&self.state).exit();
        if self.lost.is_empty() {
            exit
        } else {
            exit.max(Exit::Environment)
        }
    }

    /// What could not be written, as a failure to show beside the verdict.
    pub fn loss(&self) -> Option<Failure> {
        let shown: Vec<&str> = self.lost.iter().take(LOST_SHOWN).map(String::as_str).collect();
        let more = match self.lost.len().saturating_sub(LOST_SHOWN) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        (!shown.is_empty()).then(|| {
            let stands = match self.error {
                Some(_) => "",
                None => "the verdict was measured all the same; ",
            };
            Failure::environment(format!("the run is not recorded whole: {}{more}", shown.join("; ")))
                .hint(format!("{stands}make space, or give --out FOLDER"))
        })
    }

    /// Says on stderr what could not be written.
    pub fn say_what_was_lost(&self) {
        if let Some(loss) = self.loss() {
            loss.print();
        }
    }

    /// A recorded run, as one that has just ended.
    pub fn recorded(recording: &Recording) -> Self {
        let state = RunState::of(&recording.events);
        Self {
            lesson: recording.lesson(&RunSummary::of(&state)),
            folder: recording.folder.clone(),
            warnings: Vec::new(),
            lost: Vec::new(),
            error: None,
            job: None,
            scenario: recording.scenario(),
            state,
        }
    }

    /// What was seen of a system that somebody else drives: there is no job, no folder and no verdict.
    pub fn watched(state: RunState) -> Self {
        Self {
            state,
            lesson: None,
            folder: PathBuf::new(),
            warnings: Vec::new(),
            lost: Vec::new(),
            error: None,
            job: None,
            scenario: None,
        }
    }

    /// Its verdict and where its report lies, for a person who has seen the rest.
    pub fn in_short(&self) -> String {
        let summary = RunSummary::of(&self.state);
        format!("{}\n{}", plain::in_short(&summary), self.where_it_lies())
    }

    /// Where its reports lie, for the end of its output.
    pub fn where_it_lies(&self) -> String {
        text::wrapped(&format!("Report: {}", self.folder.join("report.html").display()), 0)
    }

    /// The exit code of a command that did this run.
    ///
    /// # Errors
    /// Why the run could not go on.
    pub fn exit(self) -> Result<Exit, Failure> {
        let verdict = self.verdict();
        match self.error {
            Some(error) if verdict != Exit::Interrupted => Err(error),
            _ => Ok(verdict),
        }
    }
}

impl Job {
    /// Runs it: records every event and shows it to the display, then writes the reports and the learner's progress.
    ///
    /// # Errors
    /// When there is nowhere to record to. A run that could not go on is no error here, nor are files of it that could not
    /// be written: what was measured is worth showing.
    pub async fn conduct(&self, display: Box<dyn Sink>, stop: &CancellationToken) -> Result<RunOutcome, Failure> {
        let _token = IN_PROGRESS.token();
        let now = OffsetDateTime::now_utc();
        let (run, folder, _in_progress) = match &self.out {
            Some(folder) => named_folder(folder, self.scenario.name(), now)?,
            None => home::new_run(&self.state_folder, self.scenario.name(), now)?,
        };
        let recorder = Recorder::create(&folder, &self.scenario.source)
            .map_err(|error| Failure::environment(format!("cannot record into {}: {error}", folder.display())))?;
        let lengths = Lengths::read(&self.state_folder);
        let site = Site {
            expected: Some(self.expected_by(&lengths)),
            ..self.site(run, folder.clone(), now)?
        };
        let mut bus = Bus::new(vec![Box::new(recorder), display]);
        let error = engine::run(&self.plan, &site, &mut bus, stop).await;
        let (mut state, sinks) = bus.finish();
        let (mut warnings, mut lost) = (Vec::new(), Vec::new());
        for (index, sink) in sinks.into_iter().enumerate() {
            // The recorder was handed over first.
            let into = if index == 0 { &mut lost } else { &mut warnings };
            if sink.dropped > 0 {
                into.push(format!(
                    "{} missed {} events and is incomplete",
                    sink.name, sink.dropped
                ));
            }
            if let Some(failure) = sink.failure {
                into.push(format!("{} is incomplete: {failure}", sink.name));
            }
        }
        state.warnings.extend(lost.iter().cloned());
        let summary = RunSummary::of(&state);
        let material = Material {
            lesson: LessonText::told(&self.scenario, &summary),
            command: report::command(&state),
            summary,
        };
        lost.extend(report::write_all(&folder, &material).iter().map(ToString::to_string));
        match Learner::add(&self.state_folder, &material.summary) {
            Ok(aside) => warnings.extend(aside),
            Err(error) => lost.push(format!("your progress could not be kept: {error}")),
        }
        if let Err(error) = lengths.add(&self.state_folder, &self.scenario, &state) {
            lost.push(format!("how long it took could not be kept: {error}"));
        }
        let lesson = material.lesson;
        Ok(RunOutcome {
            lesson,
            folder,
            warnings,
            lost,
            error: error.map(failure),
            job: Some(self.clone()),
            scenario: Some(self.scenario.clone()),
            state,
        })
    }

    /// Plays: the plan goes on until `stop` is cancelled, while commands change the world. Nothing is recorded, and
    /// nothing is left behind.
    ///
    /// # Errors
    /// When there is no place for its logs and data.
    pub async fn play(
        &self,
        display: Box<dyn Sink>,
        mut commands: Receiver<Command>,
        stop: &CancellationToken,
    ) -> Result<RunOutcome, Failure> {
        let _token = IN_PROGRESS.token();
        let folder = NewFolder::create(&self.state_folder, "play")?;
        let site = self.site(folder.id.clone(), folder.path.clone(), OffsetDateTime::now_utc())?;
        let mut bus = Bus::new(vec![display]);
        let error = engine::play(&self.plan, &site, &mut bus, &mut commands, stop).await;
        let (state, _) = bus.finish();
        // The log of an instance that did not start says why, and stays until `lab clean`.
        if error.is_none() {
            up_folders::remove(&self.state_folder, &folder.path)?;
        }
        Ok(RunOutcome {
            state,
            lesson: None,
            folder: folder.path.clone(),
            warnings: Vec::new(),
            lost: Vec::new(),
            error: error.map(failure),
            job: Some(self.clone()),
            scenario: Some(self.scenario.clone()),
        })
    }

    /// Runs it to its end and records nothing: for whoever wants what was measured, and no run that counts.
    ///
    /// # Errors
    /// As [`Self::play`].
    pub async fn measure(&self, display: Box<dyn Sink>, stop: &CancellationToken) -> Result<RunOutcome, Failure> {
        // No command ever comes.
        let (_, commands) = channel(1);
        self.play(display, commands, stop).await
    }

    fn site(&self, run: String, folder: PathBuf, now: OffsetDateTime) -> Result<Site, Failure> {
        Ok(Site {
            run,
            started: now
                .truncate_to_second()
                .format(&Rfc3339)
                .map_err(|error| Failure::unexpected(error.to_string()))?,
            backend: self.backend.clone(),
            machine: machine::describe(),
            folder,
            state_folder: self.state_folder.clone(),
            keep: self.keep,
            guess: self.guess,
            expected: None,
        })
    }

    /// How long it is expected to take, going by the last run on the same parts.
    pub fn expected(&self) -> Expected {
        self.expected_by(&Lengths::read(&self.state_folder))
    }

    fn expected_by(&self, lengths: &Lengths) -> Expected {
        lengths.of_plan(&self.scenario, &self.plan, self.backend.name())
    }
}

fn failure(error: RunError) -> Failure {
    match error {
        RunError::Backend(error) => error.into(),
        RunError::Load(error) => Failure::environment(error.to_string()),
        RunError::Capability { ref needed, .. } => Failure::environment(error.to_string()).hint(able::words(needed)),
        RunError::Unexpected(_) => Failure::unexpected(error.to_string()),
    }
}

fn named_folder(folder: &Path, scenario: &str, now: OffsetDateTime) -> Result<(String, PathBuf, InProgress), Failure> {
    let cannot = |error: std::io::Error| Failure::environment(format!("cannot use {}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(cannot)?;
    if std::fs::read_dir(folder).map_err(cannot)?.next().is_some() {
        return Err(Failure::usage(format!("{} is not empty", folder.display())).hint("--out takes a new folder"));
    }
    let folder = folder.canonicalize().map_err(cannot)?;
    let id = format!("{scenario}-{}-{}", std::process::id(), now.microsecond());
    let progress = InProgress::begin(&folder).map_err(cannot)?;
    Ok((id, folder, progress))
}
