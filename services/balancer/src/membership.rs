//! The list of instances in a file, read again whenever it changes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::interval;

use crate::Balancer;
use crate::config::parse_upstreams;

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Follows the file for as long as it is polled. What cannot be read leaves the list as it is, and is told once.
pub async fn follow(balancer: Arc<Balancer>, path: PathBuf) {
    let mut looks = interval(LOOK_EVERY);
    let mut last: Option<Result<String, String>> = None;
    loop {
        looks.tick().await;
        let read = tokio::fs::read_to_string(&path)
            .await
            .map_err(|error| error.to_string());
        if last.as_ref() == Some(&read) {
            continue;
        }
        let listed = read.as_ref().map_err(Clone::clone).and_then(|text| {
            let entries: Vec<&str> = text
                .lines()
                .map(str::trim)
                .filter(|line| !line.starts_with('#'))
                .collect();
            parse_upstreams(&entries.join(",")).map_err(|error| error.to_string())
        });
        match listed {
            Ok(upstreams) => {
                balancer.replace_upstreams(&upstreams);
                tracing::info!(path = %path.display(), count = upstreams.len(), "upstream list read");
            }
            Err(error) => tracing::warn!(path = %path.display(), error, "the upstream list stays as it is"),
        }
        last = Some(read);
    }
}
