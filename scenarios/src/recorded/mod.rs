//! Reads the events of a recorded run, which somebody may have cut short, mixed up or written by hand.
//!
//! All that comes after (the fold, figures, pictures, the terminal) may rely on what is checked here, and nowhere else:
//! every place that a number points to exists, numbers are of a size that sums and times can take, and events stand in
//! their order.

mod before;
mod bound;
mod event;
mod plan;

use serde_json::Value;

use crate::event::{EVENT_VERSION, EventKind, RunEvent};
use before::Before;
use bound::{Checked, count, time_ms};
use plan::Shape;

/// The longest line of a recording, in bytes: a plan with all its texts is a hundredth of that.
pub const LINE_MAX: usize = 64 * 1024 * 1024;

/// Reads a recording line by line.
#[derive(Default)]
pub struct Reader {
    /// What later events may point to; none before the run began.
    shape: Option<Shape>,
    /// The smallest number that the next event may have.
    next_seq: u64,
    /// How to read the events, where an earlier version wrote them.
    before: Option<Before>,
}

impl Reader {
    /// The event of a line.
    ///
    /// # Errors
    /// What is wrong with it, in one sentence: no event, or one that does not fit the ones before.
    pub fn event(&mut self, line: &str) -> Result<RunEvent, String> {
        if self.before.is_some() {
            return self.document(serde_json::from_str(line).map_err(|error| error.to_string())?);
        }
        self.checked(serde_json::from_str(line).map_err(|error| error.to_string())?)
    }

    /// The event of a line that was parsed already.
    ///
    /// # Errors
    /// As [`Reader::event`].
    pub fn document(&mut self, mut document: Value) -> Result<RunEvent, String> {
        if let Some(before) = &mut self.before {
            before.modernise(&mut document)?;
        }
        self.checked(serde_json::from_value(document).map_err(|error| error.to_string())?)
    }

    fn checked(&mut self, mut event: RunEvent) -> Result<RunEvent, String> {
        self.check(&event)?;
        self.next_seq = event.seq + 1;
        if let EventKind::RunStarted(info) = &mut event.kind
            && info.version < EVENT_VERSION
        {
            self.before = Some(Before::of(&info.plan));
            info.version = EVENT_VERSION;
        }
        Ok(event)
    }

    fn check(&mut self, event: &RunEvent) -> Checked {
        count("seq", event.seq)?;
        time_ms("elapsed_ms", event.elapsed_ms)?;
        if event.seq < self.next_seq {
            return Err(format!("seq is {}, and must be {} or more", event.seq, self.next_seq));
        }
        if let EventKind::RunStarted(info) = &event.kind {
            if self.shape.is_some() {
                return Err("the run starts a second time".to_owned());
            }
            if info.version > EVENT_VERSION {
                return Err(format!(
                    "a newer lab wrote it: its events have version {}, and this one reads up to {EVENT_VERSION}",
                    info.version
                ));
            }
            self.shape = Some(Shape::of(&info.plan)?);
            if let Some(expected) = &info.expected {
                plan::expected(expected)?;
            }
            return Ok(());
        }
        event::check(&event.kind, self.shape.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_stand_in_their_order() {
        let note = |seq: u64| format!(r#"{{"seq":{seq},"elapsed_ms":1,"kind":{{"type":"note","text":"x"}}}}"#);
        let mut reader = Reader::default();
        assert!(reader.event(&note(0)).is_ok());
        assert!(reader.event(&note(7)).is_ok(), "events may be missing");
        for wrong in [7, 3, u64::MAX] {
            assert!(reader.event(&note(wrong)).unwrap_err().contains("seq"), "{wrong}");
        }
        assert!(reader.event("{").is_err());
    }

    /// The first events of a run of this version, of `again`: the same pause planned twice.
    fn begun(version: u32) -> (Reader, Vec<String>) {
        let recording = include_str!("../../tests/recordings/again/run.jsonl");
        let lines: Vec<String> = recording.lines().map(str::to_owned).collect();
        let first = lines[0].replacen("\"version\":1", &format!("\"version\":{version}"), 1);
        let mut reader = Reader::default();
        if version <= EVENT_VERSION {
            reader.event(&first).unwrap();
        } else {
            assert!(reader.event(&first).unwrap_err().contains("a newer lab wrote it"));
        }
        (reader, lines)
    }

    #[test]
    fn an_event_of_a_newer_lab_is_not_guessed_at() {
        begun(EVENT_VERSION + 1);
    }

    #[test]
    fn words_of_an_action_that_nobody_planned_are_refused() {
        let (mut reader, lines) = begun(1);
        let action = lines.iter().find(|line| line.contains(r#""type":"action""#)).unwrap();
        for (from, to) in [("pause users-1", "pause users-2"), ("\"at_s\":0.2", "\"at_s\":0.3")] {
            let said = reader.event(&action.replacen(from, to, 1)).unwrap_err();
            assert!(said.contains("was not planned"), "{said}");
        }
        assert!(reader.event(action).is_ok());
        let again = action.replacen("\"seq\":", "\"seq\":9", 1);
        assert!(
            reader.event(&again).unwrap_err().contains("was not planned"),
            "it was planned once at this time"
        );
        let (mut reader, _) = begun(EVENT_VERSION);
        assert!(reader.event(action).is_err(), "today it says what was done");
    }

    #[test]
    fn an_action_of_a_place_that_the_plan_has_not_is_refused() {
        let (mut reader, lines) = begun(1);
        let action = lines.iter().find(|line| line.contains(r#""type":"action""#)).unwrap();
        let action = serde_json::to_string(&reader.event(action).unwrap()).unwrap();
        let (mut reader, _) = begun(EVENT_VERSION);
        let beyond = action.replacen("\"number\":0", "\"number\":4", 1);
        assert!(reader.event(&beyond).unwrap_err().contains("number is 4"));
        assert!(reader.event(&action).is_ok());
    }

    #[test]
    fn a_turn_before_the_run_points_nowhere() {
        let turn = r#"{"seq":0,"elapsed_ms":1,"kind":{"type":"turn_started","turn":0}}"#;
        assert!(Reader::default().event(turn).unwrap_err().contains("turn is 0"));
    }
}
