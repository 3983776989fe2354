//! What was decided: the verdict of a check, and of a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::unit::Unit;

/// The three values of a verdict, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Shown to hold.
    Pass,
    /// Neither: too much noise, a generator that was late, a fault that did not fire, an arm that did not break.
    Inconclusive,
    /// Shown not to hold.
    Fail,
}

impl Verdict {
    /// The worst of several; a run without checks has shown nothing.
    pub fn worst(verdicts: impl IntoIterator<Item = Self>) -> Self {
        verdicts.into_iter().max().unwrap_or(Self::Inconclusive)
    }

    /// As people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
        }
    }
}

/// A decided check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckOutcome {
    /// The sentence that is true when it passes.
    pub name: String,
    /// What was decided.
    pub verdict: Verdict,
    /// What was allowed, in words.
    pub expected: String,
    /// What was measured, in words, with its interval.
    pub measured: String,
    /// Why it is not a pass, in one sentence; empty for a pass.
    pub why: String,
    /// The measured value.
    pub value: Option<f64>,
    /// Its 95 % interval; none for a count, which has no sampling error.
    pub interval: Option<(f64, f64)>,
    /// Unit of the value.
    pub unit: Unit,
    /// What it means when the value is outside.
    pub role: Role,
}

/// What a check that does not pass means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A law: outside its bounds the run has failed.
    #[default]
    Law,
    /// The arm is meant to break: when it did not, the run is inconclusive, since nothing was shown.
    Breaks,
    /// What the experiment takes for granted: where it does not hold, the run is inconclusive.
    Premise,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_verdict_wins_and_nothing_is_not_a_pass() {
        use Verdict::{Fail, Inconclusive, Pass};
        assert_eq!(Verdict::worst([Pass, Inconclusive, Fail, Pass]), Fail);
        assert_eq!(Verdict::worst([Pass, Inconclusive]), Inconclusive);
        assert_eq!(Verdict::worst([Pass]), Pass);
        assert_eq!(Verdict::worst([]), Inconclusive);
    }
}
