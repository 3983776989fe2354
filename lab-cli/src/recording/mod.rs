//! Recorded runs: writing the events, finding a run again, reading it.

mod replay;

pub use replay::Played;

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use scenarios::engine::Sink;
use scenarios::event::{EventKind, RunEvent};
use scenarios::format::{LESSON_FILE, SCENARIO_FILE, Source, is_hidden, plain, text_of};
use scenarios::recorded::{LINE_MAX, Reader};
use scenarios::scenario::Scenario;
use scenarios::summary::RunSummary;
use scenarios::verdict::Verdict;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::home;
use crate::report::LessonText;
use crate::text::visible_document;

/// The file of a run's events.
pub const EVENTS_FILE: &str = "run.jsonl";
/// The largest `report.json`, bytes.
const REPORT_MAX: u64 = 64 * 1024 * 1024;
/// The folder of the scenario as it was run.
const SCENARIO_FOLDER: &str = "scenario";

/// Writes every event to `run.jsonl`.
pub struct Recorder {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Recorder {
    /// Begins a recording in a run's folder, with the scenario as it is run.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn create(folder: &Path, source: &Source) -> std::io::Result<Self> {
        let scenario = folder.join(SCENARIO_FOLDER).join(&source.folder);
        std::fs::create_dir_all(&scenario)?;
        std::fs::write(scenario.join(SCENARIO_FILE), &source.scenario)?;
        std::fs::write(scenario.join(LESSON_FILE), &source.lesson)?;
        let path = folder.join(EVENTS_FILE);
        Ok(Self {
            file: BufWriter::new(File::create(&path)?),
            path,
        })
    }
}

impl Sink for Recorder {
    fn name(&self) -> String {
        format!("the recording {}", self.path.display())
    }

    fn take(&mut self, event: &RunEvent) -> std::io::Result<()> {
        serde_json::to_writer(&mut self.file, event)?;
        self.file.write_all(b"\n")?;
        // What is seen live is also on disk should the lab die; samples are many and may wait for the next event.
        if matches!(event.kind, EventKind::Sample(_)) {
            Ok(())
        } else {
            self.file.flush()
        }
    }

    fn finish(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// A recorded run.
#[derive(Debug)]
pub struct Recording {
    /// Its folder.
    pub folder: PathBuf,
    /// Its events.
    pub events: Vec<RunEvent>,
}

impl Recording {
    /// Reads a run's events. A last line that was cut off (a killed lab) is left out.
    ///
    /// # Errors
    /// When the folder holds no recording, one of another version, or one whose events do not fit one another; with the
    /// line.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(EVENTS_FILE);
        let file = plain(&path).map_err(|error| {
            Failure::usage(format!("{} is not a recorded run: {error}", folder.display())).hint("lab runs lists them")
        })?;
        let wrong = |line: usize, why: &str| {
            Failure::usage(format!("{}:{line}: {why}", path.display()))
                .hint("was it changed, or recorded by another version of the lab?")
        };
        let mut lines = BufReader::new(file);
        let mut reader = Reader::default();
        let mut events = Vec::new();
        for number in 1.. {
            let mut line = Vec::new();
            let read = lines.by_ref().take(LINE_MAX as u64 + 1).read_until(b'\n', &mut line)?;
            if read == 0 {
                break;
            }
            if read > LINE_MAX {
                return Err(wrong(number, &format!("the line is longer than {LINE_MAX} bytes")));
            }
            let is_whole = line.last() == Some(&b'\n');
            let event = match std::str::from_utf8(&line) {
                Ok(text) => event(&mut reader, text.trim_end()),
                Err(error) => Err(format!("this is not UTF-8: {error}")),
            };
            match event {
                Ok(event) => events.push(event),
                Err(_) if !is_whole => break,
                Err(why) => return Err(wrong(number, &why)),
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            events,
        })
    }

    /// The scenario as it was run, where it was kept and is still understood.
    pub fn scenario(&self) -> Option<Scenario> {
        let folder = std::fs::read_dir(self.folder.join(SCENARIO_FOLDER))
            .ok()?
            .next()?
            .ok()?
            .path();
        Scenario::read(&folder).ok()
    }

    /// The lesson with the run's own numbers, where its scenario was kept.
    pub fn lesson(&self, summary: &RunSummary<'_>) -> Option<LessonText> {
        LessonText::told(&self.scenario()?, summary)
    }
}

/// What a list of runs says of one.
#[derive(Debug, Serialize, Deserialize)]
pub struct Summary {
    /// Id of the run.
    #[serde(rename = "run")]
    pub id: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// When it began.
    pub started: String,
    /// How long it took, seconds.
    pub elapsed_s: f64,
}

impl Summary {
    /// Reads it from a run's `report.json`; none when there is no such file, as after a killed lab.
    pub fn read(folder: &Path) -> Option<Self> {
        contract::json::from_str(&text_of(&folder.join("report.json"), REPORT_MAX).ok()?).ok()
    }
}

/// An event of a line. A recording may be anybody's, and everything draws its texts.
fn event(reader: &mut Reader, line: &str) -> Result<RunEvent, String> {
    // Only where something is escaped, or was left as it is although it cannot be seen.
    if line.contains('\\') || line.chars().any(is_hidden) {
        let mut document = serde_json::from_str(line).map_err(|error| error.to_string())?;
        visible_document(&mut document);
        return reader.document(document);
    }
    reader.event(line)
}

/// Folders of all recorded runs, the newest first.
///
/// # Errors
/// When the folder of runs exists and cannot be read.
pub fn all(state: &Path) -> Result<Vec<PathBuf>, Failure> {
    let runs = home::runs_folder(state);
    let entries = match std::fs::read_dir(&runs) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(Failure::environment(format!("cannot read {}: {error}", runs.display())));
        }
    };
    let mut folders: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders.reverse();
    Ok(folders)
}

