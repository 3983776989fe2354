//! What a turn works with, and what each of its parts may do.

use std::sync::Arc;
use std::time::Duration;

use compose::{InstanceEvent, InstanceStats, System};
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::bus::Bus;
use super::{Command, actions, instances};
use crate::event::EventKind;
use crate::plan::{ActionSpec, ArmPlan, LinkChange, Plan};

/// How often the instances' use of processor and memory is read.
const STATS_EVERY: Duration = Duration::from_millis(500);

/// What a turn works with.
pub(super) struct Turn<'a> {
    pub(super) plan: &'a Plan,
    pub(super) arm: &'a ArmPlan,
    /// Seed of this turn: the same arm in the same round gets the same schedule in every run of the seed.
    pub(super) seed: u64,
    pub(super) system: Arc<dyn System>,
    pub(super) instances: Receiver<InstanceEvent>,
    pub(super) bus: &'a mut Bus,
    /// What a person does meanwhile; ended where nobody plays.
    pub(super) commands: &'a mut Receiver<Command>,
    pub(super) stop: &'a CancellationToken,
}

/// A command that was carried out, or could not be. Times are seconds after the load began.
pub(super) struct Acted {
    began_s: f64,
    done_s: f64,
    words: String,
    failure: Option<String>,
    link: Option<LinkChange>,
}

impl Acted {
    /// Carries a command out.
    pub(super) async fn out(command: Command, system: Arc<dyn System>, epoch: std::time::Instant) -> Self {
        let began_s = epoch.elapsed().as_secs_f64();
        let failure = command.carry_out(system.as_ref()).await.err();
        Self {
            began_s,
            done_s: epoch.elapsed().as_secs_f64(),
            words: command.words(),
            failure,
            link: match command {
                Command::Act(action) => action.link,
                _ => None,
            },
        }
    }
}

impl Turn<'_> {
    /// Whether an instance died on its own in this turn, which makes the run inconclusive whatever follows.
    pub(super) fn crashed(&self) -> bool {
        self.bus
            .state()
            .round_now()
            .is_some_and(|round| !round.crashes.is_empty())
    }

    /// Does an action and tells of it.
    pub(super) async fn act(&mut self, action: &ActionSpec, epoch: std::time::Instant) {
        let began_s = epoch.elapsed().as_secs_f64();
        let failure = actions::act(action, self.system.as_ref())
            .await
            .err()
            .map(|error| error.to_string());
        self.bus.emit(EventKind::Action {
            at_s: action.at_s,
            began_s,
            done_s: epoch.elapsed().as_secs_f64(),
            words: action.words(),
            failure,
            link: action.link.clone(),
        });
    }

    /// Tells of a command that was carried out.
    pub(super) fn acted(&mut self, acted: Acted) {
        self.bus.emit(EventKind::Action {
            at_s: acted.began_s,
            began_s: acted.began_s,
            done_s: acted.done_s,
            words: acted.words,
            failure: acted.failure,
            link: acted.link,
        });
    }

    pub(super) async fn stats(&mut self) {
        let instances = self.system.stats().await;
        self.bus.emit(EventKind::Stats { instances });
    }

    pub(super) fn forward_instances(&mut self) {
        while let Ok(event) = self.instances.try_recv() {
            instances::emit(self.bus, event);
        }
    }
}

/// Asks every now and then what the instances use, beside everything else: an engine may take half a second to say it,
/// and an action that is due must not wait for that.
pub(super) struct Usage {
    system: Arc<dyn System>,
    tick: Interval,
    asking: JoinSet<Vec<InstanceStats>>,
}

impl Usage {
    pub(super) fn watch(system: Arc<dyn System>) -> Self {
        let mut tick = interval(STATS_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            system,
            tick,
            asking: JoinSet::new(),
        }
    }

    /// The next answer. Cancel-safe.
    pub(super) async fn next(&mut self) -> Vec<InstanceStats> {
        loop {
            tokio::select! {
                Some(told) = self.asking.join_next() => if let Ok(told) = told { return told },
                _ = self.tick.tick(), if self.asking.is_empty() => {
                    let system = Arc::clone(&self.system);
                    self.asking.spawn(async move { system.stats().await });
                }
            }
        }
    }
}

/// Waits for a moment; without one, not at all.
pub(super) async fn sleep_until(due: Option<Instant>) {
    if let Some(due) = due {
        tokio::time::sleep_until(due).await;
    }
}
