//! Which engine is the user's: said by `DOCKER_HOST`, else by a context of Docker's own command line, as that does it
//! (<https://docs.docker.com/engine/manage-resources/contexts/>).

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use contract::json;
use serde::Deserialize;

/// The context that stands for the usual socket.
const DEFAULT: &str = "default";
const SOCKET: &str = "unix:///var/run/docker.sock";

/// What is looked at to find the user's engine.
#[derive(Clone, Debug, Default)]
pub(super) struct Lookup {
    /// `DOCKER_HOST`.
    pub(super) host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub(super) context: Option<String>,
    /// The folder of Docker's own settings: `DOCKER_CONFIG`, else `.docker` in the user's home.
    pub(super) settings: Option<PathBuf>,
}

/// Where an engine is, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The address, or a name for it where there is none.
    pub(super) address: String,
    /// Who says that, such as `docker context colima`; nobody for the usual socket.
    pub(super) said_by: Option<String>,
    /// Why there is no address.
    pub(super) problem: Option<String>,
}

#[derive(Deserialize)]
struct Settings {
    #[serde(rename = "currentContext", default)]
    current_context: String,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "Endpoints", default)]
    endpoints: Endpoints,
}

#[derive(Default, Deserialize)]
struct Endpoints {
    docker: Option<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    #[serde(rename = "Host", default)]
    host: String,
}

impl Lookup {
    pub(super) fn of_process() -> Self {
        let said = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let folder = |name: &str| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        Self {
            host: said("DOCKER_HOST"),
            context: said("DOCKER_CONTEXT"),
            settings: folder("DOCKER_CONFIG").or_else(|| folder("HOME").map(|home| home.join(".docker"))),
        }
    }

    /// The engine that Docker's own command line would use.
    pub(super) fn find(&self) -> Found {
        if let Some(host) = &self.host {
            return Found {
                address: host.trim().to_owned(),
                said_by: Some("DOCKER_HOST".to_owned()),
                problem: None,
            };
        }
        let chosen = match &self.context {
            Some(name) => Ok(Some((name.clone(), "DOCKER_CONTEXT"))),
            None => self.current().map(|name| Some((name?, "docker context use"))),
        };
        let (name, by) = match chosen {
            Ok(Some(chosen)) => chosen,
            Ok(None) => return usual(),
            Err(problem) => {
                return Found {
                    address: "the address that Docker's settings choose".to_owned(),
                    said_by: None,
                    problem: Some(problem),
                };
            }
        };
        let name = name.trim();
        if name == DEFAULT {
            return usual();
        }
        let said_by = Some(format!("the context `{name}` of {by}"));
        match self.host_of(name) {
            Ok(address) => Found {
                address,
                said_by,
                problem: None,
            },
            Err(problem) => Found {
                address: format!("the context `{name}`"),
                said_by,
                problem: Some(problem),
            },
        }
    }

    /// The context that was chosen for good, if one was. Settings that cannot be read may choose another engine than the
    /// usual one, which nobody may take for it.
    fn current(&self) -> Result<Option<String>, String> {
        let Some(path) = self.settings.as_ref().map(|folder| folder.join("config.json")) else {
            return Ok(None);
        };
        let cannot = |reason: String| {
            format!(
                "{} cannot be read: {reason}; mend it, or set DOCKER_HOST",
                path.display()
            )
        };
        let text = match fs::read(&path) {
            Err(error) if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) => return Ok(None),
            text => text.map_err(|error| cannot(error.to_string()))?,
        };
        let settings: Settings = json::from_slice(&text).map_err(|error| cannot(error.to_string()))?;
        Ok(Some(settings.current_context).filter(|name| !name.trim().is_empty()))
    }

    /// The address that a context names. Each lies in a folder that is called by a digest of its name.
    fn host_of(&self, name: &str) -> Result<String, String> {
        let unknown = || {
            format!(
                "there is no such context; `docker context ls` lists them, `docker context use {DEFAULT}` leaves it"
            )
        };
        let folder = self.settings.as_ref().ok_or_else(unknown)?.join("contexts/meta");
        let entries = fs::read_dir(&folder).map_err(|_| unknown())?;
        let metas = entries
            .flatten()
            .filter_map(|entry| meta(&entry.path().join("meta.json")));
        let found = metas.into_iter().find(|meta| meta.name == name).ok_or_else(unknown)?;
        let host = found.endpoints.docker.map(|endpoint| endpoint.host).unwrap_or_default();
        match host.trim() {
            "" => Ok(SOCKET.to_owned()),
            host => Ok(host.to_owned()),
        }
    }
}

fn usual() -> Found {
    Found {
        address: SOCKET.to_owned(),
        said_by: None,
        problem: None,
    }
}

fn meta(file: &Path) -> Option<Meta> {
    json::from_slice(&fs::read(file).ok()?).ok()
}

