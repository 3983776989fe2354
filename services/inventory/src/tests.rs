//! The service as its clients see it.

mod races;
mod seats;
mod stock;
mod trials;

use axum::Router;
use chassis::testing::{Answer, rush, send_with, settings};
use contract::Program;
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{app, open};

/// Several instances that share one database.
struct Shop {
    instances: Vec<Router>,
    _folder: TempDir,
}

impl Shop {
    /// As many instances, each with these variables.
    async fn new(instances: usize, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/inventory.db", folder.path().display());
        let settings = settings(Program::Inventory, variables);
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
    async fn rush(&self, clients: usize, path: &str, headers: &[(&str, &str)], body: &Value) -> Vec<Answer> {
        rush(&self.instances, clients, path, headers, body).await
    }

    async fn put_product(&self, id: i64, stock: i64) {
        let body = json!({"name": "Lamp", "price_cents": 250, "stock": stock});
        let answer = send_with(&self.instances[0], Method::PUT, &format!("/products/{id}"), &[], &body).await;
        assert!((200..=201).contains(&answer.status), "{answer:?}");
    }
}

fn kinds_of_problems(answers: &[Answer]) -> Vec<String> {
    let problems = answers.iter().filter(|answer| answer.status >= 400);
    let mut kinds: Vec<String> = problems
        .map(|problem| problem.json()["type"].as_str().unwrap().to_owned())
        .collect();
    kinds.sort();
    kinds
}
