//! How a run ended, and what to say of it in one sentence.

use compose::Family;

use crate::exit::Exit;
use crate::state::RunState;
use crate::verdict::{CheckOutcome, Verdict};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It has no end: only what was recorded before it broke off is known.
    Unfinished,
    /// It was interrupted by hand, whether or not it could have gone on.
    Interrupted,
    /// It could not go on, and whose fault that is; an early recording that does not tell blames the machine.
    Stopped(Family),
    /// It came to its end and decided its checks.
    Decided(Verdict),
}

impl Outcome {
    /// The outcome of a run.
    pub fn of(state: &RunState) -> Self {
        match &state.ended {
            None => Self::Unfinished,
            Some(ended) if ended.interrupted => Self::Interrupted,
            Some(ended) if ended.failure.is_some() => Self::Stopped(ended.fault.unwrap_or(Family::Environment)),
            Some(ended) => Self::Decided(ended.verdict),
        }
    }

    /// Its verdict; what did not come to its end has shown nothing.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Decided(verdict) => verdict,
            Self::Unfinished | Self::Interrupted | Self::Stopped(_) => Verdict::Inconclusive,
        }
    }

    /// Whether it came to its end, so that there is something to explain.
    pub fn is_decided(self) -> bool {
        matches!(self, Self::Decided(_))
    }

    /// One word in capitals.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unfinished => "UNFINISHED",
            Self::Interrupted => "INTERRUPTED",
            Self::Stopped(_) => "STOPPED",
            Self::Decided(Verdict::Pass) => "PASS",
            Self::Decided(Verdict::Inconclusive) => "INCONCLUSIVE",
            Self::Decided(Verdict::Fail) => "FAIL",
        }
    }

    /// The exit code of a command that made this run.
    pub fn exit(self) -> Exit {
        match self {
            Self::Unfinished => Exit::Inconclusive,
            Self::Interrupted => Exit::Interrupted,
            Self::Stopped(fault) => fault.into(),
            Self::Decided(verdict) => verdict.into(),
        }
    }
}

/// The outcome of a run in one or two sentences.
pub(super) fn sentence(state: &RunState) -> String {
    let decided = |verdict| decided(verdict, &state.checks);
    let Some(ended) = &state.ended else {
        return match &state.info {
            Some(_) => "The run has no end: only what was measured before it broke off can be shown.".to_owned(),
            None => "Nothing was measured: the recording has no start of a run.".to_owned(),
        };
    };
    let failure = ended.failure.as_ref().map(|failure| sentence_end(failure));
    match (ended.interrupted, failure) {
        (true, Some(failure)) => format!("The run was interrupted by hand, and could not go on: {failure}"),
        (true, None) => format!("The run was interrupted by hand. {}", decided(ended.verdict)),
        (false, Some(failure)) => format!("The run could not go on: {failure}"),
        (false, None) => decided(ended.verdict),
    }
}

fn decided(verdict: Verdict, checks: &[CheckOutcome]) -> String {
    let total = checks.len();
    let worst: Vec<&CheckOutcome> = checks.iter().filter(|check| check.verdict == verdict).collect();
    match (verdict, worst.first()) {
        (_, None) => "Nothing was decided.".to_owned(),
        (Verdict::Pass, Some(_)) if total == 1 => "The one check holds.".to_owned(),
        (Verdict::Pass, Some(_)) => format!("All {total} checks hold."),
        (Verdict::Fail, Some(first)) => format!(
            "{} of {total} checks {} not hold: \"{}\": expected {}, measured {}.",
            worst.len(),
            if worst.len() == 1 { "does" } else { "do" },
            first.name,
            first.expected,
            first.measured
        ),
        (Verdict::Inconclusive, Some(first)) => format!(
            "{} of {total} checks could not be decided: \"{}\": {}",
            worst.len(),
            first.name,
            sentence_end(&first.why)
        ),
    }
}

/// With a full stop, unless there already is an end.
fn sentence_end(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Ended;

    fn ended(verdict: Verdict, interrupted: bool, failure: Option<&str>) -> RunState {
        let mut state = RunState::default();
        state.ended = Some(Ended {
            verdict,
            interrupted,
            failure: failure.map(str::to_owned),
            fault: None,
        });
        state
    }

    #[test]
    fn each_end_has_one_word_and_one_exit_code() {
        use Verdict::{Fail, Inconclusive, Pass};
        for (state, word, number) in [
            (RunState::default(), "UNFINISHED", 3),
            (ended(Pass, false, None), "PASS", 0),
            (ended(Fail, false, None), "FAIL", 1),
            (ended(Inconclusive, false, None), "INCONCLUSIVE", 3),
            (ended(Inconclusive, false, Some("no port")), "STOPPED", 4),
            (ended(Inconclusive, true, None), "INTERRUPTED", 130),
            (ended(Inconclusive, true, Some("no port")), "INTERRUPTED", 130),
        ] {
            let outcome = Outcome::of(&state);
            assert_eq!((outcome.word(), outcome.exit().number()), (word, number));
        }
    }

    #[test]
    fn whose_fault_it_is_decides_the_exit_code_of_a_run_that_stopped() {
        for (fault, number) in [
            (None, 4),
            (Some(Family::Environment), 4),
            (Some(Family::Unexpected), 4),
            (Some(Family::Usage), 2),
        ] {
            let mut state = ended(Verdict::Inconclusive, false, Some("no such policy"));
            state.ended.as_mut().unwrap().fault = fault;
            assert_eq!(Outcome::of(&state).exit().number(), number, "{fault:?}");
        }
    }

    #[test]
    fn a_run_that_was_interrupted_and_failed_says_both() {
        let said = sentence(&ended(Verdict::Inconclusive, true, Some("no port is free")));
        assert_eq!(
            said,
            "The run was interrupted by hand, and could not go on: no port is free."
        );
    }
}