/// The path of an engine's socket, or why the lab cannot use an engine at this address. Instances are published on the
/// engine's own 127.0.0.1, so only one of this machine is of use.
pub(super) fn socket_of(address: &str) -> Result<&str, String> {
    match address.split_once("://") {
        Some(("unix", path)) if path.starts_with('/') => Ok(path),
        Some(("unix", path)) => Err(format!("`{path}` is not an absolute path; write unix:///…")),
        Some(("tcp" | "http" | "https" | "ssh", _)) => {
            Err("it is reached over a network, and the lab uses an engine of this machine, at unix:///…".to_owned())
        }
        Some(("npipe", _)) => {
            Err("that is a pipe of Windows; the lab uses an engine of this machine, at unix:///…".to_owned())
        }
        Some(("fd", _)) => Err("that is where an engine listens, not where one is asked; write unix:///…".to_owned()),
        _ if address.starts_with('/') => Err(format!("write it with its kind: unix://{address}")),
        _ => Err("this kind of address is not known; the lab uses an engine of this machine, at unix:///…".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Settings with two contexts, of which `current` is chosen.
    fn settings(current: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("config.json"),
            format!("{{\"auths\":{{}},\"currentContext\":\"{current}\"}}"),
        )
        .unwrap();
        for (digest, name, host) in [("aa", "alt", "unix:///tmp/alt.sock"), ("bb", "far", "ssh://me@far")] {
            let meta = folder.path().join("contexts/meta").join(digest);
            fs::create_dir_all(&meta).unwrap();
            let text = format!(
                "{{\"Name\":\"{name}\",\"Metadata\":{{}},\"Endpoints\":{{\"docker\":{{\"Host\":\"{host}\",\"SkipTLSVerify\":false}}}}}}"
            );
            fs::write(meta.join("meta.json"), text).unwrap();
        }
        folder
    }

    #[test]
    fn the_engine_is_the_one_that_docker_itself_would_ask() {
        let (chosen, plain) = (settings("alt"), settings("default"));
        let lookup = |host: Option<&str>, context: Option<&str>, settings: &tempfile::TempDir| Lookup {
            host: host.map(str::to_owned),
            context: context.map(str::to_owned),
            settings: Some(settings.path().to_owned()),
        };
        let address = |host, context, settings| lookup(host, context, settings).find().address;
        assert_eq!(Lookup::default().find(), usual());
        assert_eq!(address(None, None, &plain), SOCKET);
        assert_eq!(address(None, None, &chosen), "unix:///tmp/alt.sock");
        assert_eq!(address(None, Some("default"), &chosen), SOCKET);
        assert_eq!(address(None, Some("alt"), &plain), "unix:///tmp/alt.sock");
        assert_eq!(address(Some("unix:///x.sock"), Some("alt"), &chosen), "unix:///x.sock");
        assert!(lookup(None, None, &chosen).find().said_by.unwrap().contains("`alt`"));
    }

    #[test]
    fn a_context_that_is_not_there_is_a_problem_and_not_another_engine() {
        let settings = settings("gone");
        let lookup = Lookup {
            settings: Some(settings.path().to_owned()),
            ..Lookup::default()
        };
        let found = lookup.find();
        assert!(found.problem.unwrap().contains("docker context ls"));
        assert_ne!(found.address, SOCKET);
    }

    #[test]
    fn settings_that_cannot_be_read_are_a_problem_and_not_another_engine() {
        let settings = settings("alt");
        for broken in ["{\"currentContext\": 3", "{\"currentContext\": 3}", "[]"] {
            fs::write(settings.path().join("config.json"), broken).unwrap();
            let lookup = Lookup {
                settings: Some(settings.path().to_owned()),
                ..Lookup::default()
            };
            let found = lookup.find();
            assert!(
                found.problem.unwrap().contains("config.json cannot be read"),
                "{broken}"
            );
            assert_ne!(found.address, SOCKET);
            let host = Some("unix:///x.sock".to_owned());
            assert_eq!(Lookup { host, ..lookup }.find().problem, None);
        }
    }

    #[test]
    fn every_kind_of_address_is_used_or_refused_in_words() {
        assert_eq!(socket_of("unix:///var/run/docker.sock"), Ok("/var/run/docker.sock"));
        for (address, word) in [
            ("tcp://10.0.0.1:2375", "of this machine"),
            ("ssh://host", "of this machine"),
            ("npipe:////./pipe/docker_engine", "Windows"),
            ("fd://", "listens"),
            ("unix://relative.sock", "absolute"),
            ("/var/run/docker.sock", "unix:///var/run/docker.sock"),
            ("nonsense", "not known"),
        ] {
            let refusal = socket_of(address).unwrap_err();
            assert!(refusal.contains(word), "{address}: {refusal}");
        }
    }
}