/// The folder of a run, from its id, the first characters of it, `last`, or a path.
///
/// # Errors
/// When none or several fit.
pub fn find(state: &Path, run: &str) -> Result<PathBuf, Failure> {
    let path = Path::new(run);
    if path.join(EVENTS_FILE).is_file() {
        return Ok(path.to_owned());
    }
    let all = all(state)?;
    if run == "last" {
        return all.into_iter().next().ok_or_else(|| {
            Failure::usage("there is no recorded run yet").hint("make one: lab run cpu-blocking --quick")
        });
    }
    let id = |folder: &PathBuf| {
        folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    if let Some(exact) = all.iter().find(|folder| id(folder) == run) {
        return Ok(exact.clone());
    }
    let fits: Vec<&PathBuf> = all.iter().filter(|folder| id(folder).starts_with(run)).collect();
    match fits.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(Failure::usage(format!("there is no run `{run}`")).hint("lab runs lists them; `last` is the newest")),
        several => {
            let names: Vec<String> = several.iter().take(5).map(|folder| id(folder)).collect();
            Err(Failure::usage(format!("`{run}` fits {} runs", several.len()))
                .hint(format!("type more of it: {}", names.join(", "))))
        }
    }
}

#[cfg(test)]
mod before;
#[cfg(test)]
mod tests {
    use super::*;

    fn state_with(names: &[&str]) -> tempfile::TempDir {
        let state = tempfile::tempdir().unwrap();
        for name in names {
            let folder = home::runs_folder(state.path()).join(name);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(EVENTS_FILE), "").unwrap();
        }
        state
    }

    #[test]
    fn a_run_is_found_by_id_prefix_last_or_folder() {
        let state = state_with(&["20260101-1-a", "20260102-1-b", "20260102-1-bb"]);
        let name = |run: &str| find(state.path(), run).map(|folder| folder.file_name().unwrap().to_owned());
        assert_eq!(name("last").unwrap(), "20260102-1-bb");
        assert_eq!(name("20260101").unwrap(), "20260101-1-a");
        assert_eq!(
            name("20260102-1-b").unwrap(),
            "20260102-1-b",
            "an exact id wins over a longer one"
        );
        assert!(name("20260102").is_err() && name("2027").is_err());
        let folder = home::runs_folder(state.path()).join("20260101-1-a");
        assert_eq!(find(state.path(), folder.to_str().unwrap()).unwrap(), folder);
    }

    #[test]
    fn no_run_yet_is_said_with_what_to_do() {
        let state = tempfile::tempdir().unwrap();
        assert!(find(state.path(), "last").is_err());
    }

    #[test]
    fn a_cut_off_last_line_is_left_out_and_a_broken_middle_is_an_error() {
        let state = state_with(&["r"]);
        let folder = home::runs_folder(state.path()).join("r");
        let event = RunEvent {
            seq: 0,
            elapsed_ms: 1,
            kind: EventKind::Warning { text: "x".to_owned() },
        };
        let line = serde_json::to_string(&event).unwrap();
        std::fs::write(folder.join(EVENTS_FILE), format!("{line}\n{}", &line[..10])).unwrap();
        assert_eq!(Recording::read(&folder).unwrap().events, [event]);
        std::fs::write(folder.join(EVENTS_FILE), format!("{{\n{line}\n")).unwrap();
        assert!(Recording::read(&folder).is_err());
    }
}
