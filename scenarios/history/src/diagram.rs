//! Space-time diagrams of proofs: one lane an actor, arrows between lanes, time from top to bottom (Lamport 1978).

mod label;
mod layout;
mod text;

use serde::{Deserialize, Serialize};

use crate::action::ActionKind;
use crate::judgement::Violation;
use crate::operation::{Completion, Operation, Step, StepKind};
use crate::record::History;

/// A diagram as data; whoever draws it decides how it looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagram {
    /// What it is about: the key of the violation.
    pub title: String,
    /// From left to right: the actors, and the shared thing in their middle.
    pub lanes: Vec<Lane>,
    /// In order of time.
    pub events: Vec<Event>,
    /// What it proves, in one sentence.
    pub caption: String,
    /// The moment of the history, in nanoseconds, from which the events' times count.
    pub began_ns: u64,
}

/// One vertical line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// The actor, or the shared thing.
    pub name: String,
    /// The instances that answered the actor.
    pub instances: Vec<String>,
    /// Whether it is the shared thing: the row, the seat, the lock.
    pub shared: bool,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Nanoseconds since the first event.
    pub at_ns: u64,
    /// Index of the lane of the actor to whom it happened.
    pub lane: usize,
    /// In a few words.
    pub label: String,
    /// The way it took, where it went between the actor and the shared thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrow: Option<Arrow>,
    /// What kind of thing it was.
    pub kind: EventKind,
}

/// From one lane to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrow {
    /// Index of the lane where it begins.
    pub from: usize,
    /// Index of the lane to which it points.
    pub to: usize,
}

/// The kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// An operation began.
    Invoke,
    /// The shared value was read.
    Read,
    /// It was written.
    Write,
    /// A lock was won.
    Acquire,
    /// A token was checked with the lock service.
    Check,
    /// A lock was given back, was another's, or another's was deleted.
    Release,
    /// The storage refused a stale token.
    Refused,
    /// An operation was answered.
    Ok,
    /// It failed and had no effect.
    Fail,
    /// It was never answered.
    Unknown,
    /// Something was done to the system: an instance was paused, a way was cut.
    #[serde(untagged)]
    Action(ActionKind),
}

/// Something that the history does not know of: what was done to the system meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Nanoseconds since the history began.
    pub at_ns: u64,
    /// The instances that it was done to.
    pub instances: Vec<String>,
    /// What kind of thing it was.
    pub kind: ActionKind,
    /// In a few words.
    pub label: String,
}

impl Diagram {
    /// The diagram of a violation's proof: its actors in order of their first invocation, the shared thing in the
    /// middle, and every step that the services told of. Operations without steps are drawn as a question to the shared
    /// thing and its answer.
    #[must_use]
    pub fn of(history: &History, violation: &Violation, resource_name: &str) -> Self {
        let proof: Vec<&Operation> = history
            .operations()
            .iter()
            .filter(|operation| violation.operations.contains(&operation.id))
            .collect();
        let mut lanes: Vec<Lane> = Vec::new();
        for operation in &proof {
            if !lanes.iter().any(|lane| lane.name == operation.actor) {
                lanes.push(Lane {
                    name: operation.actor.clone(),
                    instances: instances(&proof, operation),
                    shared: false,
                });
            }
        }
        let resource = lanes.len().div_ceil(2);
        lanes.insert(
            resource,
            Lane {
                name: resource_name.to_owned(),
                instances: Vec::new(),
                shared: true,
            },
        );
        let mut events: Vec<Event> = Vec::new();
        for operation in &proof {
            let lane = lanes
                .iter()
                .position(|lane| !lane.shared && lane.name == operation.actor);
            events.extend(lane.into_iter().flat_map(|lane| {
                Path {
                    operation,
                    lane,
                    resource,
                }
                .events()
            }));
        }
        events.sort_by_key(|event| event.at_ns);
        let began_ns = events.first().map_or(0, |event| event.at_ns);
        for event in &mut events {
            event.at_ns -= began_ns;
        }
        Self {
            title: violation.key.clone(),
            lanes,
            events,
            caption: violation.message.clone(),
            began_ns,
        }
    }

