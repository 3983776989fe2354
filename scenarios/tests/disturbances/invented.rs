//! A made-up run: every arm measured, with numbers from a seed, and perhaps one thing gone wrong.

use history::{Completion, InvariantVerdict, Judgement, Operation, Step, StepKind};
use load::{ClassSample, InstanceSample, Sample, Slice};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use scenarios::action::{Acted, Command};
use scenarios::disturbance::{Disturbance, Sufferer, Trouble};
use scenarios::event::{
    EVENT_VERSION, EventKind, InstanceInfo, InstanceState, Judged, Machine, Phase, RunEvent, RunInfo, SearchStep,
    StepOutcome,
};
use scenarios::plan::{ArmPlan, Plan};
use serde_json::json;

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    LabStops,
    GeneratorStops,
    InstanceStops,
    InstanceStillStops,
    MachineSleeps,
    ClockJumps,
    StoreLost,
    ServerRestarts,
    DiskFull,
    StoreFails,
    InstanceDies,
    GeneratorLate,
    RequestsUnsent,
    ActionFails,
    ActionMissing,
    ClientsMissing,
}

impl Kind {
    pub const ALL: [Self; 16] = [
        Self::LabStops,
        Self::GeneratorStops,
        Self::InstanceStops,
        Self::InstanceStillStops,
        Self::MachineSleeps,
        Self::ClockJumps,
        Self::StoreLost,
        Self::ServerRestarts,
        Self::DiskFull,
        Self::StoreFails,
        Self::InstanceDies,
        Self::GeneratorLate,
        Self::RequestsUnsent,
        Self::ActionFails,
        Self::ActionMissing,
        Self::ClientsMissing,
    ];

    /// Whether an arm has what this goes wrong with.
    pub fn can_befall(self, plan: &Plan, arm: usize) -> bool {
        let arm = &plan.arms[arm];
        match self {
            Self::GeneratorLate | Self::RequestsUnsent => !arm.loads.is_empty(),
            Self::ActionFails | Self::ActionMissing => !arm.actions.is_empty(),
            Self::ClientsMissing => !arm.clients.is_empty(),
            _ => true,
        }
    }

    fn disturbance(self, at_ms: u64, turn: usize) -> Option<Disturbance> {
        let instance = || Sufferer::Instance("gateway-1".to_owned());
        let (who, what, lasted_ms) = match self {
            Self::LabStops => (Sufferer::Lab, Trouble::StoodStill, Some(400.0)),
            Self::GeneratorStops => (Sufferer::Generator, Trouble::StoodStill, Some(300.0)),
            Self::InstanceStops => (instance(), Trouble::StoodStill, Some(100.0)),
            Self::InstanceStillStops => (instance(), Trouble::StoodStill, None),
            Self::MachineSleeps => (Sufferer::Clock, Trouble::Slept, Some(60_000.0)),
            Self::ClockJumps => (Sufferer::Clock, Trouble::Jumped, Some(-5_000.0)),
            Self::StoreLost => (Sufferer::Store("orders.db".to_owned()), Trouble::Lost, None),
            Self::ServerRestarts => (Sufferer::Instance("redis-1".to_owned()), Trouble::Restarted, None),
            Self::StoreFails => (
                Sufferer::Store("the database of users-1".to_owned()),
                Trouble::Failed,
                None,
            ),
            Self::DiskFull => (Sufferer::Store("the disk".to_owned()), Trouble::Full, None),
            _ => return None,
        };
        Some(Disturbance {
            who,
            what,
            began_ms: at_ms,
            lasted_ms,
            noticed: "it was made up".to_owned(),
            turn: Some(turn),
        })
    }
}

#[derive(Clone, Copy, PartialEq)]
enum When {
    Starting,
    Measuring,
    Stopping,
}

/// A made-up run.
pub struct Invented {
    seed: u64,
    wrong: Option<(Kind, usize, When)>,
    measured: bool,
}

/// Later than any scenario allows: an hour.
const LATE_NS: u64 = 3_600_000_000_000;
/// The length of each part of a turn, milliseconds; a sleep of a minute stays within its turn.
const PART_MS: u64 = 100_000;

impl Invented {
    pub fn well(seed: u64) -> Self {
        Self {
            seed,
            wrong: None,
            measured: true,
        }
    }

    pub fn disturbed(seed: u64, kind: Kind, arm: usize) -> Self {
        Self {
            wrong: Some((kind, arm, When::Measuring)),
            ..Self::well(seed)
        }
    }

    pub fn while_starting(seed: u64, arm: usize) -> Self {
        Self {
            wrong: Some((Kind::LabStops, arm, When::Starting)),
            ..Self::well(seed)
        }
    }

    pub fn while_stopping(seed: u64, arm: usize) -> Self {
        Self {
            wrong: Some((Kind::LabStops, arm, When::Stopping)),
            ..Self::well(seed)
        }
    }

