//! Reads, beside the load, what balancers and instances say of themselves: requests under way, and how late their event
//! loops are. An instance that does not answer says something, too.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use compose::{Instance, InstanceState, Role, System, http};
use contract::UpstreamStatus;
use futures_util::future::join_all;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;
use url::Url;

use super::scrape;
use crate::event::InstanceGauges;
use crate::prometheus::Exposition;

/// How often everybody is asked.
const EVERY: Duration = Duration::from_millis(500);
/// Who has not answered by then is silent.
const TIMEOUT: Duration = Duration::from_millis(350);
/// How old a standstill can be when its reading comes in, milliseconds: it ended after the reading before it was taken.
pub(super) const AGE_MAX_MS: u64 = 1_000;
/// Readings that may wait to be taken.
const QUEUE: usize = 4;

/// The readings of one system, until this is dropped.
pub(super) struct Gauges {
    readings: Receiver<Vec<InstanceGauges>>,
    task: JoinHandle<()>,
}

impl Gauges {
    /// Begins to ask.
    pub(super) fn watch(system: Arc<dyn System>) -> Self {
        let (sender, readings) = channel(QUEUE);
        let task = tokio::spawn(async move {
            let Ok(client) = http::client(TIMEOUT) else {
                return;
            };
            let mut tick = tokio::time::interval(EVERY);
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tick.tick().await;
                let reading = read(&client, &system.instances().await).await;
                if sender.send(reading).await.is_err() {
                    return;
                }
            }
        });
        Self { readings, task }
    }

    /// The next reading. Cancel-safe; pending for ever when there is nobody to ask.
    pub(super) async fn next(&mut self) -> Vec<InstanceGauges> {
        match self.readings.recv().await {
            Some(reading) => reading,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Gauges {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One reading, taken now.
pub(super) async fn read_once(system: &dyn System) -> Vec<InstanceGauges> {
    match http::client(TIMEOUT) {
        Ok(client) => read(&client, &system.instances().await).await,
        Err(_) => Vec::new(),
    }
}

/// Who does not answer now, by name: instances that run, are not paused, and speak HTTP.
pub(super) async fn silent(system: &dyn System) -> Vec<String> {
    let instances = system.instances().await;
    let paused = |name: &str| {
        let mut all = instances.iter();
        all.any(|instance| instance.name == name && instance.state == InstanceState::Paused)
    };
    let all = read_once(system).await.into_iter();
    all.filter(|gauges| gauges.silent && !paused(&gauges.instance))
        .map(|gauges| gauges.instance)
        .collect()
}

/// One reading of all instances that run and speak HTTP.
async fn read(client: &reqwest::Client, instances: &[Instance]) -> Vec<InstanceGauges> {
    let asked = || instances.iter().filter(|instance| instance.state.is_running());
    let address = |instance: &Instance| instance.url.clone().filter(|url| url.scheme() == "http");
    let balancers = asked()
        .filter(|instance| instance.role == Role::Balancer)
        .filter_map(address)
        .map(|url| upstreams(client, url));
    let own = asked()
        .filter(|instance| instance.role == Role::Instance)
        .filter_map(|instance| Some((instance, address(instance)?)))
        .map(|(instance, url)| of_one(client, instance, url));
    let (balancers, mut own) = tokio::join!(join_all(balancers), join_all(own));
    for upstream in balancers.into_iter().flatten() {
        if let Some(gauges) = own.iter_mut().find(|gauges| gauges.instance == upstream.name) {
            gauges.in_flight = Some(upstream.in_flight);
        }
    }
    own
}

async fn upstreams(client: &reqwest::Client, url: Url) -> Vec<UpstreamStatus> {
    let Ok(url) = url.join("/_balancer/upstreams") else {
        return Vec::new();
    };
    match client.get(url).send().await {
        Ok(answer) => http::json(answer).await.unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}

async fn of_one(client: &reqwest::Client, instance: &Instance, url: Url) -> InstanceGauges {
    let mut gauges = InstanceGauges {
        instance: instance.name.clone(),
        in_flight: None,
        lag_ms: None,
        silent: true,
        standstill_ms: None,
        store_errors: BTreeMap::new(),
    };
    // A frozen one cannot answer, and a connection to it would only wait.
    if instance.state == InstanceState::Paused {
        return gauges;
    }
    if let Ok(text) = scrape::metrics(client, &url, TIMEOUT).await {
        gauges.silent = false;
        let exposed = Exposition::read(&text);
        gauges.lag_ms = exposed.value("event_loop_lag_worst_seconds").map(|s| s * 1000.0);
        // Counted in whole milliseconds.
        gauges.standstill_ms = exposed
            .value("process_standstill_seconds_total")
            .map(|s| (s * 1000.0).round());
        let of_store = exposed
            .samples
            .iter()
            .filter(|sample| sample.name == "store_errors_total");
        gauges.store_errors = of_store
            .filter_map(|sample| Some((sample.label("reason")?.to_owned(), sample.value as u64)))
            .collect();
        gauges.in_flight = scrape::in_flight(&exposed).ok();
    }
    gauges
}
