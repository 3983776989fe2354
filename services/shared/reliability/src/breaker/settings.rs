//! When a breaker opens, and when it closes again.

use std::str::FromStr;
use std::time::Duration;

use crate::config::{SettingsError, Share, Value, Words};

/// Which calls are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallWindow {
    /// The last so many.
    Calls(u32),
    /// Those that ended within this time, give or take a tenth of it: the time is kept in ten slices.
    Time(Duration),
}

impl Value for CallWindow {
    const EXPECTED: &'static str = "write a time, such as 10s, or a number of calls, such as 100";

    fn read(text: &str) -> Option<Self> {
        u32::read(text)
            .map(Self::Calls)
            .or_else(|| Duration::read(text).map(Self::Time))
    }
}

impl CallWindow {
    fn is_empty(self) -> bool {
        matches!(self, Self::Calls(0) | Self::Time(Duration::ZERO))
    }
}

/// Written as `window=10s min=20 failures=50% slow_calls=100% slow_after=60s open=5s probes=3`, each word with the default
/// that it has here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Which calls are looked at.
    pub window: CallWindow,
    /// Calls that must be in the window before the breaker may open. It does not apply to probes.
    pub min: u32,
    /// Share of failed calls at which it opens.
    pub failures: Share,
    /// Share of slow calls at which it opens.
    pub slow_calls: Share,
    /// A call that takes longer than this is slow.
    pub slow_after: Duration,
    /// How long it stays open.
    pub open: Duration,
    /// Calls that are let through when it is half open; their results decide.
    pub probes: u32,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            window: CallWindow::Time(Duration::from_secs(10)),
            min: 20,
            failures: Share::percent(50),
            slow_calls: Share::ALL,
            slow_after: Duration::from_secs(60),
            open: Duration::from_secs(5),
            probes: 3,
        }
    }
}

impl FromStr for BreakerSettings {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let default = Self::default();
        let mut words = Words::of(text)?;
        let share = "it must be above 0%";
        let settings = Self {
            window: words.take_if(
                "window",
                default.window,
                |window| !window.is_empty(),
                "it must not be empty",
            )?,
            min: words.count("min", default.min)?,
            failures: words.take_if("failures", default.failures, |limit| *limit > Share::NONE, share)?,
            slow_calls: words.take_if("slow_calls", default.slow_calls, |limit| *limit > Share::NONE, share)?,
            slow_after: words.take("slow_after", default.slow_after)?,
            open: words.time("open", default.open)?,
            probes: words.count("probes", default.probes)?,
        };
        words.end()?;
        match settings.window {
            CallWindow::Calls(calls) if calls < settings.min => Err(SettingsError::Contradiction(
                "min is more calls than window holds, so the breaker would never open",
            )),
            CallWindow::Calls(_) | CallWindow::Time(_) => Ok(settings),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_read_as_a_team_writes_them() {
        let settings: BreakerSettings = "window=30s failures=12.5% min=10 open=500ms probes=1".parse().unwrap();
        assert_eq!(settings.window, CallWindow::Time(Duration::from_secs(30)));
        assert_eq!(settings.failures.millionths(), 125_000);
        assert_eq!(
            (settings.min, settings.open, settings.probes),
            (10, Duration::from_millis(500), 1)
        );
        assert_eq!("".parse(), Ok(BreakerSettings::default()));
        assert_eq!(
            "window=50".parse::<BreakerSettings>().unwrap().window,
            CallWindow::Calls(50)
        );
    }

    #[test]
    fn settings_that_would_never_open_it_are_refused() {
        for wrong in [
            "window=10 min=11",
            "window=0",
            "window=0s",
            "failures=0%",
            "min=0",
            "open=0s",
            "probes=0",
        ] {
            assert!(wrong.parse::<BreakerSettings>().is_err(), "{wrong}");
        }
    }
}