    /// Every turn begins and ends, and nothing happens in between.
    pub fn empty() -> Self {
        Self {
            measured: false,
            ..Self::well(0)
        }
    }

    pub fn events(&self, plan: &Plan) -> Vec<RunEvent> {
        let mut stream = Stream {
            events: Vec::new(),
            now_ms: 0,
            rng: Pcg64Mcg::seed_from_u64(self.seed),
        };
        stream.say(started(plan));
        for (turn, planned) in plan.turns.iter().enumerate() {
            let wrong = self.wrong.filter(|(_, arm, _)| *arm == planned.arm);
            self.turn(&mut stream, turn, &plan.arms[planned.arm], wrong);
        }
        stream.events
    }

    fn turn(&self, stream: &mut Stream, turn: usize, arm: &ArmPlan, wrong: Option<(Kind, usize, When)>) {
        let kind = |when| wrong.filter(|(_, _, is)| *is == when).map(|(kind, _, _)| kind);
        stream.say(EventKind::TurnStarted { turn });
        stream.phase(Phase::Starting);
        stream.go_wrong(turn, kind(When::Starting));
        stream.phase(Phase::Load);
        let wrong = kind(When::Measuring);
        stream.go_wrong(turn, wrong);
        if self.measured {
            stream.load(arm, wrong);
            stream.searches(arm);
            stream.clients(arm, wrong);
            stream.actions(arm, wrong);
            stream.facts(arm);
        }
        stream.phase(Phase::Stopping);
        stream.go_wrong(turn, kind(When::Stopping));
        stream.say(EventKind::TurnEnded);
    }
}

fn started(plan: &Plan) -> EventKind {
    EventKind::RunStarted(Box::new(RunInfo {
        version: EVENT_VERSION,
        run: "r".to_owned(),
        started: "2026-01-01T00:00:00Z".to_owned(),
        backend: "process".to_owned(),
        machine: Machine {
            cores: 2,
            os: "x".to_owned(),
            lab: "0".to_owned(),
        },
        plan: plan.clone(),
        expected: None,
    }))
}

struct Stream {
    events: Vec<RunEvent>,
    now_ms: u64,
    rng: Pcg64Mcg,
}

impl Stream {
    fn say(&mut self, kind: EventKind) {
        self.events.push(RunEvent {
            seq: self.events.len() as u64,
            elapsed_ms: self.now_ms,
            kind,
        });
    }

    fn phase(&mut self, phase: Phase) {
        self.now_ms += PART_MS;
        self.say(EventKind::Phase { phase, expected_s: 0.0 });
    }

    fn go_wrong(&mut self, turn: usize, kind: Option<Kind>) {
        let at_ms = self.now_ms + 1_000;
        if let Some(disturbance) = kind.and_then(|kind| kind.disturbance(at_ms, turn)) {
            self.say(EventKind::Disturbance(disturbance));
        }
        if kind == Some(Kind::InstanceDies) {
            self.say(EventKind::Instance(InstanceInfo {
                name: "gateway-1".to_owned(),
                service: "gateway".to_owned(),
                state: InstanceState::Dead,
                crash: Some("signal 9 ended it".to_owned()),
            }));
        }
    }

    /// Nothing, a few, or many: bounds lie in between.
    fn few_or_many(&mut self) -> u64 {
        [0, 1, 3, 40, 900][self.rng.random_range(0..5)]
    }

    fn load(&mut self, arm: &ArmPlan, wrong: Option<Kind>) {
        let names: Vec<String> = arm.loads.iter().map(|load| load.class.clone()).collect();
        let searched = arm.searches.iter().map(|search| search.class.clone());
        let all: Vec<String> = names.into_iter().chain(searched).collect();
        if all.is_empty() {
            return;
        }
        let classes = all.iter().map(|class| self.class(class, arm, wrong)).collect();
        self.say(EventKind::Sample(Box::new(Sample {
            at_s: arm.duration_s.max(1.0),
            span_s: arm.duration_s.max(1.0),
            classes,
            ..Sample::default()
        })));
    }

    fn class(&mut self, class: &str, arm: &ArmPlan, wrong: Option<Kind>) -> ClassSample {
        let middle = |from_s: f64, to_s: f64| (f64::midpoint(from_s, to_s) * 10.0) as u32;
        let windows = arm.windows.iter().map(|w| (w.name.clone(), middle(w.from_s, w.to_s)));
        let places: Vec<(String, u32)> = windows.chain([(String::new(), 0)]).collect();
        let slices: Vec<Slice> = places
            .into_iter()
            .map(|(name, at)| self.slice(name, at, wrong))
            .collect();
        let failed: u64 = slices.iter().flat_map(|slice| slice.errors.values()).sum();
        let ok: u64 = slices.iter().map(|slice| slice.ok).sum();
        let unsent = u64::from(wrong == Some(Kind::RequestsUnsent));
        let instances = arm
            .system
            .services
            .iter()
            .flat_map(compose::ServiceSpec::instance_names);
        ClassSample {
            class: class.to_owned(),
            scheduled: ok + failed + unsent,
            sent: ok + failed,
            ok,
            errors: [("http_503".to_owned(), failed)].into(),
            in_flight_time_s: 1.0,
            by_instance: instances
                .map(|instance| InstanceSample {
                    instance,
                    requests: ok.max(1),
                    ..InstanceSample::default()
                })
                .collect(),
            collected: (0..ok.min(20)).map(|n| json!((n % 7) as f64)).collect(),
            slices,
            ..ClassSample::default()
        }
    }

