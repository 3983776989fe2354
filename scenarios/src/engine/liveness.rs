//! Liveness probes, as an orchestrator such as Kubernetes makes them: an instance that fails some in a row is killed and started again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use compose::{Instance, Role, System, http};
use futures_util::future::join_all;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::revival::start_again;
use crate::plan::LivenessSpec;

/// The probes of one system, until they are ended.
pub(super) struct LivenessProbes {
    stop: CancellationToken,
    tasks: Vec<JoinHandle<usize>>,
}

impl LivenessProbes {
    /// Begins to probe.
    pub(super) fn begin(specs: &[LivenessSpec], system: &Arc<dyn System>) -> Self {
        let stop = CancellationToken::new();
        let tasks = specs
            .iter()
            .map(|spec| tokio::spawn(probe(spec.clone(), Arc::clone(system), stop.clone())))
            .collect();
        Self { stop, tasks }
    }

    /// Probes nobody from now on; gives how many were killed. A start that is under way comes to its end.
    pub(super) async fn end(self) -> usize {
        self.stop.cancel();
        // A panic in there has been told by the runtime.
        let killed = join_all(self.tasks).await;
        killed.into_iter().filter_map(Result::ok).sum()
    }
}

/// Probes the instances of a service until the end; gives how many were killed.
async fn probe(spec: LivenessSpec, system: Arc<dyn System>, stop: CancellationToken) -> usize {
    let every = Duration::from_secs_f64(spec.every_s);
    let Ok(client) = http::client(every) else { return 0 };
    let mut tick = interval(every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rows = Rows::new(spec.failures);
    let mut starting = JoinSet::new();
    let mut killed = 0;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            _ = tick.tick() => {}
        }
        while starting.try_join_next().is_some() {}
        let instances = system.instances().await;
        let probed = instances
            .iter()
            .filter_map(|instance| Some((instance, target(instance, &spec)?)));
        let client = &client;
        let asked = probed.map(|(instance, url)| async move { (&instance.name, is_alive(client, url).await) });
        for (instance, alive) in join_all(asked).await {
            if rows.has_died(instance, alive) && system.kill(instance).await.is_ok() {
                killed += 1;
                starting.spawn(start_again(Arc::clone(&system), instance.clone()));
            }
        }
    }
    starting.join_all().await;
    killed
}

/// Where an instance is asked; none for one of another service, and for one that does not run.
fn target(instance: &Instance, spec: &LivenessSpec) -> Option<Url> {
    let is_probed = instance.service == spec.service && instance.role == Role::Instance && instance.state.is_running();
    let url = instance.url.as_ref().filter(|_| is_probed)?;
    url.join(&spec.path).ok()
}

async fn is_alive(client: &reqwest::Client, url: Url) -> bool {
    let answer = client.get(url).send().await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

/// The failures in a row of each instance.
struct Rows {
    failures_max: u32,
    failures: BTreeMap<String, u32>,
}

impl Rows {
    fn new(failures_max: u32) -> Self {
        Self {
            failures_max,
            failures: BTreeMap::new(),
        }
    }

    /// Whether it counts as dead after this answer. Then its count begins anew.
    fn has_died(&mut self, instance: &str, alive: bool) -> bool {
        let row = self.failures.entry(instance.to_owned()).or_default();
        *row = if alive { 0 } else { *row + 1 };
        let died = *row >= self.failures_max;
        if died {
            *row = 0;
        }
        died
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failures_in_a_row_kill_and_each_instance_has_its_own() {
        let mut rows = Rows::new(3);
        let answers = [false, false, true, false, false, false, false, false, false, true];
        let died: Vec<bool> = answers.map(|alive| rows.has_died("a", alive)).into();
        let at: Vec<usize> = (0..died.len()).filter(|index| died[*index]).collect();
        assert_eq!(at, [5, 8]);
        assert!(!rows.has_died("b", false) && !rows.has_died("a", false) && !rows.has_died("b", false));
        assert!(rows.has_died("b", false) && !rows.has_died("a", false));
    }
}
