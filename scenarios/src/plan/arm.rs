//! One arm: the same system with one setting changed, and all that happens to it.

use compose::SystemSpec;
use serde::{Deserialize, Serialize};

use super::action::{self, ActionSpec};
use super::clients::{self, ClientsSpec, InvariantSpec};
use super::liveness::{self, LivenessSpec};
use super::load::{self, LoadSpec};
use super::probe::{self, ProbeSpec, StorySpec};
use super::resolve::{Resolver, SECONDS_MAX};
use super::search::{self, SearchSpec};
use super::system;
use super::timing::{self, Timing};
use super::window::{self, WindowSpec};
use crate::format::{Arm, Document, InvariantSection, Load, Place, Problem, Quantity};

/// One arm with its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmPlan {
    /// Name in expressions.
    pub name: String,
    /// What people read.
    pub label: String,
    /// The system it runs on.
    pub system: SystemSpec,
    /// Seconds of load before recording.
    pub warmup_s: f64,
    /// Seconds of recorded load; 0 for an arm that only searches.
    pub duration_s: f64,
    /// Streams of requests.
    pub loads: Vec<LoadSpec>,
    /// Clients whose operations make a history; they come before the loads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<ClientsSpec>,
    /// About how long they take, seconds.
    #[serde(default)]
    pub clients_s: f64,
    /// About how long a measurement takes beside all that, seconds.
    #[serde(default = "timing::beside_before")]
    pub beside_s: f64,
    /// How long events may take to arrive, where that differs from the plan's time, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settle_s: Option<f64>,
    /// Laws that the histories are held to.
    #[serde(default, rename = "laws", skip_serializing_if = "Vec::is_empty")]
    pub invariants: Vec<InvariantSpec>,
    /// Searches, one after the other.
    pub searches: Vec<SearchSpec>,
    /// Actions in order of time.
    pub actions: Vec<ActionSpec>,
    /// Windows that requests are told apart by.
    pub windows: Vec<WindowSpec>,
    /// Questions after the load.
    pub probes: Vec<ProbeSpec>,
    /// Stories to be drawn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stories: Vec<StorySpec>,
    /// Services whose instances are started again when they die by themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revived: Vec<String>,
    /// Of a fault that was planted on purpose: the arm in whose place it stands when a run is held to the swap law.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands_in: Option<String>,
    /// Who probes whether instances are alive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub liveness: Vec<LivenessSpec>,
}

impl ArmPlan {
    /// What is known of the time that one measurement of this arm takes.
    pub(super) fn timing(&self) -> Timing {
        Timing {
            clients_s: self.clients_s,
            warmup_s: self.warmup_s,
            duration_s: self.duration_s,
            searching_s: self.searches.iter().map(SearchSpec::longest_s).sum(),
            beside_s: self.beside_s,
        }
    }
}

/// An arm with its numbers.
pub(super) fn plan(document: &Document, arm: &Arm, resolver: &Resolver) -> Result<ArmPlan, Problem> {
    let here = |arms: &[Place]| arm.is_among(arms);
    let timing = Timing::of(document, arm, resolver)?;
    let searches = document
        .searches
        .iter()
        .filter(|search| here(&search.arms))
        .map(|search| search::spec(search, resolver))
        .collect::<Result<_, _>>()?;
    let loads: Vec<&Load> = document.loads.iter().filter(|load| here(&load.arms)).collect();
    let windows = window::all(document, &loads, resolver)?;
    let mut actions: Vec<ActionSpec> = document
        .actions
        .iter()
        .filter(|action| here(&action.arms))
        .map(|action| action::spec(action, resolver))
        .collect::<Result<_, _>>()?;
    actions.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    let system = system::spec(document, arm, resolver)?;
    let clients = document
        .clients
        .iter()
        .filter(|clients| here(&clients.arms))
        .map(|clients| clients::spec(clients, document, &system, resolver))
        .collect::<Result<Vec<_>, _>>()?;
    let acts = |law: &InvariantSection| clients.iter().any(|clients| clients.class == law.of.as_str());
    let invariants = document
        .invariants
        .iter()
        .filter(|law| here(&law.arms) && acts(law))
        .map(|law| clients::invariant(law, resolver))
        .collect::<Result<_, _>>()?;
    system::check(document, arm, &system, &actions)?;
    Ok(ArmPlan {
        name: arm.name.to_string(),
        label: resolver.fill(&arm.label)?,
        system,
        warmup_s: timing.warmup_s,
        duration_s: timing.duration_s,
        loads: loads
            .iter()
            .map(|load| load::spec(load, document, timing.duration_s, resolver))
            .collect::<Result<_, _>>()?,
        clients,
        clients_s: timing.clients_s,
        beside_s: timing.beside_s,
        settle_s: settle_s(arm, resolver)?,
        invariants,
        searches,
        actions,
        windows,
        probes: document
            .probes
            .iter()
            .filter(|probe| here(&probe.arms))
            .map(|probe| probe::spec(probe, document, resolver))
            .collect::<Result<_, _>>()?,
        stories: document
            .stories
            .iter()
            .filter(|story| here(&story.arms))
            .map(|story| probe::story(story, document, resolver))
            .collect::<Result<_, _>>()?,
        revived: system::revived(document, arm),
        stands_in: arm.stands_in.as_ref().map(Place::to_string),
        liveness: liveness::of(document, arm, resolver)?,
    })
}

/// How long events may take to arrive in this arm, where it says so itself.
fn settle_s(arm: &Arm, resolver: &Resolver) -> Result<Option<f64>, Problem> {
    let read = |settle: &Quantity| resolver.number_in(settle, 0.0, SECONDS_MAX, "the time to settle");
    arm.settle_s.as_ref().map(read).transpose()
}
