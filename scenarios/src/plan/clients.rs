//! Clients and laws with their numbers.

use compose::{SystemSpec, topology};
use history::invariants::{AnyInvariant, Numbers, Parameter};
use serde::{Deserialize, Serialize};

use super::requests::{self, PER_OPERATION, RequestSpec};
use super::resolve::{Resolver, SECONDS_MAX};
use crate::format::{Clients, Document, InvariantSection, Place, Problem, Quantity};

/// Most clients of a wave: each is a task with a connection of its own.
const COUNT_MAX: f64 = 1_000.0;
const WAVES_MAX: f64 = 10_000.0;
const RETRIES_MAX: f64 = 20.0;
/// Most operations of clients in a turn: each is kept until its history was judged.
const OPERATIONS_MAX: u32 = 200_000;

/// Clients with their numbers. `{client}` and `{wave}` are still to be filled in every text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClientsSpec {
    /// Class of their operations.
    pub class: String,
    /// Service whose front door they ask.
    pub service: String,
    /// The one instance that they ask instead.
    pub instance: Option<String>,
    /// What each is called.
    pub actor: String,
    /// How many act together.
    pub count: u32,
    /// How often.
    pub waves: u32,
    /// When the first wave begins, seconds.
    pub at_s: f64,
    /// What an operation is about.
    pub key: String,
    /// What is asked once before each wave.
    pub prepare: Option<RequestSpec>,
    /// What each client asks.
    pub request: RequestSpec,
    /// Seconds until an operation is unknown.
    pub timeout_s: f64,
    /// How often an operation without an answer is tried again.
    pub retries: u32,
    /// Fields of the answers whose numbers are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// What is read of each key at rest.
    #[serde(rename = "at_rest")]
    pub quiescent: Option<ReadingSpec>,
}

impl ClientsSpec {
    /// A text with its places filled for one operation.
    pub fn fill(text: &str, client: u32, wave: u32) -> String {
        text.replace("{client}", &client.to_string())
            .replace("{wave}", &wave.to_string())
    }

    /// The name of one of them: with a number when there are several.
    pub fn actor(&self, client: u32) -> String {
        if self.count > 1 {
            format!("{}-{client}", self.actor)
        } else {
            self.actor.clone()
        }
    }
}

/// What is read of each key at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingSpec {
    /// Path.
    pub path: String,
    /// Field of the answer; none: the number of its elements.
    pub field: Option<String>,
}

/// A law with its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InvariantSpec {
    /// Name in expressions.
    pub name: String,
    /// Which law.
    #[serde(rename = "law")]
    pub invariant: AnyInvariant,
    /// The class of operations that it is about.
    pub of: String,
    /// What the shared thing is called.
    pub resource: String,
    /// Its own numbers.
    #[serde(flatten)]
    pub numbers: Numbers,
}

pub(super) fn spec(
    clients: &Clients,
    document: &Document,
    system: &SystemSpec,
    resolver: &Resolver,
) -> Result<ClientsSpec, Problem> {
    let whole = |quantity: &Option<Quantity>, default: u32, min: f64, max: f64, what: &str| match quantity {
        Some(quantity) => resolver.number_in(quantity, min, max, what).map(|number| number as u32),
        None => Ok(default),
    };
    if let Some(instance) = &clients.instance {
        known_instance(instance, system)?;
    }
    let service = clients.service.as_ref().unwrap_or(&document.system.entry);
    requests::answers_http(service, document)?;
    let count = whole(&clients.count, 1, 1.0, COUNT_MAX, "the number of clients")?;
    let waves = whole(&clients.waves, 1, 1.0, WAVES_MAX, "the number of waves")?;
    if count * waves > OPERATIONS_MAX {
        return Err(Problem::at(
            clients.class.span(),
            format!("{count} clients in {waves} waves make more than {OPERATIONS_MAX} operations"),
        ));
    }
    Ok(ClientsSpec {
        class: clients.class.to_string(),
        service: service.to_string(),
        instance: clients.instance.as_ref().map(ToString::to_string),
        actor: clients.actor.clone(),
        count,
        waves,
        at_s: resolver.or(clients.at_s.as_ref(), 0.0, SECONDS_MAX, "the time")?,
        key: resolver.fill_keeping(&clients.key, &PER_OPERATION)?,
        prepare: clients
            .prepare
            .as_ref()
            .map(|ask| requests::of_clients(ask, resolver))
            .transpose()?,
        request: requests::of_clients(&clients.request, resolver)?,
        timeout_s: resolver.timeout_s(clients.timeout_s.as_ref())?,
        retries: whole(&clients.retries, 0, 0.0, RETRIES_MAX, "the number of retries")?,
        outputs: clients.outputs.clone(),
        quiescent: clients
            .quiescent
            .as_ref()
            .map(|reading| {
                Ok(ReadingSpec {
                    path: requests::path("GET", &reading.path, &PER_OPERATION, resolver)?,
                    field: reading.field.clone(),
                })
            })
            .transpose()?,
    })
}

fn known_instance(instance: &Place, system: &SystemSpec) -> Result<(), Problem> {
    let named = |service: &compose::ServiceSpec| {
        let (name, instances) = (service.name.clone(), service.instances);
        (1..=instances).map(move |index| topology::instance_name(&name, index))
    };
    let speaks_http = |service: &&compose::ServiceSpec| !service.service.is_server();
    let known: Vec<String> = system.services.iter().filter(speaks_http).flat_map(named).collect();
    if known.iter().any(|name| name == instance.as_str()) {
        return Ok(());
    }
    Err(
        Problem::at(instance.span(), format!("there is no instance `{instance}`"))
            .suggest(instance.as_str(), known.iter().map(String::as_str)),
    )
}

pub(super) fn invariant(law: &InvariantSection, resolver: &Resolver) -> Result<InvariantSpec, Problem> {
    let mut numbers = Numbers::new();
    for parameter in law.invariant.parameters() {
        let Parameter {
            name,
            meaning,
            min,
            max,
            default,
        } = *parameter;
        let number = match (law.numbers.get(name), default) {
            (Some(said), _) => resolver.number_in(said, min, max, &format!("`{name}`"))?,
            (None, Some(default)) => default,
            (None, None) => {
                let nothing = Problem::at(law.name.span(), format!("nothing says {meaning}"));
                return Err(nothing.hint(format!("add {name} = …")));
            }
        };
        numbers.insert(name.to_owned(), number);
    }
    Ok(InvariantSpec {
        name: law.name.to_string(),
        invariant: law.invariant,
        of: law.of.to_string(),
        resource: law.resource.clone(),
        numbers,
    })
}
