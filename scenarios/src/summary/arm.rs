//! What was measured of one arm, over all its rounds.

use std::collections::BTreeSet;

use compose::servers;

use super::answers::Answers;
use super::class::ClassSummary;
use super::instances::{self, InstanceSummary};
use super::invariants::InvariantSummary;
use super::operations::OperationsSummary;
use super::search::{Found, SearchSummary};
use crate::event::{FACT_OF_DEATHS, FACTS_OF_SETTLING};
use crate::plan::{ArmPlan, SearchSpec};
use crate::state::{ArmState, RoundState};

/// One arm.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmSummary<'a> {
    /// What was planned.
    pub plan: &'a ArmPlan,
    /// Its measurements.
    pub rounds: &'a [RoundState],
    /// Its classes of requests: those of the plan, then any other that was measured.
    pub classes: Vec<ClassSummary>,
    /// Operations of its clients, by class in the order of the plan.
    pub operations: Vec<OperationsSummary>,
    /// The laws that its histories were held to, in the order of the plan.
    pub invariants: Vec<InvariantSummary<'a>>,
    /// Its searches, in the order of the plan.
    pub searches: Vec<SearchSummary<'a>>,
    /// Answers of its probes and of the lab's own questions, by name.
    pub facts: Vec<(&'a str, Answers)>,
    /// Its instances, in order of their start.
    pub instances: Vec<InstanceSummary>,
}

impl<'a> ArmSummary<'a> {
    /// What was measured of an arm.
    pub fn of(plan: &'a ArmPlan, arm: &'a ArmState) -> Self {
        let classes = class_names(plan, &arm.rounds);
        Self {
            plan,
            rounds: &arm.rounds,
            classes: classes
                .iter()
                .map(|name| ClassSummary::of(plan, name, &arm.rounds))
                .collect(),
            operations: operations(plan, arm),
            invariants: plan
                .invariants
                .iter()
                .map(|law| InvariantSummary::of(law, &arm.rounds))
                .collect(),
            searches: plan.searches.iter().map(|search| self::search(search, arm)).collect(),
            facts: facts(plan, arm),
            instances: instances::of(&arm.rounds),
        }
    }

    /// One class of requests.
    pub fn class(&self, name: &str) -> Option<&ClassSummary> {
        self.classes.iter().find(|class| class.name == name)
    }

    /// One search.
    pub fn search(&self, class: &str) -> Option<&SearchSummary<'a>> {
        self.searches.iter().find(|search| search.plan.class == class)
    }
}

/// The names of the classes of requests of these rounds: those of the plan, then any other that was measured.
pub fn class_names(plan: &ArmPlan, rounds: &[RoundState]) -> Vec<String> {
    let planned = plan.loads.iter().map(|load| &load.class);
    let measured = rounds.iter().flat_map(|round| round.classes.keys());
    let mut seen = BTreeSet::new();
    let all = planned.chain(measured).filter(|name| seen.insert(name.as_str()));
    all.cloned().collect()
}

fn operations(plan: &ArmPlan, arm: &ArmState) -> Vec<OperationsSummary> {
    let mut seen = BTreeSet::new();
    let classes = plan.clients.iter().map(|clients| clients.class.as_str());
    let of = |class: &str| {
        let clients = plan.clients.iter().filter(|other| other.class == class);
        let fields: Vec<String> = clients.flat_map(|clients| clients.outputs.clone()).collect();
        OperationsSummary::of(class, &fields, &arm.rounds)
    };
    classes.filter(|class| seen.insert(*class)).map(of).collect()
}

fn search<'a>(plan: &'a SearchSpec, arm: &'a ArmState) -> SearchSummary<'a> {
    let found = |round: &'a RoundState| round.searches.get(&plan.class);
    let searches: Vec<_> = arm.rounds.iter().map(found).collect();
    SearchSummary {
        plan,
        rounds: arm
            .rounds
            .iter()
            .filter_map(|round| Some((round.round, found(round)?)))
            .collect(),
        found: Found::of(&searches),
    }
}

/// The answers to each question over all rounds; nothing where an answer is missing, since the others tell another story.
fn facts<'a>(plan: &'a ArmPlan, arm: &ArmState) -> Vec<(&'a str, Answers)> {
    let has_events = servers::carry_events(&plan.system);
    let settling = FACTS_OF_SETTLING.into_iter().filter(|_| has_events);
    let deaths = Some(FACT_OF_DEATHS).filter(|_| !plan.revived.is_empty());
    let own = settling.chain(deaths).map(|name| (name, 1));
    let probes = plan.probes.iter().map(|probe| (probe.name.as_str(), probe.times));
    let of = |(name, times): (&'a str, u32)| {
        let answers: Vec<&Vec<f64>> = arm.rounds.iter().filter_map(|round| round.facts.get(name)).collect();
        let whole = answers.len() == arm.rounds.len() && answers.iter().all(|answers| answers.len() >= times as usize);
        let known: Vec<f64> = answers.into_iter().filter(|_| whole).flatten().copied().collect();
        (name, Answers::of(&known))
    };
    probes.chain(own).map(of).collect()
}
