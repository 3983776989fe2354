//! Who is watched: the instances of a system of the lab, or addresses.

use std::sync::Arc;

use compose::{Role, System, SystemSpec};
use contract::redact;
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
            Self::Addresses(urls) => addresses(urls),
        }
    }

    /// The backend that they run on; that of addresses nobody knows.
    pub fn backend(&self) -> &'static str {
        match self {
            Self::System(system) => system.backend(),
            Self::Addresses(_) => "none",
        }
    }

    /// The system as the displays know it.
    pub fn system(&self) -> SystemSpec {
        match self {
            Self::System(system) => system.spec(),
            Self::Addresses(urls) => SystemSpec {
                name: match urls.as_slice() {
                    [one] => redact(one.as_str()),
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

/// The targets at these addresses. Each has a name of its own, by which the displays tell it from the others: its host and
/// port, with its path where several share these, and a number where they share even that.
fn addresses(urls: &[Url]) -> Result<Vec<Target>, Failure> {
    let places = urls.iter().map(place).collect::<Result<Vec<Url>, Failure>>()?;
    let host = |url: &Url| {
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        format!("{}{port}", url.host_str().unwrap_or_default())
    };
    let whole = |url: &Url| {
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        // Names of a query's parts tell targets apart; values may be secret.
        redact(&format!("{}{}{query}", host(url), url.path()))
    };
    let unique =
        |name: &dyn Fn(&Url) -> String, url: &Url| places.iter().filter(|other| name(other) == name(url)).count() == 1;
    let mut targets = Vec::with_capacity(places.len());
    for (index, url) in places.iter().enumerate() {
        if let Some(before) = places[..index].iter().find(|before| *before == url) {
            return Err(Failure::usage(format!("{} is named twice", redact(before.as_str()))));
        }
        let name = if unique(&host, url) {
            host(url)
        } else if unique(&whole, url) {
            whole(url)
        } else {
            format!("{} #{}", whole(url), index + 1)
        };
        targets.push(Target {
            name,
            service: SERVICE.to_owned(),
            url: url.clone(),
            state: None,
            counts: true,
        });
    }
    Ok(targets)
}

/// Where metrics are read.
fn place(url: &Url) -> Result<Url, Failure> {
    let shown = || redact(url.as_str());
    match url.scheme() {
        "http" | "https" if url.host_str().is_some() => {}
        _ => {
            return Err(Failure::usage(format!("{} is not an address of metrics", shown()))
                .hint("write it as http://HOST:PORT/metrics; without one, lab watch shows the system that is up"));
        }
    }
    let mut at = url.clone();
    at.set_fragment(None);
    if at.path() == "/" {
        at.set_path("/metrics");
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(urls: &[&str]) -> Result<Vec<String>, Failure> {
        let urls: Vec<Url> = urls.iter().map(|url| url.parse().unwrap()).collect();
        Ok(addresses(&urls)?.into_iter().map(|target| target.name).collect())
    }

    #[test]
    fn nobody_says_what_addresses_run_on() {
        assert_eq!(Targets::Addresses(Vec::new()).backend(), "none");
    }

    #[test]
    fn every_target_has_a_name_of_its_own() {
        assert_eq!(names(&["http://a:1", "http://b/x"]).unwrap(), ["a:1", "b"]);
        assert_eq!(
            names(&["http://a:1/x", "http://a:1/y", "http://b"]).unwrap(),
            ["a:1/x", "a:1/y", "b"]
        );
        assert_eq!(
            names(&["http://a/m?pod=1", "http://a/m?pod=2", "http://u:s3cret@a/m"]).unwrap(),
            ["a/m?pod=*** #1", "a/m?pod=*** #2", "a/m"]
        );
        let twice = names(&["http://u:s3cret@a/", "http://u:s3cret@a/metrics"]).unwrap_err();
        assert!(twice.words().contains("named twice") && !twice.words().contains("s3cret"));
    }

    #[test]
    fn what_cannot_be_asked_is_said_without_its_secrets() {
        let words = names(&["ftp://u:s3cret@x"]).unwrap_err().words();
        assert!(
            words.contains("not an address of metrics") && !words.contains("s3cret"),
            "{words}"
        );
    }
}
