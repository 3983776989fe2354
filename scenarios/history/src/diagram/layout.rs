//! Where the lanes of a diagram stand on a page of characters.

use super::{Diagram, Event};

/// More lanes than this cannot be told apart on a page.
const LANES_MAX: usize = 5;

/// Wider apart than this, lanes lose sight of one another.
const GAP_CHARS_MAX: usize = 34;

/// Closer together than this, nothing stands between two lanes.
const GAP_CHARS_MIN: usize = 6;

/// An arrow has, beside its label: a space on either side of it, one dash, and the head.
const ARROW_CHARS: usize = 4;

/// Columns of characters, counted from 0.
pub(super) struct Layout {
    /// Width of the column of times.
    pub(super) time_chars: usize,
    /// Column of each lane.
    pub(super) lanes: Vec<usize>,
}

impl Layout {
    /// None where the diagram does not fit.
    pub(super) fn of(diagram: &Diagram, time_chars: usize, width: usize) -> Option<Self> {
        let count = diagram.lanes.len();
        if !(2..=LANES_MAX).contains(&count) {
            return None;
        }
        let heads: Vec<usize> = diagram
            .lanes
            .iter()
            .map(|lane| chars(&lane.name).max(chars(&lane.instances.join(", "))))
            .collect();
        let first = time_chars + 2 + heads[0] / 2;
        let last = width.checked_sub(1 + heads[count - 1].div_ceil(2))?;
        let gap = (last.checked_sub(first)? / (count - 1)).min(GAP_CHARS_MAX);
        if gap < GAP_CHARS_MIN {
            return None;
        }
        // A head and half of the next one stand between two lanes, and a space.
        let heads_fit = heads
            .windows(2)
            .all(|pair| pair[0].div_ceil(2) + pair[1].div_ceil(2) < gap);
        let labels_fit = diagram.events.iter().all(|event| label_fits(event, gap));
        let lanes = (0..count).map(|lane| first + lane * gap).collect();
        (heads_fit && labels_fit).then_some(Self { time_chars, lanes })
    }
}

/// Labels beside a lane can be cut; those on an arrow must fit.
fn label_fits(event: &Event, gap: usize) -> bool {
    event
        .arrow
        .is_none_or(|arrow| chars(&event.label) + ARROW_CHARS < arrow.from.abs_diff(arrow.to) * gap)
}

pub(super) fn chars(text: &str) -> usize {
    text.chars().count()
}
