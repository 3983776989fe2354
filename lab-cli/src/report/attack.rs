//! Attacks on everything that shows a recording: each field of each kind of event in turn is taken away, or replaced by a
//! number at an edge, another type, or text that hides something.

use std::collections::BTreeSet;

use attack::Attack;
use scenarios::compare::{Compared, differences};
use scenarios::event::RunEvent;
use scenarios::recorded::Reader;
use scenarios::state::RunState;
use serde_json::{Value, json};

use super::fixture::{comparison, history, material, search};
use super::{FORMATS, histories, render};
use crate::display::plain;
use crate::recording::Recording;
use crate::tui;

/// Field by field, so many of some thousands of each recording in a usual run; `LAB_ATTACK_TIMES=100` takes all.
const FIELDS: usize = 60;
/// Random mutations of lines in a usual run.
const RANDOM: u64 = 12;

/// The most memory that the whole process may ever have had, KiB.
const RESIDENT_KIB_MAX: u64 = 1024 * 1024;

fn lines(events: &[RunEvent]) -> Vec<String> {
    events
        .iter()
        .map(|event| serde_json::to_string(event).unwrap())
        .collect()
}

/// What stands in the place of a field; none: it is taken away.
fn replacements() -> Vec<Option<Value>> {
    let mut all: Vec<Option<Value>> = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(0.5),
        json!(1e-300),
        json!(1e308),
        json!(-1e308),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(u32::MAX),
        json!(""),
        json!("\u{1b}[2J\u{202e}"),
        json!([]),
        json!([[1, u64::MAX], [1, u64::MAX]]),
        json!({}),
    ]
    .into_iter()
    .map(Some)
    .collect();
    all.push(None);
    all
}

/// A step into a value.
#[derive(Clone)]
enum Step {
    Key(String),
    At(usize),
}

/// The ways to every field of a value. Of the elements of a list the first stands for all.
fn ways(value: &Value, way: &[Step], all: &mut Vec<Vec<Step>>) {
    let mut into = |step: Step, value: &Value| {
        let way = [way, &[step]].concat();
        all.push(way.clone());
        ways(value, &way, all);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| into(Step::Key(key.clone()), value)),
        Value::Array(list) => list.iter().take(1).for_each(|value| into(Step::At(0), value)),
        _ => {}
    }
}

fn name(way: &[Step]) -> String {
    way.iter()
        .map(|step| match step {
            Step::Key(key) => key.as_str(),
            Step::At(_) => "*",
        })
        .collect::<Vec<_>>()
        .join(".")
}

fn replaced(mut value: Value, way: &[Step], with: Option<&Value>) -> Option<Value> {
    let (last, before) = way.split_last()?;
    let mut place = &mut value;
    for step in before {
        place = match step {
            Step::Key(key) => place.get_mut(key)?,
            Step::At(at) => place.get_mut(at)?,
        };
    }
    match (last, with) {
        (Step::Key(key), Some(with)) => *place.get_mut(key)? = with.clone(),
        (Step::At(at), Some(with)) => *place.get_mut(at)? = with.clone(),
        (Step::Key(key), None) => drop(place.as_object_mut()?.remove(key)),
        (Step::At(at), None) => drop(place.as_array_mut()?.remove(*at)),
    }
    Some(value)
}

/// Every mutation of a recording: the number of the line, and the line as it is now.
fn mutations(lines: &[String]) -> Vec<(usize, String)> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let value: Value = serde_json::from_str(line).unwrap();
        let kind = value["kind"]["type"].to_string();
        let mut found = Vec::new();
        ways(&value, &[], &mut found);
        for way in found.iter().filter(|way| seen.insert((kind.clone(), name(way)))) {
            for with in replacements() {
                if let Some(mutated) = replaced(value.clone(), way, with.as_ref()) {
                    all.push((number, mutated.to_string()));
                }
            }
        }
    }
    all
}

/// Reads a recording, and shows it in every way there is. Where it cannot be read, that was said.
fn show(lines: &[String]) {
    let mut reader = Reader::default();
    let Ok(events) = lines
        .iter()
        .map(|line| reader.event(line))
        .collect::<Result<Vec<_>, _>>()
    else {
        return;
    };
    let state = RunState::of(&events);
    let material = material(&state);
    for &format in FORMATS {
        render(format, &material).unwrap();
    }
    histories::lines(&state).unwrap();
    plain::report(&material.summary, None);
    if let Some(info) = &state.info {
        let run = Compared {
            plan: &info.plan,
            state: &state,
        };
        // The draws of the bootstrap take long, and a cut run shows the same.
        if events.len() < 200 {
            differences(run, run);
        }
    }
    draw(events);
}

/// The screen at the end of the recording.
fn draw(events: Vec<RunEvent>) {
    let folder = tempfile::tempdir().unwrap();
    let recording = Recording {
        folder: folder.path().to_owned(),
        events,
    };
    tui::picture(Some(recording), None, (120, 36), folder.path().to_owned()).unwrap();
}

/// A fixture with one line replaced: `LINE\nTEXT`.
fn with_line(lines: &[String], input: &[u8]) -> Vec<String> {
    let mut changed = lines.to_vec();
    let text = String::from_utf8_lossy(input);
    if let Some((number, line)) = text.split_once('\n')
        && let Some(place) = number.parse().ok().and_then(|number: usize| changed.get_mut(number))
    {
        *place = line.to_owned();
    }
    changed
}

fn attack_recording(name: &str, events: &[RunEvent]) {
    attack_lines(name, &lines(events));
}

/// Attacks a recording of a real run, in `tests/recordings/`: the first of its events that have something new in them.
fn attack_recorded(name: &str) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let text = std::fs::read_to_string(folder.join(name).with_extension("jsonl")).unwrap();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut reader = Reader::default();
    for line in &lines {
        reader.event(line).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    attack_lines(name, &lines);
}

fn resident_kib_max() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn attack_lines(name: &str, lines: &[String]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _inside = runtime.enter();
    let all = mutations(lines);
    let wanted = FIELDS.saturating_mul(attack::times() as usize).max(1);
    let stride = all.len().div_ceil(wanted).max(1);
    let chosen = all.iter().skip(attack::seed() as usize % stride).step_by(stride);
    let attack = chosen.fold(
        Attack::new(&format!("recording-{name}"), env!("CARGO_MANIFEST_DIR")),
        |attack, (number, line)| attack.input(format!("{number}\n{line}")),
    );
    errln!("attack {name}: {} of {} fields", all.len().div_ceil(stride), all.len());
    attack.run(RANDOM, |input| show(&with_line(lines, input)));
    if let Some(kib) = resident_kib_max() {
        assert!(kib < RESIDENT_KIB_MAX, "{name}: {kib} KiB");
    }
}

/// Real runs of each kind: timed loads, an actor's operations with histories and lanes, locks, sagas with their stories,
/// links that were cut, searches, simulations, groups of consumers, and a system that somebody else drives.
const RECORDED: [&str; 9] = [
    "queueing-knee",
    "race-condition",
    "lock-expiry",
    "saga",
    "partition",
    "scaling",
    "lb-algorithms",
    "consumer-groups",
    "watch",
];

#[test]
fn attack_recordings_of_real_runs() {
    RECORDED.into_iter().for_each(attack_recorded);
}

#[test]
fn attack_recordings_of_a_comparison() {
    attack_recording("comparison", &comparison());
}

#[test]
fn attack_recordings_of_a_search() {
    attack_recording("search", &search());
}

#[test]
fn attack_recordings_of_a_history() {
    attack_recording("history", &history());
}
