//! Those whose metrics are collected by a server that watches its system, as that server is told of them.

use std::fmt;
use std::str::FromStr;

use contract::{Program, ProgramKind};
use url::Url;

/// The variable with all of them: each a [`Scraped`], with commas between.
pub(crate) const SCRAPED: &str = "SCRAPED";

/// An instance that tells its metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scraped {
    /// Its name.
    pub(crate) instance: String,
    /// The alias of its service.
    pub(crate) service: String,
    /// What it is: `services`, `balancers` or `links`.
    pub(crate) job: String,
    /// Where its metrics are.
    pub(crate) url: Url,
}

impl Scraped {
    /// An instance at this address; `None` for one that tells no metrics.
    pub(crate) fn new(instance: &str, service: &str, program: Program, address: &Url) -> Option<Self> {
        let (job, path) = match program.kind() {
            ProgramKind::Server => return None,
            // Beside their other administration, out of the way of what they pass on.
            ProgramKind::Tool if program.is_balancer() => ("balancers", "/_balancer/metrics"),
            ProgramKind::Tool => ("links", "/metrics"),
            ProgramKind::Service => ("services", "/metrics"),
        };
        let mut url = address.clone();
        url.set_path(path);
        Some(Self {
            instance: instance.to_owned(),
            service: service.to_owned(),
            job: job.to_owned(),
            url,
        })
    }

    /// All of them, as the variable has them.
    pub(crate) fn list(all: impl IntoIterator<Item = Self>) -> String {
        let all: Vec<String> = all.into_iter().map(|scraped| scraped.to_string()).collect();
        all.join(",")
    }
}

impl fmt::Display for Scraped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            instance,
            service,
            job,
            url,
        } = self;
        write!(f, "{instance}={url} service={service} job={job}")
    }
}

impl FromStr for Scraped {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = || {
            let (instance, rest) = text.split_once('=')?;
            let (url, rest) = rest.split_once(" service=")?;
            let (service, job) = rest.split_once(" job=")?;
            Some((instance, url.parse().ok()?, service, job))
        };
        let (instance, url, service, job) =
            parts().ok_or_else(|| format!("{text:?} does not have the form NAME=URL service=NAME job=NAME"))?;
        Ok(Self {
            instance: instance.to_owned(),
            service: service.to_owned(),
            job: job.to_owned(),
            url,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let address = "http://127.0.0.1:8080".parse().unwrap();
        for (program, path) in [
            (Program::Users, "/metrics"),
            (Program::Balancer, "/_balancer/metrics"),
            (Program::Link, "/metrics"),
        ] {
            let scraped = Scraped::new("users-1", "users", program, &address).unwrap();
            assert_eq!(scraped.url.path(), path);
            assert_eq!(scraped.to_string().parse(), Ok(scraped));
        }
        assert_eq!(Scraped::new("redis-1", "redis", Program::Redis, &address), None);
    }

    #[test]
    fn what_is_not_written_so_is_refused_with_the_form() {
        for wrong in [
            "",
            "users-1",
            "users-1=here service=users job=services",
            "users-1=http://a:1",
        ] {
            let error = wrong.parse::<Scraped>().unwrap_err();
            assert!(error.contains("NAME=URL"), "{error}");
        }
    }
}
