//! Reads the events of a recorded run, which somebody may have cut short, mixed up or written by hand.
//!
//! All that comes after (the fold, figures, pictures, the terminal) may rely on what is checked here, and nowhere else:
//! every place that a number points to exists, numbers are of a size that sums and times can take, and events stand in
//! their order.

mod bound;
mod event;
mod plan;

use crate::event::{EventKind, RunEvent};
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
}

impl Reader {
    /// The event of a line.
    ///
    /// # Errors
    /// What is wrong with it, in one sentence: no event, or one that does not fit the ones before.
    pub fn event(&mut self, line: &str) -> Result<RunEvent, String> {
        self.checked(serde_json::from_str(line).map_err(|error| error.to_string())?)
    }

    /// An event that was read already, once it was checked.
    ///
    /// # Errors
    /// As [`Reader::event`].
    pub fn checked(&mut self, event: RunEvent) -> Result<RunEvent, String> {
        self.check(&event)?;
        self.next_seq = event.seq + 1;
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
                return Err("the run begins a second time".to_owned());
            }
            self.shape = Some(Shape::of(&info.plan)?);
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

    #[test]
    fn a_turn_before_the_run_points_nowhere() {
        let turn = r#"{"seq":0,"elapsed_ms":1,"kind":{"type":"turn_started","turn":0}}"#;
        assert!(Reader::default().event(turn).unwrap_err().contains("turn is 0"));
    }
}
