//! The command line as it is typed. Nothing here is checked beyond its form.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::failure::Exit;
use crate::report::Format;
use crate::watch::{Unit, tables};

/// Ends of the help of `lab watch`.
const WATCH_EXAMPLES: &str = "Examples:
  lab up full && lab watch                the system that is up
  lab watch http://127.0.0.1:9090/metrics http://127.0.0.1:9091/metrics
  lab watch --ui json --for 10            ten seconds, one event a line
  lab watch http://me:secret@10.0.0.7:9090/metrics --metric request_latency --unit ms --status-label outcome

Addresses are asked directly: proxies of the environment are not used. lab watch --help lists what is known by name.";

/// A laboratory for distributed systems: real services, real load, real faults, and verdicts proved from measurements.
#[derive(Debug, Parser)]
#[command(
    name = "lab",
    version,
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
        name: String,
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
    #[command(after_help = WATCH_EXAMPLES, after_long_help = format!("{WATCH_EXAMPLES}\n\n{}", tables()))]
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
        /// A run: its id, the beginning of it, `last`, or a folder.
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
    /// Write the report of a recorded run
    #[command(after_help = "Examples:
  lab report last --open
  lab report last --format md -o report.md
  lab report 2026 --format csv > run.csv")]
    Report {
        /// A run: its id, the beginning of it, `last`, or a folder.
        run: String,
        /// The format.
        #[arg(long, value_enum, default_value = "html")]
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
        /// A run: its id, the beginning of it, `last`, or a folder.
        first: String,
        /// The run that is set beside it.
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
        #[arg(long, default_value = "process")]
        backend: String,
        /// Instances of a service, such as gateway=3; may be given several times.
        #[arg(long, value_name = "SERVICE=N")]
        scale: Vec<String>,
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
        /// Go on as it grows.
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
    /// Bring systems down that were left running
    Down(Of),
    /// Run one service in the foreground
    Serve {
        /// Name of the service: users, orders, gateway, balancer, …
        service: String,
        /// End when the process with this id ends, whatever ends it.
        #[arg(long, value_name = "PID", hide = true)]
        die_with_parent: Option<u32>,
    },
    /// Wait for the end of the lab that started this, and end what it still has running
    #[command(hide = true)]
    Keep,
    /// Ask the instance in this container whether it is well
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
    Check {
        /// Folder of the scenario.
        #[arg(required_unless_present = "schema")]
        folder: Option<PathBuf>,
        /// Where it is to run: a note says what is missing for that here.
        #[arg(long, default_value = "process")]
        backend: String,
        /// Print the JSON Schema of scenario files, for editors.
        #[arg(long)]
        schema: bool,
    },
    /// Show what this machine has, and what it lacks for which scenarios
    Doctor(Json),
    /// Remove what runs left behind
    Clean {
        /// Recorded runs too.
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

/// What `lab export` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// A Compose file.
    Compose,
    /// Manifests for Kubernetes.
    K8s,
    /// The image of the lab's own services.
    Image,
}

/// For commands that list things.
#[derive(Debug, Clone, Copy, Args)]
pub struct Json {
    /// As JSON, for scripts.
    #[arg(long)]
    pub json: bool,
}

/// Which running system is meant.
#[derive(Debug, Clone, Args)]
pub struct Of {
    /// Id of the system, or the beginning of it; needed only when several run.
    #[arg(long, value_name = "ID")]
    pub system: Option<String>,
}

/// One instance of a running system.
#[derive(Debug, Clone, Args)]
pub struct Instance {
    /// Name of the instance, such as gateway-1.
    pub instance: String,
    #[command(flatten)]
    pub of: Of,
}

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

/// What `lab play` is given.
#[derive(Debug, Clone, Args)]
pub struct Play {
    /// A scenario whose system is played with: a name, or a folder that holds one; default: the general playground.
    pub name: Option<String>,
    /// Arm of the scenario; default: its first.
    #[arg(long)]
    pub arm: Option<String>,
    /// Set a parameter; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// What `lab watch` is given.
#[derive(Debug, Clone, Args)]
pub struct Watch {
    /// Addresses of Prometheus metrics; default: the system that is up.
    #[arg(value_name = "URL")]
    pub urls: Vec<url::Url>,
    /// The histogram of request durations; default: one of the usual names.
    #[arg(long, value_name = "NAME")]
    pub metric: Option<String>,
    /// The unit of its bounds; default: as its name or its metadata says.
    #[arg(long, value_enum)]
    pub unit: Option<Unit>,
    /// The label that holds the status of an answer; default: one of the usual labels.
    #[arg(long, value_name = "NAME")]
    pub status_label: Option<String>,
    /// How to show it.
    #[arg(long, value_enum, default_value = "auto")]
    pub ui: Ui,
    /// Seconds after which it ends; default: when it is left.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub r#for: Option<u32>,
    #[command(flatten)]
    pub of: Of,
}

/// What `lab picture` is given.
#[derive(Debug, Clone, Args)]
pub struct Picture {
    /// A run: its id, the beginning of it, `last`, or a folder; `home` is the home screen.
    pub run: String,
    /// Seconds after the run's begin; default: its verdict.
    #[arg(long, value_name = "SECONDS")]
    pub at: Option<f64>,
    /// Columns and rows of the screen.
    #[arg(long, value_name = "COLUMNSxROWS", default_value = "120x36")]
    pub size: String,
    /// Where to; default: stdout.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What `lab run` is given.
#[derive(Debug, Args)]
pub struct Run {
    /// Scenarios: names, or folders that hold one.
    #[arg(required_unless_present = "phase")]
    pub names: Vec<String>,
    /// All scenarios of a phase of the curriculum.
    #[arg(long, value_name = "N")]
    pub phase: Option<u8>,
    /// Where the systems run.
    #[arg(long, default_value = "process")]
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
    /// Ask nothing.
    #[arg(short, long)]
    pub yes: bool,
    /// Leave the last system running.
    #[arg(long)]
    pub keep: bool,
    /// Folder to record into; default: one of its own in the lab's state folder.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

/// What `lab sim` is given. Lists make a sweep: every policy with every number of servers under every load.
#[derive(Debug, Args)]
pub struct Sim {
    /// Policies; default: all there are.
    pub policies: Vec<String>,
    /// Numbers of servers.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "100")]
    pub servers: Vec<u32>,
    /// Offered loads, as shares of what all servers can do that are neither slow nor broken.
    #[arg(long, value_name = "SHARE,…", value_delimiter = ',', default_value = "0.8")]
    pub load: Vec<f64>,
    /// Requests that a server works on at once.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub slots: u32,
    /// How long a request takes.
    #[arg(long, value_name = "TIME", default_value = "exponential:10")]
    pub service: String,
    /// How requests come: poisson, constant or bursts:SIZE.
    #[arg(long, value_name = "HOW", default_value = "poisson")]
    pub arrivals: String,
    /// Slow servers, such as 1x20: one that takes twenty times as long.
    #[arg(long, value_name = "SERVERSxFACTOR")]
    pub slow: Option<String>,
    /// Broken servers, such as 1:0.5: one that answers with a failure after half a millisecond.
    #[arg(long, value_name = "SERVERS:MS")]
    pub failing: Option<String>,
    /// Let weights tell how slow the slow ones are.
    #[arg(long)]
    pub weighs: bool,
    /// Balancers that do not see one another's load.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub balancers: u32,
    /// Balancers read the true load from a board that is written every so many milliseconds.
    #[arg(long, value_name = "MS", conflicts_with = "probe_ms")]
    pub stale_ms: Option<f64>,
    /// Balancers ask for the true load at each pick, with this round trip in milliseconds.
    #[arg(long, value_name = "MS")]
    pub probe_ms: Option<f64>,
    /// Clients give up after so many milliseconds.
    #[arg(long, value_name = "MS")]
    pub timeout_ms: Option<f64>,
    /// Keys of requests, for policies that hash: how many, and how unequal (Zipf).
    #[arg(long, value_name = "COUNT[:SKEW]", default_value = "100000")]
    pub keys: String,
    /// Requests that a server holds; more are refused.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub queue_max: u32,
    /// Requests of each simulation; k, M and G are understood. The first tenth is warm-up.
    #[arg(long, value_name = "N", default_value = "1M")]
    pub requests: String,
    /// Seed of all chance.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Simulations at once; default: one for each core.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Allow more than 1 GiB of memory, or more than 20 billion requests.
    #[arg(long)]
    pub large: bool,
    /// How to show the outcome; default: text, or what the name of the file says.
    #[arg(long, value_enum)]
    pub format: Option<SimFormat>,
    /// Where to; default: stdout.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Open the page in a browser.
    #[arg(long, requires = "output")]
    pub open: bool,
}

/// How `lab sim` shows what came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SimFormat {
    /// A table and a chart.
    Text,
    /// A table in Markdown.
    Md,
    /// For spreadsheets.
    Csv,
    /// For programs, with the model beside the outcome.
    Json,
    /// A self-contained page with charts, as `lab report` makes it of a run.
    Html,
}

impl SimFormat {
    /// The format that a file's name asks for.
    fn of(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()? {
            "html" | "htm" => Some(Self::Html),
            "md" => Some(Self::Md),
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

impl Sim {
    /// The format of the outcome.
    pub fn shown_as(&self) -> SimFormat {
        let of_file = self.output.as_deref().and_then(SimFormat::of);
        self.format.or(of_file).unwrap_or(SimFormat::Text)
    }
}
