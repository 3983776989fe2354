//! The calls that a closed breaker looks at.

use std::collections::VecDeque;
use std::time::Duration;

use super::settings::CallWindow;
use super::transition::Calls;
use crate::rolling::Rolling;

/// Slices of a window of time.
const SLICES: u32 = 10;

#[derive(Debug)]
pub(super) enum Outcomes {
    Last {
        calls_max: usize,
        calls: VecDeque<Calls>,
        sum: Calls,
    },
    Recent(Rolling<Calls>),
}

impl Outcomes {
    pub(super) fn new(window: CallWindow) -> Self {
        match window {
            CallWindow::Calls(calls_max) => Self::Last {
                calls_max: calls_max.max(1) as usize,
                calls: VecDeque::new(),
                sum: Calls::default(),
            },
            CallWindow::Time(time) => Self::Recent(Rolling::new(time, SLICES)),
        }
    }

    /// Counts a call, and says what the window holds with it.
    pub(super) fn add(&mut self, now: Duration, call: Calls) -> Calls {
        match self {
            Self::Last { calls_max, calls, sum } => {
                if calls.len() == *calls_max
                    && let Some(oldest) = calls.pop_front()
                {
                    *sum -= oldest;
                }
                calls.push_back(call);
                *sum += call;
                *sum
            }
            Self::Recent(rolling) => {
                rolling.add(now, call);
                rolling.sum(now)
            }
        }
    }
}
