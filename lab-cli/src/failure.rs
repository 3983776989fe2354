//! Failures as people see them: what happened, what to type next, and the exit code.

use std::collections::BTreeSet;

use compose::Family;
use compose::servers::ServerError;

pub use scenarios::exit::Exit;

use crate::text::visible;
use crate::{able, output};

/// Why a command did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    fault: Family,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// Something was typed or written wrongly.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            fault: Family::Usage,
            message: message.into(),
            hint: None,
        }
    }

    /// The machine lacks something, or something on it is in the way.
    pub fn environment(message: impl Into<String>) -> Self {
        Self {
            fault: Family::Environment,
            message: message.into(),
            hint: None,
        }
    }

    /// A defect of the lab, or of the machine.
    pub fn unexpected(message: impl Into<String>) -> Self {
        Self {
            fault: Family::Unexpected,
            message: message.into(),
            hint: None,
        }
    }

    /// Adds what to type next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The message and what to type next, as one text.
    pub fn words(&self) -> String {
        match &self.hint {
            Some(hint) => visible(&format!("{}; {hint}", self.message)).into_owned(),
            None => visible(&self.message).into_owned(),
        }
    }

    /// Prints it to stderr.
    pub fn print(&self) {
        errln!(
            "{} {}",
            console::style("error:").for_stderr().red().bold(),
            visible(&self.message)
        );
        if let Some(hint) = &self.hint {
            errln!(
                "{} {}",
                console::style("hint:").for_stderr().cyan().bold(),
                visible(hint)
            );
        }
    }

    /// How the process ends.
    pub fn exit(&self) -> Exit {
        self.fault.into()
    }
}

impl From<compose::Error> for Failure {
    fn from(error: compose::Error) -> Self {
        let message = error.to_string();
        let failure = match error.family() {
            Family::Usage => Self::usage(message),
            Family::Environment => Self::environment(message),
            Family::Unexpected => Self::unexpected(message),
        };
        match error {
            compose::Error::PortTaken { .. } => {
                failure.hint("end that program, or choose another port; 0 is any free one")
            }
            compose::Error::Unsupported { capability, .. } => failure.hint(able::words(&BTreeSet::from([capability]))),
            compose::Error::Server(ServerError::Absent { .. }) => match able::with_images() {
                Some(way) => failure.hint(way),
                None => failure,
            },
            _ => failure,
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::environment(error.to_string())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::unexpected(error.to_string())
    }
}

/// How the process ends: as it would have, or with an error if stdout could not be written to.
pub fn at_the_end(exit: Exit) -> Exit {
    let Some(why) = output::why_broken() else { return exit };
    Failure::environment(format!("cannot write to stdout: {why}"))
        .hint("what was printed there is incomplete; write it where there is space")
        .print();
    exit.max(Exit::Environment)
}

#[test]
fn who_lacks_a_server_is_told_of_the_backends_that_bring_it() {
    let absent = ServerError::Absent {
        program: contract::Program::Nginx,
        words: "there is no nginx",
    };
    let words = Failure::from(compose::Error::from(absent)).words();
    let registry = compose::BackendRegistry::of_current_program().unwrap();
    let able = registry.able(&BTreeSet::from([compose::Capability::Images]));
    assert!(!able.is_empty());
    for name in able {
        assert!(words.contains(&format!("--backend {name}")), "{words}");
    }
}
