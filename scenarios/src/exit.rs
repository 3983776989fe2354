//! The exit codes of the lab.

use std::process::ExitCode;

use compose::Family;

use crate::verdict::Verdict;

/// How a command ends, from best to worst where several runs are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything asked for was done; a run passed.
    Pass,
    /// A run proved nothing.
    Inconclusive,
    /// A run showed that something does not hold.
    Fail,
    /// Wrong usage, or an invalid scenario.
    Usage,
    /// Something that the machine lacks.
    Environment,
    /// Stopped by hand.
    Interrupted,
}

impl Exit {
    /// The number that the process ends with.
    pub fn number(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Usage => 2,
            Self::Inconclusive => 3,
            Self::Environment => 4,
            Self::Interrupted => 130,
        }
    }
}

/// A command that decided something.
impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Inconclusive => Self::Inconclusive,
            Verdict::Fail => Self::Fail,
        }
    }
}

/// A command that could not do what was asked.
impl From<Family> for Exit {
    fn from(fault: Family) -> Self {
        match fault {
            Family::Usage => Self::Usage,
            Family::Environment | Family::Unexpected => Self::Environment,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}
