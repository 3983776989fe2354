//! Asking a program for its metrics.

use compose::http::{self, AnswerError};
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use reqwest::{Response, StatusCode};
use thiserror::Error;

use super::Target;
use crate::text::visible;

/// What is understood, the better first; as Prometheus asks, without its binary format.
const FORMATS: &str = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// Why a target could not be read, as the end of a sentence that begins with its name.
#[derive(Debug, Error)]
pub enum Trouble {
    /// There is no answer.
    #[error("cannot be asked, nobody answers: {0}")]
    Silent(String),
    /// It is not who it should be, as far as anybody here trusts.
    #[error("is not trusted: {0}; --ca FILE names an authority to trust")]
    Stranger(String),
    /// It refuses, or has nothing there.
    #[error("answers {status}{}", advice(*.status, .location.as_deref()))]
    Refused {
        /// The status.
        status: StatusCode,
        /// Where it points to.
        location: Option<String>,
    },
    /// It answers with something else.
    #[error("answers with {0}, which is not metrics in text form")]
    OtherType(String),
    /// The answer could not be read to its end.
    #[error("cannot be read: {0}")]
    Broken(#[from] AnswerError),
    /// It has metrics, but not those that are looked for.
    #[error("cannot be watched: {0}")]
    Unfit(String),
}

/// The text of a target's metrics.
///
/// # Errors
/// Why there is none.
pub async fn ask(client: &reqwest::Client, target: &Target) -> Result<String, Trouble> {
    // User and password of the address are sent as it is usual; nothing ever shows them.
    let request = client.get(target.url.clone()).header(ACCEPT, FORMATS);
    let answer = request.send().await.map_err(|error| silence(&http::reason(&error)))?;
    if !answer.status().is_success() {
        return Err(Trouble::Refused {
            status: answer.status(),
            location: header(&answer, &LOCATION),
        });
    }
    match header(&answer, &CONTENT_TYPE) {
        Some(kind) if !is_text(&kind) => Err(Trouble::OtherType(kind)),
        _ => Ok(http::text(answer).await?),
    }
}

/// Why there is no answer.
fn silence(reason: &str) -> Trouble {
    if reason.contains("certificate") {
        Trouble::Stranger(reason.to_owned())
    } else {
        Trouble::Silent(reason.to_owned())
    }
}

fn header(answer: &Response, name: &reqwest::header::HeaderName) -> Option<String> {
    let value = answer.headers().get(name)?;
    Some(visible(&String::from_utf8_lossy(value.as_bytes())).into_owned())
}

/// Whether metrics may be in an answer of this type; many servers say the wrong text, or none.
fn is_text(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let text = kind.starts_with("text/") && kind != "text/html";
    text || kind.is_empty()
        || matches!(
            kind.as_str(),
            "application/openmetrics-text" | "application/octet-stream"
        )
}

fn advice(status: StatusCode, location: Option<&str>) -> String {
    match (status, location) {
        (StatusCode::UNAUTHORIZED, _) => ": write the address as http://USER:PASSWORD@HOST:PORT/PATH".to_owned(),
        (StatusCode::NOT_FOUND, _) => ": its metrics are at another path".to_owned(),
        (status, Some(location)) if status.is_redirection() => {
            format!(" and points to {}: watch that address", contract::redact(location))
        }
        _ => String::new(),
    }
}
