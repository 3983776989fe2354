//! Who is watched: the instances of a system of the lab, or addresses.

use std::sync::Arc;

use compose::{Role, System, SystemSpec};
use scenarios::event::InstanceState;
use url::Url;

use crate::failure::Failure;

/// The service that bare addresses belong to.
const SERVICE: &str = "watched";

/// One address that is asked.
#[derive(Debug, Clone)]
pub struct Target {
    /// What it is called.
    pub name: String,
    /// The service that it belongs to.
    pub service: String,
    /// Its metrics.
    pub url: Url,
    /// What is known of its state from elsewhere.
    pub state: Option<InstanceState>,
    /// Whether its requests are what is looked at: those of the system's front door, not what it asks others for.
    pub counts: bool,
}

/// Where targets come from.
pub enum Targets {
    /// A running system, whose instances come and go.
    System(Arc<dyn System>),
    /// These.
    Addresses(Vec<Url>),
}

impl Targets {
    /// The targets as they are now.
    ///
    /// # Errors
    /// When an address cannot be one of metrics.
    pub async fn now(&self) -> Result<Vec<Target>, Failure> {
        match self {
            Self::System(system) => Ok(instances(system.as_ref()).await),
            Self::Addresses(urls) => urls.iter().map(address).collect(),
        }
    }

    /// The system as the displays know it.
    pub fn system(&self) -> SystemSpec {
        match self {
            Self::System(system) => system.spec(),
            Self::Addresses(urls) => SystemSpec {
                name: match urls.as_slice() {
                    [one] => one.to_string(),
                    several => format!("these {} instances", several.len()),
                },
                services: Vec::new(),
                entry: SERVICE.to_owned(),
                links: Vec::new(),
            },
        }
    }
}

async fn instances(system: &dyn System) -> Vec<Target> {
    let entry = system.spec().entry;
    system
        .instances()
        .await
        .into_iter()
        .filter(|instance| instance.role == Role::Instance)
        .filter_map(|instance| {
            let url = instance
                .url
                .filter(|url| url.scheme() == "http")?
                .join("/metrics")
                .ok()?;
            let state = match instance.state {
                compose::InstanceState::Starting => InstanceState::Starting,
                compose::InstanceState::Ready => InstanceState::Ready,
                compose::InstanceState::Paused => InstanceState::Paused,
                compose::InstanceState::Exited { .. } | compose::InstanceState::Killed => InstanceState::Dead,
            };
            Some(Target {
                counts: instance.service == entry,
                name: instance.name,
                service: instance.service,
                url,
                state: Some(state),
            })
        })
        .collect()
}

fn address(url: &Url) -> Result<Target, Failure> {
    let host = url
        .host_str()
        .filter(|_| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| {
            Failure::usage(format!("{url} is no address of metrics"))
                .hint("write it as http://HOST:PORT/metrics; without one, lab watch shows the system that is up")
        })?;
    let mut at = url.clone();
    if at.path() == "/" {
        at.set_path("/metrics");
    }
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    Ok(Target {
        name: format!("{host}{port}"),
        service: SERVICE.to_owned(),
        url: at,
        state: None,
        counts: true,
    })
}
