//! What `lab sim` is given.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

/// What `lab sim` is given. Lists make a sweep: every policy with every number of servers under every load.
#[derive(Debug, Args)]
pub struct Sim {
    /// Policies; default: all there are.
    pub policies: Vec<String>,
    /// Numbers of servers.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "100")]
    pub servers: Vec<u32>,
    /// Offered loads, as shares of what all servers could do if none were slow or broken.
    #[arg(long, value_name = "SHARE,…", value_delimiter = ',', default_value = "0.8")]
    pub load: Vec<f64>,
    /// Requests that a server works on at once.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub slots: u32,
    /// How long a request takes: constant:MS, exponential:MS, lognormal:MS:VARIATION, bimodal:MS:MS:SHARE, or hgrm:FILE from
    /// a recorded run.
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
    /// Give slow servers a weight that says how slow they are.
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
