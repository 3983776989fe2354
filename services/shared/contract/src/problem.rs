//! The one shape of every error answer.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Step;

/// A problem document (RFC 9457), sent as `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind of problem it is: a URI, or `about:blank` when the status says it all.
    #[serde(rename = "type", default = "about_blank")]
    pub kind: Cow<'static, str>,
    /// Short name of the kind; the same for every occurrence.
    #[serde(default)]
    pub title: Cow<'static, str>,
    /// HTTP status.
    pub status: u16,
    /// What happened this time, and what to do about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The single causes, when there are several: missing dependencies, say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// Trace that this happened in, in hexadecimal; the log lines carry the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// What the request had done until then; absent unless it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<Step>>,
}

const fn about_blank() -> Cow<'static, str> {
    Cow::Borrowed("about:blank")
}

impl Problem {
    /// Media type of a problem document.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    /// A problem that its status describes; `title` should be the status' own phrase.
    #[must_use]
    pub fn new(status: u16, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: about_blank(),
            title: Cow::Borrowed(title),
            status,
            detail: detail.into(),
            causes: Vec::new(),
            trace_id: None,
            steps: None,
        }
    }

    /// The same problem with a kind of its own, such as `urn:lab:out-of-stock`.
    #[must_use]
    pub fn with_kind(mut self, kind: &'static str) -> Self {
        self.kind = Cow::Borrowed(kind);
        self
    }

    /// The same problem with its single causes.
    #[must_use]
    pub fn with_causes(mut self, causes: Vec<String>) -> Self {
        self.causes = causes;
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status, self.title, self.detail)
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::Problem;

    #[test]
    fn has_the_members_of_rfc_9457() {
        let problem = Problem::new(409, "Conflict", "2 left, 3 asked").with_kind("urn:lab:out-of-stock");
        let value = serde_json::to_value(&problem).unwrap();
        assert_eq!(
            value,
            serde_json::json!({
                "type": "urn:lab:out-of-stock", "title": "Conflict", "status": 409, "detail": "2 left, 3 asked"
            })
        );
        assert_eq!(serde_json::from_value::<Problem>(value).unwrap(), problem);
    }

    #[test]
    fn reads_a_foreign_document_that_has_a_status_only() {
        let problem: Problem = serde_json::from_str(r#"{"status":503}"#).unwrap();
        assert_eq!((problem.kind.as_ref(), problem.status), ("about:blank", 503));
    }
}
