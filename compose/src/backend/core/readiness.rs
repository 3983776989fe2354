//! Whether an instance is ready: services and balancers are asked over HTTP, servers of others in their own protocols.

use std::time::Duration;

use contract::Program;
use reqwest::StatusCode;
use url::Url;

use super::admin::shown;
use crate::servers::{self, SignOfLife};

/// Where the lab's own balancer says whether it is ready.
const BALANCER_READY: &str = "/_balancer/ready";
/// How long one question may stay unanswered.
const ASK_TIMEOUT: Duration = Duration::from_millis(500);

/// Why an instance is not ready.
pub(super) enum Unready {
    /// It said so.
    Answered(String),
    /// It said nothing.
    Silent(String),
}

/// What an instance that is being waited for has said so far.
#[derive(Default)]
pub(super) struct Heard {
    last_answer: Option<String>,
}

impl Heard {
    /// The reason to show. What the instance said itself tells more than that it is slow to say it again.
    pub(super) fn reason(&mut self, unready: Unready) -> String {
        match (unready, &self.last_answer) {
            (Unready::Answered(answer), _) => {
                self.last_answer = Some(answer.clone());
                answer
            }
            (Unready::Silent(reason), Some(answer)) => format!("{reason}; before that, {answer}"),
            (Unready::Silent(reason), None) => reason,
        }
    }
}

/// Asks an instance once whether it is ready.
pub(super) async fn ask(http: &reqwest::Client, program: Program, url: Option<Url>) -> Result<(), Unready> {
    let Some(url) = url else {
        return Err(Unready::Silent("does not listen".to_owned()));
    };
    let sign = servers::of(program).map(|server| (server.sign_of_life(), server.backing()));
    match sign {
        Some((SignOfLife::Ping(what), Some(backing))) => backing
            .ping(&url, ASK_TIMEOUT)
            .await
            .map_err(|reason| Unready::Silent(format!("{what}: {reason}"))),
        Some((SignOfLife::Http(path), _)) => ask_http(http, url, path).await,
        _ if program.is_balancer() => ask_http(http, url, BALANCER_READY).await,
        _ => ask_http(http, url, "/ready").await,
    }
}

async fn ask_http(http: &reqwest::Client, mut url: Url, path: &str) -> Result<(), Unready> {
    url.set_path(path);
    let response = http.get(url).timeout(ASK_TIMEOUT).send().await.map_err(|error| {
        let reason = if error.is_timeout() {
            "does not answer"
        } else {
            "takes no connection"
        };
        Unready::Silent(format!("{path} {reason}"))
    })?;
    match response.status() {
        StatusCode::OK => Ok(()),
        status => Err(Unready::Answered(format!(
            "{path} answers {status}{}",
            shown(response).await
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_remembered_when_silence_follows() {
        let mut heard = Heard::default();
        let silent = || Unready::Silent("/ready does not answer".to_owned());
        assert_eq!(heard.reason(silent()), "/ready does not answer");
        for answer in ["/ready answers 503", "/ready answers 500"] {
            assert_eq!(heard.reason(Unready::Answered(answer.to_owned())), answer);
        }
        assert_eq!(
            heard.reason(silent()),
            "/ready does not answer; before that, /ready answers 500"
        );
    }
}
