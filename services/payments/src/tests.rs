//! The service as its clients see it.

mod accounts;
mod charges;

use axum::Router;
use chassis::testing::{Answer, send_with, settings};
use contract::{Program, Step, StepKind};
use http::Method;
use serde_json::Value;
use tempfile::TempDir;

use crate::{app, open};

/// Several instances that share one database.
struct Bank {
    instances: Vec<Router>,
    _folder: TempDir,
}

impl Bank {
    /// As many instances, each with these variables.
    async fn new(instances: usize, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/payments.db", folder.path().display());
        let settings = settings(Program::Payments, variables);
        let mut routers = Vec::new();
        for _ in 0..instances {
            routers.push(app(&settings, open(&url).await.unwrap()).unwrap());
        }
        Self {
            instances: routers,
            _folder: folder,
        }
    }

    /// The same request by as many clients at once, spread over the instances.
    async fn rush(&self, clients: usize, path: &str, strategy: &'static str, body: &Value) -> Vec<Answer> {
        let asking: Vec<_> = (0..clients)
            .map(|client| {
                let router = self.instances[client % self.instances.len()].clone();
                let (path, body) = (path.to_owned(), body.clone());
                let headers = [("x-strategy", strategy), ("x-steps", "1")];
                tokio::spawn(async move { send_with(&router, Method::POST, &path, &headers, &body).await })
            })
            .collect();
        let mut answers = Vec::new();
        for asked in asking {
            answers.push(asked.await.unwrap());
        }
        answers
    }
}

/// How many answers have this status.
fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

fn kinds(answer: &Answer) -> Vec<StepKind> {
    let steps: Vec<Step> =
        serde_json::from_value(answer.json()["steps"].clone()).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
    steps.iter().map(|step| step.what).collect()
}
