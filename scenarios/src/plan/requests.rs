//! Requests with their places filled, and that they can be sent: what a scenario asks must not be found out by the first
//! request.

use std::collections::BTreeMap;

use compose::servers::SignOfLife;
use contract::Program;
use serde::{Deserialize, Serialize};

use super::resolve::Resolver;
use crate::format::{Ask, Document, Place, Problem, RequestSection};

/// The most keys that requests may be spread over: each is a message that the generator holds ready.
const KEYS_MAX: f64 = 100_000.0;
/// The most bytes of messages that one stream holds ready.
const MESSAGES_MAX: usize = 32 * 1024 * 1024;
/// The longest path and query: servers refuse longer ones.
const PATH_MAX: usize = 4_000;
/// The longest headers, names and values together.
const HEADERS_MAX: usize = 8_000;

/// Places that are filled for each operation of a client.
pub(super) const PER_OPERATION: [&str; 2] = ["client", "wave"];

/// A request with its places filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestSpec {
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// JSON body.
    pub json: Option<String>,
    /// Further headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Number of keys, one of which is drawn for each request and filled in for `{key}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<u32>,
}

/// The request of a load or a search.
pub(super) fn of_load(request: &RequestSection, resolver: &Resolver) -> Result<RequestSpec, Problem> {
    let keys = request.keys.as_ref();
    let keys = keys.map(|keys| resolver.number_in(keys, 1.0, KEYS_MAX, "the number of keys"));
    let later: &[&str] = if keys.is_some() { &["key"] } else { &[] };
    let spec = RequestSpec {
        method: request.method.clone(),
        path: resolver.fill_keeping(&request.path, later)?,
        json: request.json.as_ref().map(ToString::to_string),
        headers: resolver.fill_all(&request.headers, later)?,
        keys: keys.transpose()?.map(|keys| keys as u32),
    };
    check(&spec, &request.path, request.json.as_ref(), later)?;
    Ok(spec)
}

/// The request of clients.
pub(super) fn of_clients(ask: &Ask, resolver: &Resolver) -> Result<RequestSpec, Problem> {
    let later = &PER_OPERATION;
    let spec = RequestSpec {
        method: ask.method.clone(),
        path: resolver.fill_keeping(&ask.path, later)?,
        json: ask.json.as_ref().map(|json| resolver.fill_known(json)),
        headers: resolver.fill_all(&ask.headers, later)?,
        keys: None,
    };
    check(&spec, &ask.path, ask.json.as_ref(), later)?;
    Ok(spec)
}

/// The path of something that is asked without a body, with its places filled.
pub(super) fn path(method: &str, path: &Place, later: &[&str], resolver: &Resolver) -> Result<String, Problem> {
    let spec = RequestSpec {
        method: method.to_owned(),
        path: resolver.fill_keeping(path, later)?,
        json: None,
        headers: BTreeMap::new(),
        keys: None,
    };
    check(&spec, path, None, later)?;
    Ok(spec.path)
}

/// The service that is asked: this one, or the entry.
pub(super) fn asked(service: Option<&Place>, document: &Document) -> Result<String, Problem> {
    let service = service.unwrap_or(&document.system.entry);
    answers_http(service, document)?;
    Ok(service.to_string())
}

/// Refuses to ask a server of others that speaks no HTTP.
pub(super) fn answers_http(service: &Place, document: &Document) -> Result<(), Problem> {
    let known = document.system.services.iter().map(|service| service.name.as_str());
    let program = service.as_str().parse::<Program>().ok();
    let is_mute = |program: &Program| {
        let server = compose::servers::of(*program);
        server.is_some_and(|server| !matches!(server.sign_of_life(), SignOfLife::Http(_)))
    };
    match program.filter(is_mute) {
        None => Ok(()),
        Some(program) => Err(Problem::at(
            service.span(),
            format!("`{service}` is a {program} server and answers no HTTP requests"),
        )
        .hint(format!(
            "ask one of {}",
            known
                .filter(|name| *name != service.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        ))),
    }
}

/// Refuses what could not be sent, or would be too much to hold ready.
fn check(spec: &RequestSpec, path: &Place, json: Option<&Place>, later: &[&str]) -> Result<(), Problem> {
    let at = |message: String| Problem::at(path.span(), message);
    load::Request::from(spec)
        .check()
        .map_err(|bad| at(format!("{} is {:?}", bad.what, bad.value)).hint(bad.hint))?;
    let headers: usize = spec.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    for (what, length, max) in [
        ("the path", spec.path.len(), PATH_MAX),
        ("the headers", headers, HEADERS_MAX),
    ] {
        if length > max {
            return Err(at(format!("{what}: {length} bytes, and at most {max} are sent")));
        }
    }
    let body = spec.json.as_deref().unwrap_or_default();
    let messages = (spec.path.len() + headers + body.len()).saturating_mul(spec.keys.unwrap_or(1) as usize);
    if messages > MESSAGES_MAX {
        return Err(at(format!(
            "a message for each key makes {messages} bytes, and at most {MESSAGES_MAX} are held ready"
        ))
        .hint("give fewer keys, or a shorter request"));
    }
    let Some(json) = json else { return Ok(()) };
    let filled = later
        .iter()
        .fold(body.to_owned(), |text, name| text.replace(&format!("{{{name}}}"), "1"));
    match serde_json::from_str::<serde::de::IgnoredAny>(&filled) {
        Ok(_) => Ok(()),
        Err(error) => Err(Problem::at(json.span(), format!("the body is not JSON: {error}"))),
    }
}

impl From<&RequestSpec> for load::Request {
    fn from(spec: &RequestSpec) -> Self {
        let json = ("content-type".to_owned(), "application/json".to_owned());
        let own = spec.headers.iter().map(|(name, value)| (name.clone(), value.clone()));
        Self {
            method: spec.method.clone(),
            path: spec.path.clone(),
            headers: spec.json.iter().map(|_| json.clone()).chain(own).collect(),
            body: spec.json.clone(),
            keys: spec.keys,
        }
    }
}
