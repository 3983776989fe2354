//! What the commands of runs are given.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use compose::{DEFAULT_BACKEND, backend_names};

/// How to show a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Ui {
    /// The dashboard on a terminal, else plain.
    Auto,
    /// The dashboard.
    Tui,
    /// Progress on stderr, the report on stdout.
    Plain,
    /// One event a line on stdout.
    Json,
}

/// What `lab run` is given.
#[derive(Debug, Args)]
pub struct Run {
    /// Scenarios: names, or folders that hold one.
    #[arg(required_unless_present = "phase")]
    pub names: Vec<OsString>,
    /// All scenarios of a phase of the curriculum.
    #[arg(long, value_name = "N")]
    pub phase: Option<u8>,
    /// Where the systems run.
    #[arg(long, default_value = DEFAULT_BACKEND, value_parser = PossibleValuesParser::new(backend_names()))]
    pub backend: String,
    /// How to show it.
    #[arg(long, value_enum, default_value = "auto")]
    pub ui: Ui,
    /// Set a parameter of the scenario; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// How often each arm is measured; default: the scenario's.
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: Option<u32>,
    /// Shorter, with wider intervals.
    #[arg(long)]
    pub quick: bool,
    /// Seed of every random choice; default: a new one, which the report prints.
    #[arg(long, allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// What you expect, in answer to the scenario's question: a number, or the number of a choice.
    #[arg(long, value_name = "ANSWER", allow_hyphen_values = true)]
    pub guess: Option<String>,
    /// Ask no questions.
    #[arg(short, long)]
    pub yes: bool,
    /// Leave the last system running.
    #[arg(long)]
    pub keep: bool,
    /// Folder to record into; default: one of its own in the lab's state folder.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

/// What `lab check` is given.
#[derive(Debug, Args)]
pub struct Check {
    /// Folder of the scenario; with --swap a name as well, or nothing for the whole catalogue.
    #[arg(required_unless_present_any = ["schema", "swap"])]
    pub folder: Option<PathBuf>,
    /// Where you want to run it: a note says what this machine lacks for that.
    #[arg(long, default_value = DEFAULT_BACKEND, value_parser = PossibleValuesParser::new(backend_names()))]
    pub backend: String,
    /// Print the JSON Schema of scenario files, for editors.
    #[arg(long)]
    pub schema: bool,
    /// Let every two arms change places under the checks of one quick run: some check has to notice.
    #[arg(long, conflicts_with = "schema")]
    pub swap: bool,
    /// Judge a recorded run by the scenario's checks as they are now, and run nothing: its id, the beginning of it, `last`,
    /// or a folder.
    #[arg(long, value_name = "RUN", requires = "swap")]
    pub recorded: Option<String>,
}

/// What `lab play` is given.
#[derive(Debug, Clone, Args)]
pub struct Play {
    /// A scenario whose system is played with: a name, or a folder that holds one; default: the general playground.
    pub name: Option<OsString>,
    /// Arm of the scenario; default: its first.
    #[arg(long)]
    pub arm: Option<String>,
    /// Set a parameter; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// What `lab picture` is given.
#[derive(Debug, Clone, Args)]
pub struct Picture {
    /// A run: its id, the first characters of it, `last`, or a folder; `home` is the home screen.
    pub run: String,
    /// Seconds after the start of the run; default: its verdict.
    #[arg(long, value_name = "SECONDS")]
    pub at: Option<f64>,
    /// Columns and rows of the screen.
    #[arg(long, value_name = "COLUMNSxROWS", default_value = "120x36")]
    pub size: String,
    /// Where to; default: stdout.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
