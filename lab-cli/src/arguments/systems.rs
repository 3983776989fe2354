//! What the commands of systems are given.

use clap::{Args, ValueEnum};

/// Which running system is meant.
#[derive(Debug, Clone, Args)]
pub struct Of {
    /// Id of the system, or its first characters; needed only when several run.
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
