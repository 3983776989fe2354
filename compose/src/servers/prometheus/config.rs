//! The configuration of a Prometheus: whom it asks for metrics, how often, and what it calls them
//! (<https://prometheus.io/docs/prometheus/latest/configuration/configuration/>).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::scraped::{SCRAPED, Scraped};
use crate::wiring::Environment;
use crate::yaml;

/// How often each is asked. Runs are short, and what is asked is small.
const EVERY: &str = "1s";

/// The configuration that an instance's environment asks for.
///
/// # Errors
/// When one of those to ask is not written as it should be, as the end of a sentence.
pub(super) fn render(environment: &Environment) -> Result<String, String> {
    let text = environment.get(SCRAPED).map_or("", String::as_str);
    let mut jobs: BTreeMap<String, Vec<Scraped>> = BTreeMap::new();
    for entry in text.split(',').filter(|entry| !entry.is_empty()) {
        let scraped: Scraped = entry.parse()?;
        jobs.entry(scraped.job.clone()).or_default().push(scraped);
    }
    let jobs: Vec<Value> = jobs.iter().map(|(name, scraped)| job(name, scraped)).collect();
    Ok(yaml::document(&json!({
        "global": { "scrape_interval": EVERY, "scrape_timeout": EVERY },
        "scrape_configs": jobs,
    })))
}

/// All of one job have their metrics at the same path.
fn job(name: &str, scraped: &[Scraped]) -> Value {
    let target = |scraped: &Scraped| {
        json!({
            "targets": [scraped.url.authority()],
            "labels": { "instance": scraped.instance, "service": scraped.service },
        })
    };
    json!({
        "job_name": name,
        "metrics_path": scraped.first().map(|scraped| scraped.url.path()),
        "static_configs": scraped.iter().map(target).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use contract::Program;

    use super::*;

    fn told(scraped: &[(&str, &str, Program)]) -> Environment {
        let address = "http://127.0.0.1:8080".parse().unwrap();
        let scraped = scraped
            .iter()
            .filter_map(|(instance, service, program)| Scraped::new(instance, service, *program, &address));
        Environment::from([(SCRAPED.to_owned(), Scraped::list(scraped))])
    }

    #[test]
    fn every_instance_is_asked_under_its_own_name() {
        let told = told(&[
            ("users-1", "users", Program::Users),
            ("users-2", "users", Program::Users),
            ("users-balancer", "users", Program::Balancer),
        ]);
        let read: Value = serde_yaml_ng::from_str(&render(&told).unwrap()).unwrap();
        let target = |instance: &str| {
            json!({
                "targets": ["127.0.0.1:8080"],
                "labels": { "instance": instance, "service": "users" },
            })
        };
        let expected = json!([
            {
                "job_name": "balancers",
                "metrics_path": "/_balancer/metrics",
                "static_configs": [target("users-balancer")],
            },
            {
                "job_name": "services",
                "metrics_path": "/metrics",
                "static_configs": [target("users-1"), target("users-2")],
            },
        ]);
        assert_eq!(read["scrape_configs"], expected);
    }

    #[test]
    fn nobody_to_ask_is_no_mistake_and_a_wrong_entry_is() {
        let nobody = render(&Environment::new()).unwrap();
        assert!(nobody.contains("scrape_configs: []"), "{nobody}");
        let wrong = Environment::from([(SCRAPED.to_owned(), "users-1".to_owned())]);
        assert!(render(&wrong).unwrap_err().contains("users-1"));
    }
}
