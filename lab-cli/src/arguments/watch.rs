//! What `lab watch` is given.

use std::path::PathBuf;

use clap::Args;

use super::runs::Ui;
use super::systems::Of;
use crate::watch::Unit;

/// Ends of the help of `lab watch`.
pub const EXAMPLES: &str = "Examples:
  lab up full && lab watch                the system that is up
  lab watch http://127.0.0.1:9090/metrics http://127.0.0.1:9091/metrics
  lab watch --ui json --for 10            ten seconds, one event a line
  lab watch https://shop.example/metrics --ca shop-ca.pem
  lab watch http://me:secret@10.0.0.7:9090/metrics --metric request_latency --unit ms --status-label outcome

Addresses are asked directly: proxies of the environment are not used. lab watch --help lists what is known by name.";

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
    /// The label that holds the status of an answer, of which 4xx, 5xx and gRPC codes other than OK are failures; default:
    /// one of the usual labels.
    #[arg(long, value_name = "NAME")]
    pub status_label: Option<String>,
    /// A file of certificates (PEM) of authorities to trust for https, beside those that this machine trusts.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// How to show it.
    #[arg(long, value_enum, default_value = "auto")]
    pub ui: Ui,
    /// End after so many seconds; default: when you leave it.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub r#for: Option<u32>,
    #[command(flatten)]
    pub of: Of,
}