    /// The kinds of things that were done to the system in it, in the order of a legend.
    #[must_use]
    pub fn actions(&self) -> Vec<ActionKind> {
        let done = |kind: &ActionKind| self.events.iter().any(|event| event.kind == EventKind::Action(*kind));
        ActionKind::ALL.into_iter().filter(done).collect()
    }

    /// Adds marks to the lanes of the actors whom their instances answered. Marks outside of the diagram's time, or of
    /// other instances, are left out.
    #[must_use]
    pub fn with_marks(mut self, marks: &[Mark]) -> Self {
        let Some(end_ns) = self.events.last().map(|event| event.at_ns) else {
            return self;
        };
        for mark in marks {
            let Some(at_ns) = mark.at_ns.checked_sub(self.began_ns).filter(|at_ns| *at_ns <= end_ns) else {
                continue;
            };
            let answered = |lane: &Lane| lane.instances.iter().any(|name| mark.instances.contains(name));
            let concerned = self.lanes.iter().enumerate().filter(|(_, lane)| answered(lane));
            self.events.extend(concerned.map(|(lane, _)| Event {
                at_ns,
                lane,
                label: mark.label.clone(),
                arrow: None,
                kind: EventKind::Action(mark.kind),
            }));
        }
        self.events.sort_by_key(|event| event.at_ns);
        self
    }
}

fn instances(proof: &[&Operation], of: &Operation) -> Vec<String> {
    let mut instances: Vec<String> = Vec::new();
    for instance in proof
        .iter()
        .filter(|other| other.actor == of.actor)
        .filter_map(|other| other.instance.clone())
    {
        if !instances.contains(&instance) {
            instances.push(instance);
        }
    }
    instances
}

/// An operation's way through the diagram.
struct Path<'a> {
    operation: &'a Operation,
    lane: usize,
    resource: usize,
}

impl Path<'_> {
    fn events(&self) -> Vec<Event> {
        let Operation {
            invoked_ns,
            completed_ns,
            ref steps,
            ..
        } = *self.operation;
        let bare = steps.is_empty();
        let invocation = label::invocation(self.operation);
        let mut events = vec![self.event(invoked_ns, EventKind::Invoke, invocation, bare.then(|| self.there()))];
        events.extend(steps.iter().map(|step| self.step(step)));
        if let Some(completed_ns) = completed_ns {
            let kind = match self.operation.outcome {
                Completion::Ok => EventKind::Ok,
                Completion::Fail => EventKind::Fail,
                Completion::Unknown => EventKind::Unknown,
            };
            let arrow = (bare && kind != EventKind::Unknown).then(|| self.back());
            events.push(self.event(completed_ns, kind, label::completion(self.operation), arrow));
        }
        events
    }

    fn step(&self, step: &Step) -> Event {
        let (kind, arrow) = match step.what {
            StepKind::Acquired => (EventKind::Acquire, self.back()),
            StepKind::Checked => (EventKind::Check, self.back()),
            StepKind::Read => (EventKind::Read, self.back()),
            StepKind::Written => (EventKind::Write, self.there()),
            StepKind::Refused => (EventKind::Refused, self.back()),
            StepKind::Released | StepKind::DeletedForeign => (EventKind::Release, self.there()),
            StepKind::NotOwner => (EventKind::Release, self.back()),
        };
        self.event(step.at_ns, kind, label::step(step), Some(arrow))
    }

    fn event(&self, at_ns: u64, kind: EventKind, label: String, arrow: Option<Arrow>) -> Event {
        Event {
            at_ns,
            lane: self.lane,
            label,
            arrow,
            kind,
        }
    }

    fn there(&self) -> Arrow {
        Arrow {
            from: self.lane,
            to: self.resource,
        }
    }

    fn back(&self) -> Arrow {
        Arrow {
            from: self.resource,
            to: self.lane,
        }
    }
}

#[cfg(test)]
mod tests;