    fn slice(&mut self, window: String, index: u32, wrong: Option<Kind>) -> Slice {
        let mut slice = Slice {
            window,
            index,
            ok: 200,
            slow: self.few_or_many().min(200),
            errors: [("http_503".to_owned(), self.few_or_many())].into(),
            ..Slice::default()
        };
        let latency_ns = 1_000_000 * [1, 20, 3_000][self.rng.random_range(0..3)];
        slice.response.record_ns(latency_ns);
        slice.service.record_ns(latency_ns);
        let late = wrong == Some(Kind::GeneratorLate);
        slice.dispatch_lateness.record_ns(if late { LATE_NS } else { 10_000 });
        slice
    }

    fn searches(&mut self, arm: &ArmPlan) {
        for search in &arm.searches {
            let rate_per_s = 50.0 + self.few_or_many() as f64;
            self.say(EventKind::SearchStep(SearchStep {
                class: search.class.clone(),
                rate_per_s,
                latency_ms: Some(1.0),
                error_share: 0.0,
                outcome: StepOutcome::Within,
            }));
            self.say(EventKind::SearchEnded {
                class: search.class.clone(),
                within_per_s: Some(rate_per_s),
                beyond_per_s: Some(rate_per_s * 1.01),
            });
        }
    }

    fn clients(&mut self, arm: &ArmPlan, wrong: Option<Kind>) {
        for clients in &arm.clients {
            let count = clients.count * clients.waves;
            let operations = (0..count).map(|id| self.operation(u64::from(id), &clients.class, &clients.outputs));
            let mut operations: Vec<Operation> = operations.collect();
            if wrong == Some(Kind::ClientsMissing) {
                operations.pop();
            }
            self.say(EventKind::Operations { operations });
            if clients.quiescent.is_some() {
                let value = self.few_or_many() as f64;
                self.say(EventKind::Quiescent {
                    class: clients.class.clone(),
                    readings: [("item 1".to_owned(), value)].into(),
                });
            }
        }
        for law in &arm.invariants {
            let found = self.few_or_many();
            self.say(EventKind::Judged(Box::new(Judged {
                name: law.name.clone(),
                invariant: law.invariant,
                judgement: Judgement {
                    checked: 8,
                    unknown: 0,
                    verdict: if found > 0 {
                        InvariantVerdict::Violated
                    } else {
                        InvariantVerdict::Holds
                    },
                    most: law.invariant.tells_most().then_some(found),
                    found,
                    violations: Vec::new(),
                },
                diagram: None,
            })));
        }
    }

    fn operation(&mut self, id: u64, class: &str, outputs: &[String]) -> Operation {
        let number = 1.0 + self.few_or_many() as f64;
        let output = outputs.iter().map(|field| (field.clone(), json!(number))).collect();
        let well = self.rng.random_bool(0.8);
        Operation {
            id,
            actor: format!("client-{id}"),
            instance: None,
            class: class.to_owned(),
            key: "item 1".to_owned(),
            input: serde_json::Value::Null,
            output: serde_json::Value::Object(output),
            invoked_ns: id,
            completed_ns: Some(id + 1_000_000),
            outcome: if well { Completion::Ok } else { Completion::Fail },
            error: None,
            steps: vec![Step {
                at_ns: id,
                what: StepKind::Acquired,
                value: Some(1),
            }],
        }
    }

    fn actions(&mut self, arm: &ArmPlan, wrong: Option<Kind>) {
        let missing = usize::from(wrong == Some(Kind::ActionMissing));
        let failure = (wrong == Some(Kind::ActionFails)).then(|| "no such process".to_owned());
        for (number, action) in arm.actions.iter().enumerate().skip(missing) {
            self.say(EventKind::Action(Box::new(Acted {
                number: Some(number),
                command: Command::Act(action.clone()),
                planned_s: action.at_s,
                began_s: action.at_s,
                done_s: action.at_s,
                failure: failure.clone(),
            })));
        }
    }

    fn facts(&mut self, arm: &ArmPlan) {
        let probes = arm.probes.iter().map(|probe| (probe.name.clone(), probe.times));
        let own = ["settle_s", "settle_open", "deaths"].map(|name| (name.to_owned(), 1));
        for (name, times) in probes.chain(own) {
            let values = (0..times).map(|_| self.few_or_many() as f64).collect();
            self.say(EventKind::Fact { name, values });
        }
    }
}
