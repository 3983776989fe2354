//! What a scenario needs and a machine may lack.

use std::borrow::Cow;
use std::sync::LazyLock;

use compose::Capability;
use compose::servers::{self, Server};
use contract::Program;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

/// A thing that a scenario needs and a machine may lack. Written and read as its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A server of others; a stand-in of the lab will do, where it has one.
    Server(Program),
    /// A Kafka broker that keeps what it was given when it is started again, and knows transactions: a real one.
    DurableKafka,
    /// A backend that runs each instance in a container.
    Containers,
}

/// What scenarios wrote for containers when only one backend had them.
const CONTAINERS_BEFORE: &str = "docker";

static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| Need::all().map(Need::name).collect());

impl Need {
    /// Everything that can be needed: each server that the lab knows, and what is no server or more than one.
    pub fn all() -> impl Iterator<Item = Self> {
        let servers = servers::ALL.into_iter().map(|server| Self::Server(server.program()));
        servers.chain([Self::DurableKafka, Self::Containers])
    }

    /// The name as written in a scenario.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server(program) => program.as_str(),
            Self::DurableKafka => "durable_kafka",
            Self::Containers => "containers",
        }
    }

    /// What a backend has to be able to do for it.
    #[must_use]
    pub const fn capabilities(self) -> &'static [Capability] {
        match self {
            Self::Server(_) | Self::DurableKafka => &[],
            Self::Containers => &[Capability::Limits, Capability::Disconnect],
        }
    }

    fn description(self) -> String {
        match self {
            Self::Server(program) => {
                let name = servers::of(program).map_or(program.as_str(), Server::name);
                format!("A server of others: {name}, or the lab's stand-in for it, if there is one.")
            }
            Self::DurableKafka => "A Kafka broker that keeps what it was given when it is started again, and knows \
                                   transactions: a real one."
                .to_owned(),
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
