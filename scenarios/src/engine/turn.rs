//! What a turn works with, and what each of its parts may do.

use std::sync::Arc;
use std::time::Duration;

use compose::{InstanceEvent, InstanceStats, System};
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::bus::Bus;
use super::others::Others;
use super::standing::OwnCounts;
use super::store_errors::StoreErrors;
use super::{actions, command, gauges, instances};
use crate::action::{Acted, Command};
use crate::disturbance::{Disturbance, Sufferer, Trouble};
use crate::event::{EventKind, FACT_OF_OTHERS, InstanceGauges};
use crate::plan::{ActionSpec, ArmPlan, Plan};
use crate::state::RoundState;

/// How often the instances' use of processor and memory is read.
const STATS_EVERY: Duration = Duration::from_millis(500);

/// Who has stood still for so long is not waited for any more, milliseconds.
const STUCK_MS: u64 = 2_000;

/// What a turn works with.
pub(super) struct Turn<'a> {
    pub(super) plan: &'a Plan,
    pub(super) arm: &'a ArmPlan,
    /// Seed of this turn: the same arm in the same round gets the same schedule in every run of the seed.
    pub(super) seed: u64,
    pub(super) system: Arc<dyn System>,
    pub(super) instances: Receiver<InstanceEvent>,
    pub(super) bus: &'a mut Bus,
    /// What instances say of their own standstills.
    pub(super) own_counts: OwnCounts,
    /// What instances say of failures of their databases.
    pub(super) store_errors: StoreErrors,
    /// What other programs take of the processors.
    pub(super) others: Others,
    /// What a person does meanwhile; ended where nobody plays.
    pub(super) commands: &'a mut Receiver<Command>,
    pub(super) stop: &'a CancellationToken,
}

/// Carries out what a person asks for.
pub(super) async fn by_hand(command: Command, system: Arc<dyn System>, epoch: std::time::Instant) -> Acted {
    let asked_s = epoch.elapsed().as_secs_f64();
    let failure = command::carry_out(&command, system.as_ref()).await.err();
    Acted {
        number: None,
        command,
        planned_s: asked_s,
        began_s: asked_s,
        done_s: epoch.elapsed().as_secs_f64(),
        failure,
    }
}

impl Turn<'_> {
    /// How long events may take to arrive after the last request, seconds.
    pub(super) fn settle_s(&self) -> f64 {
        self.arm.settle_s.unwrap_or(self.plan.settle_s)
    }

    /// Whether an instance is lost to this turn: it died on its own, or has stood still unasked for so long that nobody
    /// waits for it. The run is inconclusive whatever follows.
    pub(super) fn is_lost(&self) -> bool {
        let crashed = |round: &RoundState| !round.crashes.is_empty();
        self.bus.state().round_now().is_some_and(crashed) || self.stuck().is_some()
    }

    /// The instance that has stood still unasked for long, and still does, in words.
    pub(super) fn stuck(&self) -> Option<String> {
        let state = self.bus.state();
        let turn = state.now.as_ref()?.turn;
        let now_ms = self.bus.noticed().ms_at(std::time::Instant::now());
        let stuck = |told: &&Disturbance| {
            let own = matches!(told.who, Sufferer::Instance(_)) && told.turn == Some(turn);
            own && told.lasted_ms.is_none() && now_ms.saturating_sub(told.began_ms) >= STUCK_MS
        };
        let stuck = state.disturbances.iter().find(stuck)?;
        Some(format!("{} stands still", stuck.who.words()))
    }

    /// Whether anything disturbed the turn since this moment, milliseconds since the run began.
    pub(super) fn disturbed_since(&self, from_ms: u64) -> bool {
        let state = self.bus.state();
        let disturbed = |round| state.disturbances_of(round).any(|told| told.touches(from_ms, None));
        state.round_now().is_some_and(disturbed)
    }

    /// Tells of a sample, and before it of the times in which the generator stood still.
    pub(super) fn sample(&mut self, sample: load::Sample, epoch: std::time::Instant) {
        for standstill in &sample.standstills {
            let from = epoch + Duration::try_from_secs_f64(standstill.from_s).unwrap_or_default();
            let noticed = self.bus.noticed();
            noticed.put(Disturbance {
                who: Sufferer::Generator,
                what: Trouble::StoodStill,
                began_ms: noticed.ms_at(from),
                lasted_ms: Some(standstill.lasted_s * 1e3),
                noticed: "it came late to what it had to do".to_owned(),
                turn: None,
            });
        }
        self.bus.emit(EventKind::Sample(Box::new(sample)));
    }

    /// Tells of what instances say of themselves, and before it of the times in which one of them stood still.
    pub(super) fn gauges(&mut self, instances: Vec<InstanceGauges>) {
        self.note_gauges(&instances);
        self.bus.emit(EventKind::Gauges { instances });
    }

    /// Asks instances once more: something may have happened since the reading before. Their load is no figure any more.
    pub(super) async fn last_gauges(&mut self) {
        let instances = gauges::read_once(self.system.as_ref()).await;
        self.note_gauges(&instances);
    }

    fn note_gauges(&mut self, instances: &[InstanceGauges]) {
        let (state, noticed) = (self.bus.state(), self.bus.noticed());
        let Some(round) = state.round_now() else { return };
        let now_ms = noticed.ms_at(std::time::Instant::now());
        for (name, lasted_ms) in self.own_counts.read(instances, self.arm, round) {
            let who = Sufferer::Instance(name);
            let began_ms = now_ms.saturating_sub(lasted_ms as u64 + gauges::AGE_MAX_MS);
            let seen = |told: &Disturbance| told.who == who && told.touches(began_ms, None);
            if state.disturbances_of(round).any(seen) {
                continue;
            }
            noticed.put(Disturbance {
                who,
                what: Trouble::StoodStill,
                began_ms,
                lasted_ms: Some(lasted_ms + gauges::AGE_MAX_MS as f64),
                noticed: "it says so itself; at the most".to_owned(),
                turn: None,
            });
        }
        for (name, how) in self.store_errors.read(instances, round) {
            noticed.put(Disturbance {
                who: Sufferer::Store(format!("the database of {name}")),
                what: Trouble::Failed,
                began_ms: now_ms.saturating_sub(gauges::AGE_MAX_MS),
                lasted_ms: None,
                noticed: how,
                turn: None,
            });
        }
    }

    /// Does an action of the arm's plan, the one of this number, and tells of it.
    pub(super) async fn act(&mut self, (number, action): (usize, &ActionSpec), epoch: std::time::Instant) {
        let began_s = epoch.elapsed().as_secs_f64();
        let done = actions::act(action, self.system.as_ref()).await;
        self.acted(Acted {
            number: Some(number),
            command: Command::Act(action.clone()),
            planned_s: action.at_s,
            began_s,
            done_s: epoch.elapsed().as_secs_f64(),
            failure: done.err(),
        });
    }

    /// Tells of a command that was carried out.
    pub(super) fn acted(&mut self, acted: Acted) {
        self.bus.emit(EventKind::Action(Box::new(acted)));
    }

    pub(super) async fn stats(&mut self) {
        let instances = self.system.stats().await;
        if let Some(share) = self.others.share(&instances).await {
            self.bus.emit(EventKind::Fact {
                name: FACT_OF_OTHERS.to_owned(),
                values: vec![share],
            });
        }
        self.bus.emit(EventKind::Stats { instances });
    }

    /// Tells of what happened to instances, and of what was noticed, up to now.
    pub(super) fn forward(&mut self) {
        self.forward_instances();
        self.bus.attend();
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
