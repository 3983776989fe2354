//! CloudEvents 1.0 in its JSON format (<https://github.com/cloudevents/spec>).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use super::domain::{DomainEvent, Payload};

/// The version of CloudEvents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SpecVersion {
    /// 1.0
    #[default]
    #[serde(rename = "1.0")]
    V1,
}

/// How the data is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ContentType {
    /// JSON.
    #[default]
    #[serde(rename = "application/json")]
    Json,
}

/// An event: what happened, to what, when, and who says so. Attributes that this version does not know are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Envelope<D> {
    /// The version of CloudEvents.
    pub specversion: SpecVersion,
    /// Tells this event from all others, however often it is delivered.
    pub id: String,
    /// The service that says so.
    pub source: String,
    /// The type of the data, version included.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it happened to: the key that keeps events in order.
    pub subject: String,
    /// When it happened.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub time: OffsetDateTime,
    /// How the data is written.
    #[serde(default)]
    pub datacontenttype: ContentType,
    /// The payload.
    pub data: D,
}

impl<P: Payload> Envelope<P> {
    /// An event of this payload.
    pub fn new(id: impl Into<String>, source: impl Into<String>, time: OffsetDateTime, data: P) -> Self {
        Self {
            specversion: SpecVersion::V1,
            id: id.into(),
            source: source.into(),
            kind: P::TYPE.to_owned(),
            subject: data.subject(),
            time,
            datacontenttype: ContentType::Json,
            data,
        }
    }
}

impl Envelope<Value> {
    /// Reads the payload; `None` when this version does not know its type.
    ///
    /// # Errors
    /// When the data is not what its type promises.
    pub fn typed(self) -> Result<Option<Envelope<DomainEvent>>, serde_json::Error> {
        let Some(data) = DomainEvent::read(&self.kind, self.data)? else {
            return Ok(None);
        };
        Ok(Some(Envelope {
            specversion: self.specversion,
            id: self.id,
            source: self.source,
            kind: self.kind,
            subject: self.subject,
            time: self.time,
            datacontenttype: self.datacontenttype,
            data,
        }))
    }
}
