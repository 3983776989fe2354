//! The command line as it is typed. Nothing here is checked beyond its form.

mod runs;
mod sim;
mod systems;
mod watch;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use compose::{DEFAULT_BACKEND, backend_names, servers};

use crate::failure::Exit;
use crate::report::{self, Format};
use crate::watch::tables;

pub use runs::{Check, Picture, Play, Run, Ui};
pub use sim::{Sim, SimFormat};
pub use systems::{Instance, Of, What};
pub use watch::Watch;

/// A laboratory for distributed systems: real services, real load, real faults, and verdicts proved from measurements.
#[derive(Debug, Parser)]
#[command(
    name = "lab",
    version = env!("LAB_VERSION"),
    about,
    after_help = "Examples:
  lab list                       what there is to learn
  lab run cpu-blocking           run a scenario and see its verdict
  lab run scaling --quick        the same in a few seconds
  lab report last --open         the report of the last run, in a browser
  lab play                       change the world by keys and watch
  lab up full --scale gateway=3  a whole system, left running"
)]
pub struct Arguments {
    /// When to use colour; NO_COLOR is honoured.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// What to do; without it: the laboratory on a terminal, else what there is.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Prints what is said to arguments that ask for help, or are none; how the program then ends.
pub fn answer(answer: &clap::Error) -> Exit {
    let text = |colored: bool| match colored {
        true => answer.render().ansi().to_string(),
        false => answer.render().to_string(),
    };
    if answer.use_stderr() {
        err!("{}", text(console::colors_enabled_stderr()));
        Exit::Usage
    } else {
        out!("{}", text(console::colors_enabled()));
        Exit::Pass
    }
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the scenarios: name, phase, question, needs, length, last verdict
    List(Json),
    /// Show the lesson of a scenario, and its parameters
    Explain {
        /// Name of a scenario, or a folder that holds one.
        name: OsString,
    },
    /// Run scenarios and decide their checks
    #[command(after_help = "Examples:
  lab run cpu-blocking
  lab run scaling --set instances=5 --rounds 3
  lab run --phase 2 --quick
  lab run ./my-scenario --seed 7 --ui json > events.jsonl

Exit codes: 0 pass, 1 fail, 2 wrong usage, 3 inconclusive, 4 the environment, 130 interrupted")]
    Run(Run),
    /// Play with a system under steady load: keys change the world, the histograms answer
    #[command(after_help = "Examples:
  lab play                                three gateways behind a balancer
  lab play --set rate=900 --set limit=2   more load, less capacity
  lab play cpu-blocking --arm least_connections

? shows the keys.")]
    Play(Play),
    /// Watch a running system, or any Prometheus metrics, on the dashboard
    #[command(after_help = watch::EXAMPLES, after_long_help = format!("{}\n\n{}", watch::EXAMPLES, tables()))]
    Watch(Watch),
    /// Draw a recorded run's screen as a picture (SVG)
    #[command(after_help = "Examples:
  lab picture last -o verdict.svg
  lab picture last --at 12.5 --size 120x36 -o live.svg")]
    Picture(Picture),
    /// Simulate load balancing in virtual time: the balancer's own policies, thousands of servers, seconds
    #[command(after_help = "Examples:
  lab sim random two_choices least_connections
  lab sim --servers 11 --slow 1x200 --timeout-ms 1000 round_robin least_connections peak_ewma
  lab sim two_choices --servers 10,100,1000,10000 --load 0.9 --requests 10M
  lab sim least_connections two_choices --balancers 20 --stale-ms 100
  lab sim maglev bounded_loads --keys 100000:1.1 --format json

Service times: constant:MS  exponential:MS  lognormal:MS:VARIATION  bimodal:MS:MS:SHARE  hgrm:FILE (as in a recorded run)")]
    Sim(Sim),
    /// Play a recorded run through the same displays
    Replay {
        /// A run: its id, the first characters of it, `last`, or a folder.
        run: String,
        /// How many times faster than it happened; 0 is at once.
        #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
        speed: f64,
        /// How to show it.
        #[arg(long, value_enum, default_value = "auto")]
        ui: Ui,
    },
    /// List recorded runs
    Runs(Json),
    /// Show what your guesses tend to believe wrongly, and which lessons meet it
    Learner(Json),
    /// Write the report of a recorded run
    #[command(after_help = "Examples:
  lab report last --open
  lab report last --format md -o report.md
  lab report 2026 --format csv > run.csv")]
    Report {
        /// A run: its id, the first characters of it, `last`, or a folder.
        run: String,
        /// The format.
        #[arg(long, value_parser = report::format_parser(), default_value = "html")]
        format: Format,
        /// Where to; default: stdout, or the run's own folder for HTML.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Open it in a browser.
        #[arg(long)]
        open: bool,
    },
    /// Set two recorded runs side by side: what differs beyond noise
    #[command(after_help = "Examples:
  lab compare 20260101 last
  lab compare before/ after/ --json")]
    Compare {
        /// A run: its id, the first characters of it, `last`, or a folder.
        first: String,
        /// The run to compare it with.
        second: String,
        #[command(flatten)]
        json: Json,
    },
    /// Start a system and leave it running
    Up {
        /// Name of the system; `lab up --list` shows them.
        #[arg(default_value = "full")]
        system: String,
        /// Where it runs.
        #[arg(long, default_value = DEFAULT_BACKEND, value_parser = PossibleValuesParser::new(backend_names()))]
        backend: String,
        /// Instances of a service, such as gateway=3; may be given several times.
        #[arg(long, value_name = "SERVICE=N")]
        scale: Vec<String>,
        /// A further server for the system; may be given several times.
        #[arg(long, value_name = "SERVER", value_parser = PossibleValuesParser::new(servers::that_join()))]
        with: Vec<String>,
        /// Port of the system's front door; default: a free one.
        #[arg(long)]
        port: Option<u16>,
        /// Show the systems there are.
        #[arg(long)]
        list: bool,
    },
    /// Show what runs
    Ps(Json),
    /// Show the log of an instance
    Logs {
        /// Name of the instance, such as gateway-1.
        instance: String,
        /// Follow it as it grows.
        #[arg(short, long)]
        follow: bool,
        #[command(flatten)]
        of: Of,
    },
    /// Change how many instances of a service run
    Scale {
        /// For example gateway=5.
        #[arg(value_name = "SERVICE=N")]
        to: String,
        #[command(flatten)]
        of: Of,
    },
    /// Freeze an instance where it stands (SIGSTOP)
    Pause(Instance),
    /// Let a paused instance go on (SIGCONT)
    Resume(Instance),
    /// End an instance at once (SIGKILL)
    Kill(Instance),
    /// End an instance and start it again at the same address
    Restart(Instance),
    /// Bring down systems that were left running
    Down(Of),
    /// Run one service in the foreground
    Serve {
        /// Name of the service: users, orders, gateway, balancer, …
        service: String,
        /// End when the process with this id ends, whatever ends it.
        #[arg(long, value_name = "PID", hide = true)]
        die_with_parent: Option<u32>,
        /// Wait for a byte on standard input before doing anything; end if it closes without one.
        #[arg(long, hide = true, conflicts_with = "die_with_parent")]
        once_recorded: bool,
    },
    /// Wait for the end of the lab that started this, and end what it still has running
    #[command(hide = true)]
    Keep,
    /// Ask the instance in this container whether it is healthy
    #[command(hide = true)]
    Health {
        /// Name of its service.
        service: String,
    },
    /// Write a system as files for other tools
    #[command(after_help = "Examples:
  lab export compose -o shop    a Compose file and what it mounts
  lab export k8s > shop.yaml    manifests for Kubernetes
  lab export image              the image that both refer to, on this machine's engine")]
    Export {
        /// What to write.
        #[arg(value_enum)]
        what: What,
        /// Name of the system; `lab up --list` shows them.
        #[arg(default_value = "full")]
        system: String,
        /// Folder to write into; default: the main file on stdout.
        #[arg(short, long, value_name = "FOLDER")]
        output: Option<PathBuf>,
    },
    /// Check a scenario and its lesson
    #[command(after_help = "Examples:
  lab check ./my-scenario              is it sound?
  lab check ./my-scenario --swap       does every check decide something? (one quick run)
  lab check --swap                     the same of the whole catalogue
  lab check scaling --swap --recorded last

--swap ends with 0 where checks tell all arms apart, 1 where they do not, 3 where the run cannot say.")]
    Check(Check),
    /// Show what this machine has, and what it lacks for which scenarios
    Doctor(Json),
    /// Remove what runs left behind
    Clean {
        /// Remove recorded runs, too.
        #[arg(long)]
        recordings: bool,
    },
    /// Print completions for a shell
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// For commands that list things.
#[derive(Debug, Clone, Copy, Args)]
pub struct Json {
    /// As JSON, for scripts.
    #[arg(long)]
    pub json: bool,
}
