//! Clients whose every operation is kept.
//!
//! Each group of clients acts in waves: all of a wave start together, and the next wave begins when every answer is in.
//! Operations are few and each is recorded whole; load that is measured by histograms belongs to the load generator.

use std::sync::Arc;
use std::time::{Duration, Instant};

use history::{Completion, Operation};
use tokio::sync::Barrier;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::budget::Budget;
use super::error::RunError;
use super::gauges::Gauges;
use super::operation::{Asker, Clock};
use super::turn::{Turn, sleep_until};
use super::{instances, judge, rest, settle};
use crate::event::{EventKind, Phase};
use crate::plan::ClientsSpec;

/// Operations that may wait for the engine.
const QUEUE: usize = 1024;
/// Operations that one event may carry.
const PER_EVENT_MAX: usize = 256;

/// What a group of clients tells the engine.
enum Told {
    Operation(Box<Operation>),
    Warning(String),
}

/// Lets the arm's clients act, reads what is left when all is over, and judges the histories.
pub(super) async fn run(turn: &mut Turn<'_>) -> Result<(), RunError> {
    turn.bus.emit(EventKind::Phase {
        phase: Phase::Clients,
        expected_s: turn.arm.clients_s,
    });
    let clock = Clock::start();
    let operations = act(turn, clock).await?;
    if turn.stop.is_cancelled() || turn.is_lost() {
        return Ok(());
    }
    let budget = Budget::begin(turn.settle_s());
    let readings = match settle::wait(turn, budget).await? {
        true => rest::read(turn, &operations, budget).await?,
        false => rest::Readings::default(),
    };
    judge::all(turn, &operations, &readings);
    Ok(())
}

/// Drives clients and actions to their ends; gives every operation, with numbers in the order of their ends.
async fn act(turn: &mut Turn<'_>, clock: Clock) -> Result<Vec<Operation>, RunError> {
    let (sender, mut told) = channel(QUEUE);
    let ended = CancellationToken::new();
    let mut groups = JoinSet::new();
    for spec in &turn.arm.clients {
        let group = Group {
            door: door(turn, spec).await?,
            spec: spec.clone(),
            asker: Asker::new(spec, clock)?,
            sender: sender.clone(),
            ended: ended.clone(),
        };
        groups.spawn(group.run(clock.began()));
    }
    drop(sender);
    let mut all: Vec<Operation> = Vec::new();
    let arm = turn.arm;
    let mut pending = arm.actions.iter().enumerate();
    let mut next = pending.next();
    let mut batch = Vec::new();
    let mut gauges = Gauges::watch(turn.system.clone());
    loop {
        let due = next
            .map(|(_, action)| tokio::time::Instant::from_std(clock.began() + Duration::from_secs_f64(action.at_s)));
        tokio::select! {
            biased;
            () = turn.stop.cancelled() => break,
            () = sleep_until(due), if due.is_some() => {
                if let Some(action) = next { turn.act(action, clock.began()).await; }
                next = pending.next();
            }
            Some(event) = turn.instances.recv() => {
                instances::emit(turn.bus, event);
                // Clients would go on for as long as all their timeouts together, and prove nothing any more.
                if turn.is_lost() {
                    break;
                }
            }
            instances = gauges.next() => {
                turn.gauges(instances);
                // One that stands still holds its clients up as a dead one does.
                if turn.stuck().is_some() {
                    break;
                }
            }
            count = told.recv_many(&mut batch, PER_EVENT_MAX) => {
                keep(turn, &mut all, batch.drain(..));
                if count == 0 {
                    // Nobody acts any more; an action that is still due is done all the same, as planned.
                    match next {
                        Some(action) => {
                            sleep_until(due).await;
                            turn.act(action, clock.began()).await;
                            next = pending.next();
                        }
                        None => break,
                    }
                }
            }
        }
    }
    ended.cancel();
    groups.shutdown().await;
    turn.stats().await;
    Ok(all)
}

/// Numbers operations and tells of them.
fn keep(turn: &mut Turn<'_>, all: &mut Vec<Operation>, told: impl Iterator<Item = Told>) {
    let before = all.len();
    for told in told {
        match told {
            Told::Operation(mut operation) => {
                operation.id = all.len() as u64;
                all.push(*operation);
            }
            Told::Warning(text) => turn.bus.emit(EventKind::Warning { text }),
        }
    }
    if all.len() > before {
        turn.bus.emit(EventKind::Operations {
            operations: all[before..].to_vec(),
        });
    }
}

/// The front door of the service, or the one instance.
async fn door(turn: &Turn<'_>, spec: &ClientsSpec) -> Result<Url, RunError> {
    let Some(name) = &spec.instance else {
        return Ok(turn.system.front_door(&spec.service)?);
    };
    let running = turn.system.instances().await;
    running
        .into_iter()
        .find(|instance| instance.name == *name)
        .and_then(|instance| instance.url)
        .ok_or_else(|| RunError::Unexpected(format!("{name} has no address")))
}

/// One section of clients at work.
struct Group {
    spec: ClientsSpec,
    door: Url,
    asker: Asker,
    sender: Sender<Told>,
    ended: CancellationToken,
}

impl Group {
    async fn run(self, began: Instant) {
        let ended = self.ended.clone();
        tokio::select! {
            () = ended.cancelled() => {}
            () = Arc::new(self).waves(began) => {}
        }
    }

    async fn waves(self: Arc<Self>, began: Instant) {
        tokio::time::sleep_until((began + Duration::from_secs_f64(self.spec.at_s)).into()).await;
        for wave in 1..=self.spec.waves {
            if let Some(ask) = &self.spec.prepare
                && let Err(why) = self.asker.prepare(&self.door, ask, wave).await
            {
                let text = format!("{}: wave {wave} could not be prepared: {why}", self.spec.class);
                // The engine has gone: so does the wave.
                let _ = self.sender.send(Told::Warning(text)).await;
                return;
            }
            self.clone().wave(wave).await;
        }
    }

    /// All clients of one wave, started together.
    async fn wave(self: Arc<Self>, wave: u32) {
        let start = Arc::new(Barrier::new(self.spec.count as usize));
        let mut clients = JoinSet::new();
        for client in 1..=self.spec.count {
            let (group, start) = (self.clone(), start.clone());
            clients.spawn(async move {
                start.wait().await;
                group.client(client, wave).await;
            });
        }
        while clients.join_next().await.is_some() {}
    }

    /// One client: asks, and asks again while it does not know what came of it.
    async fn client(&self, client: u32, wave: u32) {
        for _ in 0..=self.spec.retries {
            let operation = self.asker.operate(&self.door, &self.spec, client, wave).await;
            let settled = operation.outcome != Completion::Unknown;
            if self.sender.send(Told::Operation(Box::new(operation))).await.is_err() || settled {
                return;
            }
        }
    }
}
