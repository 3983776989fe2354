//! The service as its clients see it.

mod accounts;
mod charges;

use axum::Router;
use chassis::testing::{Answer, rush, settings};
use contract::Program;
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
    async fn rush(&self, clients: usize, path: &str, strategy: &str, body: &Value) -> Vec<Answer> {
        let headers = [("x-strategy", strategy), ("x-steps", "1")];
        rush(&self.instances, clients, path, &headers, body).await
    }
}
