//! Playing a recording: its events one by one, at the pace at which they happened or faster.

use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use scenarios::event::RunEvent;

use super::Recording;

/// How the playing of a recording ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Played {
    /// Every event was taken.
    Whole,
    /// It was stopped in a pause between two events.
    Stopped,
    /// Whoever took the events wanted no more.
    Refused,
}

impl Recording {
    /// Gives every event to `take`, `speed` times as fast as they happened (0 is at once), until `stop` comes or `take`
    /// breaks. What comes at once cannot be stopped.
    pub async fn play(
        &self,
        speed: f64,
        stop: impl Future<Output = ()>,
        mut take: impl FnMut(&RunEvent) -> ControlFlow<()>,
    ) -> Played {
        let mut stop = pin!(stop);
        let mut shown_ms = 0;
        for event in &self.events {
            let gap_ms = event.elapsed_ms.saturating_sub(shown_ms);
            shown_ms = event.elapsed_ms;
            if speed > 0.0 && gap_ms > 0 {
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_secs_f64(gap_ms as f64 / 1000.0 / speed)) => {}
                    () = &mut stop => return Played::Stopped,
                }
            }
            if take(event).is_break() {
                return Played::Refused;
            }
        }
        Played::Whole
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use scenarios::event::EventKind;

    use super::*;

    /// Events at these moments, milliseconds.
    fn recording(moments: &[u64]) -> Recording {
        let event = |(seq, elapsed_ms): (usize, &u64)| RunEvent {
            seq: seq as u64,
            elapsed_ms: *elapsed_ms,
            kind: EventKind::Note { text: "x".to_owned() },
        };
        Recording {
            folder: "r".into(),
            events: moments.iter().enumerate().map(event).collect(),
        }
    }

    #[tokio::test]
    async fn at_once_is_whole_and_a_stop_comes_between_two_events() {
        let recording = recording(&[0, 0, 3_600_000, 7_200_000]);
        let mut taken = 0;
        let mut count = |_: &RunEvent| {
            taken += 1;
            ControlFlow::Continue(())
        };
        assert_eq!(recording.play(0.0, pending(), &mut count).await, Played::Whole);
        assert_eq!(recording.play(1.0, ready(()), &mut count).await, Played::Stopped);
        assert_eq!(taken, 4 + 2);
        let refused = recording.play(0.0, pending(), |_| ControlFlow::Break(())).await;
        assert_eq!(refused, Played::Refused);
    }
}
