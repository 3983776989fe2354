//! Whether the parts of a system stand where they should while they are measured: an instance that stands still though
//! nobody asked for it spoils the measurement as a death does, and so does one whose data went away.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use compose::System;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::noticed::Noticed;
use super::servers;
use super::stores::Stores;
use crate::disturbance::{Disturbance, Sufferer, Trouble};
use crate::event::InstanceGauges;
use crate::format::ActionVerb;
use crate::plan::ArmPlan;
use crate::state::RoundState;

/// How often everybody is looked at.
const EVERY: Duration = Duration::from_millis(50);
/// Looking takes no more than this share of the time, however long an engine takes to answer.
const SHARE: u32 = 20;

/// A watch over one system, until it is ended.
pub(super) struct Standing {
    stop: CancellationToken,
    task: JoinHandle<()>,
    servers: JoinHandle<()>,
}

impl Standing {
    /// Begins to look at a system, and at the data in this folder.
    pub(super) fn watch(system: Arc<dyn System>, data: PathBuf, noticed: Arc<Noticed>, turn: usize) -> Self {
        let stop = CancellationToken::new();
        let over = stop.clone();
        let of_servers = Known::new(Arc::clone(&noticed), turn);
        let servers = servers::watch(Arc::clone(&system), stop.clone(), move |told| {
            let lasted_ms = told.lasted.map(|lasted| lasted.as_secs_f64() * 1e3);
            let who = Sufferer::Instance(told.who);
            of_servers.tell(who, told.what, told.since, lasted_ms, told.how.to_owned());
        });
        let servers = tokio::spawn(servers);
        let task = tokio::spawn(async move {
            let mut known = Known::new(noticed, turn);
            let mut stores = Stores::of(data);
            while !over.is_cancelled() {
                let looked = Instant::now();
                known.update(looked, &system.standing_still().await);
                for (who, what, how) in stores.look() {
                    known.tell(who, what, looked, None, how);
                }
                let pause = EVERY.max(looked.elapsed() * SHARE);
                // Cut short at the end of the turn.
                let _ = tokio::time::timeout(pause, over.cancelled()).await;
            }
            known.update(Instant::now(), &system.standing_still().await);
            known.close(Instant::now());
        });
        Self { stop, task, servers }
    }

    /// Looks once more, and tells how long those stood still who still do; what is noticed after that is told by nobody.
    pub(super) async fn end(self) {
        self.stop.cancel();
        // A panic in there has been told by the runtime.
        let _ = tokio::join!(self.task, self.servers);
    }
}

/// Who stood still at the look before, and since when at the earliest.
struct Known {
    noticed: Arc<Noticed>,
    turn: usize,
    looked: Instant,
    still: BTreeMap<String, Instant>,
}

impl Known {
    fn new(noticed: Arc<Noticed>, turn: usize) -> Self {
        Self {
            noticed,
            turn,
            looked: Instant::now(),
            still: BTreeMap::new(),
        }
    }

    /// Tells who begins to stand still, and who goes on again.
    fn update(&mut self, now: Instant, still: &[String]) {
        let gone_on: Vec<String> = self
            .still
            .keys()
            .filter(|name| !still.contains(name))
            .cloned()
            .collect();
        for name in gone_on {
            if let Some(since) = self.still.remove(&name) {
                self.stood_still(name, since, Some(now));
            }
        }
        for name in still {
            if !self.still.contains_key(name) {
                self.still.insert(name.clone(), self.looked);
                self.stood_still(name.clone(), self.looked, None);
            }
        }
        self.looked = now;
    }

    /// The measurement is over: whoever still stands still has done so until now.
    fn close(&mut self, now: Instant) {
        for (name, since) in std::mem::take(&mut self.still) {
            self.stood_still(name, since, Some(now));
        }
    }

    fn stood_still(&self, name: String, since: Instant, until: Option<Instant>) {
        let lasted_ms = until.map(|until| (until - since).as_secs_f64() * 1e3);
        let how = "it was seen stopped or frozen".to_owned();
        self.tell(Sufferer::Instance(name), Trouble::StoodStill, since, lasted_ms, how);
    }

    fn tell(&self, who: Sufferer, what: Trouble, since: Instant, lasted_ms: Option<f64>, noticed: String) {
        self.noticed.put(Disturbance {
            who,
            what,
            began_ms: self.noticed.ms_at(since),
            lasted_ms,
            noticed,
            turn: Some(self.turn),
        });
    }
}

/// What instances say of their own standstills: each counts the time in which its process did nothing.
#[derive(Default)]
pub(super) struct OwnCounts {
    /// By instance: its count, and how often it has to be read again before its growth says anything.
    known: BTreeMap<String, (f64, u32)>,
    /// Actions that were done by the reading before.
    actions: usize,
}

/// Readings after an action that say nothing yet: the one that was on its way, and the one that holds what was asked for.
const UNSETTLED: u32 = 2;

