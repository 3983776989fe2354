//! What a scenario needs and a machine may lack.

use std::borrow::Cow;
use std::sync::LazyLock;

use compose::Capability;
use compose::servers::{self, Durable, Server};
use contract::Program;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

/// A thing that a scenario needs and a machine may lack. Written and read as its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A server of others; a stand-in of the lab will do, where it has one.
    Server(Program),
    /// The kind of a server of others that does more than the lab's stand-in for it.
    Durable(Program),
    /// A backend that runs each instance in a container.
    Containers,
}

/// A kind of a server that the lab has no stand-in for.
fn durable(program: Program) -> Option<&'static Durable> {
    servers::of(program).and_then(Server::durable)
}

/// What scenarios wrote for containers when only one backend had them.
const CONTAINERS_BEFORE: &str = "docker";

static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| Need::all().map(Need::name).collect());

impl Need {
    /// Everything that can be needed: each server that the lab knows, and what is no server or more than one.
    pub fn all() -> impl Iterator<Item = Self> {
        let servers = servers::ALL.into_iter().map(|server| Self::Server(server.program()));
        let kinds = servers::ALL.into_iter().filter(|server| server.durable().is_some());
        servers
            .chain(kinds.map(|server| Self::Durable(server.program())))
            .chain([Self::Containers])
    }

    /// The name as written in a scenario.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Server(program) => program.as_str(),
            Self::Durable(program) => durable(program).map_or(program.as_str(), |kind| kind.need),
            Self::Containers => "containers",
        }
    }

    /// What people call it, within a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Server(program) => servers::of(program).map_or(program.as_str(), Server::name),
            Self::Durable(program) => durable(program).map_or(program.as_str(), |kind| kind.name),
            Self::Containers => self.name(),
        }
    }

    /// The server that is needed.
    #[must_use]
    pub const fn server(self) -> Option<Program> {
        match self {
            Self::Server(program) | Self::Durable(program) => Some(program),
            Self::Containers => None,
        }
    }

    /// What an instance of that server is told so that it is the one that is needed: a variable and its value.
    #[must_use]
    pub fn told(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Durable(program) => durable(program).map(|kind| kind.told),
            Self::Server(_) | Self::Containers => None,
        }
    }

    /// What a backend has to be able to do for it.
    #[must_use]
    pub const fn capabilities(self) -> &'static [Capability] {
        match self {
            Self::Server(_) | Self::Durable(_) => &[],
            Self::Containers => &[Capability::Limits, Capability::Disconnect],
        }
    }

    fn description(self) -> String {
        match self {
            Self::Server(_) => {
                let name = self.words();
                format!("A server of others: {name}, or the lab's stand-in for it, if there is one.")
            }
            Self::Durable(program) => durable(program).map_or("", |kind| kind.description).to_owned(),
            Self::Containers => {
                "Containers: a backend that can limit an instance and take it off the network.".to_owned()
            }
        }
    }
}

impl Serialize for Need {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Need {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        let before = (name == CONTAINERS_BEFORE).then_some(Self::Containers);
        let known = Self::all().find(|need| need.name() == name).or(before);
        known.ok_or_else(|| Error::unknown_variant(&name, &NAMES))
    }
}

impl JsonSchema for Need {
    fn schema_name() -> Cow<'static, str> {
        "Need".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = |need: Self| {
            json_schema!({
                "description": need.description(),
                "type": "string",
                "const": need.name()
            })
        };
        json_schema!({
            "description": "A thing that a scenario needs and a machine may lack.",
            "oneOf": Self::all().map(one).collect::<Vec<_>>()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_need_is_read_back_from_its_name() {
        for need in Need::all() {
            let written = serde_json::to_value(need).unwrap();
            assert_eq!(written, need.name());
            assert_eq!(serde_json::from_value::<Need>(written).unwrap(), need);
        }
    }

    #[test]
    fn containers_are_read_by_the_name_that_they_had_before() {
        let read = serde_json::from_value::<Need>("docker".into()).unwrap();
        assert_eq!((read, read.name()), (Need::Containers, "containers"));
        assert!(!read.capabilities().is_empty());
    }

    #[test]
    fn every_server_can_be_needed_and_a_service_cannot() {
        for program in Program::ALL {
            let read = serde_json::from_value::<Need>(program.as_str().into());
            assert_eq!(read.is_ok(), program.is_server(), "{program}");
        }
        let error = serde_json::from_value::<Need>("users".into()).unwrap_err().to_string();
        assert!(
            error.contains("`redis`") && error.contains("`durable_kafka`"),
            "{error}"
        );
    }
}