impl OwnCounts {
    /// Who stood still since its reading before, and for how long, milliseconds. What an action may have done counts as
    /// asked for, and so does the want of processor time where an instance has a limit.
    pub(super) fn read(&mut self, all: &[InstanceGauges], arm: &ArmPlan, round: &RoundState) -> Vec<(String, f64)> {
        if round.actions.len() != self.actions {
            self.actions = round.actions.len();
            self.known.values_mut().for_each(|known| known.1 = UNSETTLED);
        }
        let mut grown = Vec::new();
        for gauges in all {
            let Some(count) = gauges.standstill_ms else { continue };
            let (before, unsettled) = self.known.get(&gauges.instance).copied().unwrap_or((count, 0));
            if unsettled == 0 && count > before && !is_limited(&gauges.instance, arm, round) {
                grown.push((gauges.instance.clone(), count - before));
            }
            self.known
                .insert(gauges.instance.clone(), (count, unsettled.saturating_sub(1)));
        }
        grown
    }
}

/// Whether an instance has as little processor time as somebody wants it to have.
fn is_limited(instance: &str, arm: &ArmPlan, round: &RoundState) -> bool {
    let limited = arm.system.services.iter().filter(|service| service.limits.is_some());
    let mut planned = limited.flat_map(compose::ServiceSpec::instance_names);
    let done = round.actions.iter().filter_map(|acted| acted.command.action());
    let mut by_action = done.filter(|action| action.verb == ActionVerb::Limit && action.target == instance);
    planned.any(|name| name == instance) || by_action.any(|action| action.cpus.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{Acted, Command};
    use crate::plan::ActionSpec;

    fn told(noticed: &Noticed) -> Vec<(String, Option<f64>)> {
        let all = noticed.take().into_iter();
        all.map(|told| (told.who.words().to_owned(), told.lasted_ms)).collect()
    }

    #[test]
    fn a_standstill_is_told_at_its_start_and_at_its_end_as_the_longest_it_can_have_been() {
        let began = Instant::now();
        let at = |ms: u64| began + Duration::from_millis(ms);
        let noticed = Arc::new(Noticed::since(began));
        let mut known = Known::new(Arc::clone(&noticed), 0);
        known.looked = at(0);
        known.update(at(100), &[]);
        let still = ["users-1".to_owned()];
        known.update(at(200), &still);
        assert_eq!(told(&noticed), [("users-1".to_owned(), None)]);
        known.update(at(300), &still);
        assert_eq!(told(&noticed), []);
        known.update(at(400), &[]);
        assert_eq!(told(&noticed), [("users-1".to_owned(), Some(300.0))]);
        known.update(at(500), &still);
        known.close(at(900));
        assert_eq!(
            told(&noticed),
            [("users-1".to_owned(), None), ("users-1".to_owned(), Some(500.0))]
        );
    }

    fn arm() -> ArmPlan {
        let scenario = crate::catalog::scenario("cpu-blocking").unwrap();
        let options = crate::plan::Options {
            cores: 2,
            ..crate::plan::Options::default()
        };
        crate::plan::Plan::make(&scenario, &options).unwrap().arms.remove(0)
    }

    fn says(count: f64) -> Vec<InstanceGauges> {
        vec![InstanceGauges {
            instance: "users-1".to_owned(),
            in_flight: None,
            lag_ms: None,
            silent: false,
            standstill_ms: Some(count),
            store_errors: BTreeMap::new(),
        }]
    }

    fn done(verb: ActionVerb, cpus: Option<f64>) -> Acted {
        Acted {
            number: Some(0),
            command: Command::Act(ActionSpec {
                at_s: 0.0,
                verb,
                target: "users-1".to_owned(),
                instances: None,
                policy: None,
                cpus,
                slowness: None,
                link: None,
            }),
            planned_s: 0.0,
            began_s: 0.0,
            done_s: 0.0,
            failure: None,
        }
    }

    #[test]
    fn who_has_as_little_processor_time_as_was_asked_for_does_not_stand_still() {
        let arm = arm();
        let mut round = RoundState::default();
        round.actions.push(done(ActionVerb::Limit, Some(0.2)));
        let mut counts = OwnCounts::default();
        for count in [100.0, 200.0, 900.0, 1800.0, 2700.0] {
            assert_eq!(counts.read(&says(count), &arm, &round), []);
        }
        round.actions[0].command = Command::Burn {
            instance: "users-1".to_owned(),
            ms: 100,
        };
        assert_eq!(
            counts.read(&says(3000.0), &arm, &round),
            [("users-1".to_owned(), 300.0)]
        );
    }

    #[test]
    fn a_count_that_grows_is_a_standstill_unless_an_action_may_have_made_it() {
        let arm = arm();
        let mut round = RoundState::default();
        let mut counts = OwnCounts::default();
        assert_eq!(
            counts.read(&says(300.0), &arm, &round),
            [],
            "what was before is not known"
        );
        assert_eq!(counts.read(&says(700.0), &arm, &round), [("users-1".to_owned(), 400.0)]);
        round.actions.push(done(ActionVerb::Pause, None));
        assert_eq!(counts.read(&says(1700.0), &arm, &round), []);
        assert_eq!(counts.read(&says(1800.0), &arm, &round), []);
        assert_eq!(
            counts.read(&says(2100.0), &arm, &round),
            [("users-1".to_owned(), 300.0)]
        );
        assert_eq!(counts.read(&says(0.0), &arm, &round), [], "another process");
    }
}
