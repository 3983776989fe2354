//! Makes a plan from a scenario and the options of a run.

use std::collections::BTreeMap;

use super::resolve::{Resolver, SECONDS_MAX, TIMEOUT_DEFAULT_S};
use super::{
    ActionSpec, ArmPlan, Bounds, CheckPlan, LeftOut, LoadSpec, PaceSpec, Plan, ProbeSpec, SearchSpec, StorySpec, Turn,
    WindowSpec,
};
use super::{clients, left_out, links, params, predict, requests, simulation, system};
use crate::format::{
    Action, Arm, Check, Document, LawSection, Load, Place, Problem, Quantity, ROUNDS_MAX, RestartKind, Scenario,
    SearchSection, Step,
};

/// The highest rate that a scenario may ask for, requests per second.
const RATE_MAX: f64 = 1e6;
/// Connections of an open loop where the scenario says nothing.
const CONNECTIONS_DEFAULT: f64 = 512.0;
/// The shortest time-out, seconds: a request that may take no time at all is never answered.
const TIMEOUT_MIN_S: f64 = 0.001;
/// How long an arm's clients take where the scenario says nothing, seconds.
const CLIENTS_DEFAULT_S: f64 = 2.0;
/// How long events may take to arrive where the scenario says nothing, seconds.
const SETTLE_DEFAULT_S: f64 = 60.0;
/// The least processor time that an engine accepts as a limit, and more than any machine has.
pub(super) const CPUS_MIN: f64 = 0.01;
pub(super) const CPUS_MAX: f64 = 1024.0;

/// What the person who starts a run decides.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The seed.
    pub seed: u64,
    /// Quick values of parameters and rounds.
    pub quick: bool,
    /// Rounds, where they differ from the scenario's.
    pub rounds: Option<u32>,
    /// Parameters set by hand, by name, as written.
    pub set: BTreeMap<String, String>,
    /// Cores of the machine.
    pub cores: usize,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A parameter that the scenario does not declare.
    #[error("the scenario has no parameter `{name}` ({hint})")]
    UnknownParam {
        /// As it was given.
        name: String,
        /// What there is.
        hint: String,
    },
    /// A parameter outside its range.
    #[error("{name}={value} is outside of {min} to {max}")]
    ParamOutOfRange {
        /// Which.
        name: String,
        /// As it was given.
        value: f64,
        /// The smallest allowed.
        min: f64,
        /// The largest allowed.
        max: f64,
    },
    /// A number that is none.
    #[error("{name}={value}: `{value}` is not a number")]
    NotANumber {
        /// Which.
        name: String,
        /// As it was given.
        value: String,
    },
    /// A word that the choice does not have.
    #[error("{name}={value} is not a choice; it is one of {}", choices.join(", "))]
    NoSuchChoice {
        /// Which.
        name: String,
        /// As it was given.
        value: String,
        /// What there is.
        choices: Vec<String>,
    },
    /// Rounds that nobody could wait for.
    #[error("{rounds} rounds: give from 1 to {}", crate::format::ROUNDS_MAX)]
    Rounds {
        /// As it was given.
        rounds: u32,
    },
    /// Nothing is left to measure.
    #[error("nothing is left to measure: {}", reasons.join("; "))]
    NothingLeft {
        /// Each arm and why it was left out.
        reasons: Vec<String>,
    },
    /// A playground on an arm that the scenario does not have.
    #[error("the scenario has no arm `{name}` ({hint})")]
    UnknownArm {
        /// As it was given.
        name: String,
        /// What there is.
        hint: String,
    },
    /// A playground on a scenario whose load has no rate to play with.
    #[error("{scenario} has no steady stream of requests to play with")]
    NothingSteady {
        /// The scenario.
        scenario: String,
    },
    /// The scenario's own numbers do not fit together.
    #[error("{}", .0.message)]
    Scenario(Problem),
}

impl From<Problem> for PlanError {
    fn from(problem: Problem) -> Self {
        Self::Scenario(problem)
    }
}

impl Plan {
    /// Decides every number of a scenario.
    ///
    /// # Errors
    /// When a parameter is unknown or out of range, or an expression has no value.
    pub fn make(scenario: &Scenario, options: &Options) -> Result<Self, PlanError> {
        let document = &scenario.document;
        let params = params::params(document, options)?;
        let rounds = options.rounds.unwrap_or(if options.quick {
            document.run.quick_rounds
        } else {
            document.run.rounds
        });
        if !(1..=ROUNDS_MAX).contains(&rounds) {
            return Err(PlanError::Rounds { rounds });
        }
        let cores = options.cores.max(1) as f64;
        let resolver = Resolver::new(&params, cores, rounds);
        let arms = document
            .arms
            .iter()
            .map(|arm| arm_plan(document, arm, &resolver))
            .collect::<Result<Vec<_>, _>>()?;
        let simulations = document
            .simulations
            .iter()
            .map(|section| simulation::spec(section, &resolver))
            .collect::<Result<_, _>>()?;
        let (arms, left_out) = left_out::sort_out(arms, |arm| options.quick && !in_quick_runs(document, arm));
        if arms.is_empty() {
            let reasons = left_out.iter().map(LeftOut::sentence).collect();
            return Err(PlanError::NothingLeft { reasons });
        }
        let checks = document
            .checks
            .iter()
            .map(|check| check_plan(check, &resolver))
            .collect::<Result<_, _>>()?;
        let (checks, undecided) = left_out::decidable(checks, &left_out);
        let predict = document
            .predict
            .as_ref()
            .map(|predict| predict::spec(predict, &resolver))
            .transpose()?;
        Ok(Self {
            scenario: scenario.name().to_owned(),
            title: document.title.clone(),
            question: document.question.clone(),
            phase: document.phase,
            turns: turns(arms.len(), rounds),
            overridden: params::overridden(&params, options),
            quick: options.quick,
            seed: options.seed,
            lateness_p99_ms_max: document.run.lateness_p99_ms_max,
            error_share_max: document.run.error_share_max,
            settle_s: resolver.or(
                document.run.settle_s.as_ref(),
                SETTLE_DEFAULT_S,
                SECONDS_MAX,
                "the time to settle",
            )?,
            params,
            rounds,
            cores,
            arms,
            keep_s: None,
            predict: left_out::answerable(predict, &left_out),
            left_out,
            simulations,
            checks,
            undecided,
        })
    }

    /// About how long the whole run takes, seconds.
    pub fn expected_s(&self) -> f64 {
        self.turns.iter().map(|turn| self.arms[turn.arm].expected_s()).sum()
    }
}

/// A B C, C B A, A B C, …: what drifts with time then touches all arms alike.
fn turns(arms: usize, rounds: u32) -> Vec<Turn> {
    let forward: Vec<usize> = (0..arms).collect();
    let backward: Vec<usize> = (0..arms).rev().collect();
    (1..=rounds)
        .flat_map(|round| {
            let order = if round % 2 == 1 { &forward } else { &backward };
            order
                .iter()
                .map(move |arm| Turn { round, arm: *arm })
                .collect::<Vec<_>>()
        })
        .collect()
}

fn arm_plan(document: &Document, arm: &Arm, resolver: &Resolver) -> Result<ArmPlan, Problem> {
    let here = |arms: &[Place]| arms.is_empty() || arms.iter().any(|name| name.as_str() == arm.name.as_str());
    let searches: Vec<SearchSpec> = document
        .searches
        .iter()
        .filter(|search| here(&search.arms))
        .map(|search| search_spec(search, resolver))
        .collect::<Result<_, _>>()?;
    let loads: Vec<&Load> = document.loads.iter().filter(|load| here(&load.arms)).collect();
    let duration_s = match &document.run.duration_s {
        Some(duration) => resolver.number_in(duration, 0.1, SECONDS_MAX, "the duration")?,
        None => longest_steps(&loads, resolver)?,
    };
    let duration_s = if loads.is_empty() { 0.0 } else { duration_s };
    let mut windows: Vec<WindowSpec> = document
        .windows
        .iter()
        .map(|window| {
            Ok(WindowSpec {
                name: window.name.to_string(),
                from_s: resolver.number_in(&window.from_s, 0.0, SECONDS_MAX, "the begin")?,
                to_s: resolver.number_in(&window.to_s, 0.0, SECONDS_MAX, "the end")?,
            })
        })
        .collect::<Result<_, Problem>>()?;
    for load in &loads {
        windows.extend(step_windows(&load.steps, resolver)?);
    }
    let mut actions: Vec<ActionSpec> = document
        .actions
        .iter()
        .filter(|action| here(&action.arms))
        .map(|action| action_spec(action, resolver))
        .collect::<Result<_, _>>()?;
    actions.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    let system = system::spec(document, arm, resolver)?;
    let clients = document
        .clients
        .iter()
        .filter(|clients| here(&clients.arms))
        .map(|clients| clients::spec(clients, document, &system, resolver))
        .collect::<Result<Vec<_>, _>>()?;
    let acts = |law: &LawSection| clients.iter().any(|clients| clients.class == law.of.as_str());
    let laws = document
        .laws
        .iter()
        .filter(|law| here(&law.arms) && acts(law))
        .map(|law| clients::law(law, resolver))
        .collect::<Result<_, _>>()?;
    let clients_s = match clients.is_empty() {
        true => 0.0,
        false => resolver.or(
            document.run.clients_s.as_ref(),
            CLIENTS_DEFAULT_S,
            SECONDS_MAX,
            "the clients' time",
        )?,
    };
    system::check(document, arm, &system, &actions)?;
    Ok(ArmPlan {
        name: arm.name.to_string(),
        label: resolver.fill(&arm.label)?,
        system,
        warmup_s: resolver.or(document.run.warmup_s.as_ref(), 0.0, SECONDS_MAX, "the warm-up")?,
        duration_s,
        loads: loads
            .iter()
            .map(|load| load_spec(load, document, duration_s, resolver))
            .collect::<Result<_, _>>()?,
        clients,
        clients_s,
        laws,
        searches,
        actions,
        windows,
        probes: document
            .probes
            .iter()
            .filter(|probe| here(&probe.arms))
            .map(|probe| {
                Ok(ProbeSpec {
                    name: probe.name.to_string(),
                    service: asked(probe.service.as_ref(), document)?,
                    method: probe.method.clone(),
                    path: requests::path(&probe.method, &probe.path, &[], resolver)?,
                    field: probe.field.clone(),
                    times: resolver.or(probe.times.as_ref(), 1.0, 10_000.0, "the number of times")? as u32,
                })
            })
            .collect::<Result<_, Problem>>()?,
        stories: document
            .stories
            .iter()
            .filter(|story| here(&story.arms))
            .map(|story| {
                Ok(StorySpec {
                    service: asked(Some(&story.service), document)?,
                    path: requests::path("GET", &story.path, &[], resolver)?,
                })
            })
            .collect::<Result<_, Problem>>()?,
        revived: document
            .system
            .services
            .iter()
            .filter(|base| {
                let change = arm
                    .services
                    .iter()
                    .find(|service| service.name.as_str() == base.name.as_str());
                change.and_then(|change| change.restart).or(base.restart) == Some(RestartKind::Always)
            })
            .map(|service| service.name.to_string())
            .collect(),
    })
}

/// The service that is asked: this one, or the entry.
fn asked(service: Option<&Place>, document: &Document) -> Result<String, Problem> {
    let service = service.unwrap_or(&document.system.entry);
    requests::answers_http(service, document)?;
    Ok(service.to_string())
}

fn longest_steps(loads: &[&Load], resolver: &Resolver) -> Result<f64, Problem> {
    loads.iter().try_fold(0.0_f64, |longest, load| {
        let total = load
            .steps
            .iter()
            .try_fold(0.0, |sum, step| Ok(sum + seconds(&step.for_s, resolver)?))?;
        Ok(longest.max(total))
    })
}

fn seconds(quantity: &Quantity, resolver: &Resolver) -> Result<f64, Problem> {
    resolver.number_in(quantity, 0.05, SECONDS_MAX, "the length")
}

fn step_windows(steps: &[Step], resolver: &Resolver) -> Result<Vec<WindowSpec>, Problem> {
    let mut begin = 0.0;
    steps
        .iter()
        .map(|step| {
            let end = begin + seconds(&step.for_s, resolver)?;
            let settle = resolver.or(step.settle_s.as_ref(), 0.0, end - begin, "the settling time")?;
            let window = WindowSpec {
                name: step.name.to_string(),
                from_s: begin + settle,
                to_s: end,
            };
            begin = end;
            Ok(window)
        })
        .collect()
}

fn in_quick_runs(document: &Document, arm: &str) -> bool {
    document
        .arms
        .iter()
        .any(|other| other.name.as_str() == arm && other.quick)
}

fn load_spec(load: &Load, document: &Document, duration_s: f64, resolver: &Resolver) -> Result<LoadSpec, Problem> {
    Ok(LoadSpec {
        class: load.class.to_string(),
        service: asked(load.service.as_ref(), document)?,
        request: requests::of_load(&load.request, resolver)?,
        pace: pace_spec(load, duration_s, resolver)?,
        timeout_s: timeout_s(load.timeout_s.as_ref(), resolver)?,
        slow_over_ms: load
            .slow_over_ms
            .as_ref()
            .map(|slow| resolver.number_in(slow, 0.0, SECONDS_MAX * 1000.0, "the slow bound"))
            .transpose()?,
        collect: load.collect.clone(),
    })
}

/// Seconds until a request has failed.
pub(super) fn timeout_s(timeout: Option<&Quantity>, resolver: &Resolver) -> Result<f64, Problem> {
    timeout.map_or(Ok(TIMEOUT_DEFAULT_S), |timeout| {
        resolver.number_in(timeout, TIMEOUT_MIN_S, SECONDS_MAX, "the timeout")
    })
}

fn pace_spec(load: &Load, duration_s: f64, resolver: &Resolver) -> Result<PaceSpec, Problem> {
    if let Some(closed) = &load.closed {
        return Ok(PaceSpec::Closed {
            connections: resolver.number_in(&closed.connections, 1.0, 10_000.0, "the number of clients")? as usize,
            think_ms: resolver.or(closed.think_ms.as_ref(), 0.0, 60_000.0, "the thinking time")?,
            requests_max: closed
                .requests_max
                .as_ref()
                .map(|max| {
                    resolver
                        .number_in(max, 1.0, 1e9, "the number of requests")
                        .map(|max| max as u64)
                })
                .transpose()?,
        });
    }
    if !load.at_s.is_empty() {
        let times = load
            .at_s
            .iter()
            .map(|at| resolver.number_in(at, 0.0, SECONDS_MAX, "the time"));
        return times.collect::<Result<_, _>>().map(PaceSpec::At);
    }
    let rate = |quantity| resolver.number_in(quantity, 0.0, RATE_MAX, "the rate");
    let stages = match &load.rate_per_s {
        Some(constant) => {
            let constant = rate(constant)?;
            vec![(constant, constant, duration_s)]
        }
        None => load
            .steps
            .iter()
            .map(|step| {
                let from = rate(&step.rate_per_s)?;
                let to = step.to_rate_per_s.as_ref().map_or(Ok(from), rate)?;
                Ok((from, to, seconds(&step.for_s, resolver)?))
            })
            .collect::<Result<_, Problem>>()?,
    };
    let connections_max = resolver.or(
        load.connections_max.as_ref(),
        CONNECTIONS_DEFAULT,
        20_000.0,
        "the number of connections",
    )?;
    Ok(PaceSpec::Open {
        arrivals: load.arrivals,
        stages,
        connections_max: connections_max as usize,
    })
}

fn search_spec(search: &SearchSection, resolver: &Resolver) -> Result<SearchSpec, Problem> {
    Ok(SearchSpec {
        class: search.class.to_string(),
        request: requests::of_load(&search.request, resolver)?,
        from_rate_per_s: resolver.number_in(&search.from_rate_per_s, 1.0, RATE_MAX, "the first rate")?,
        to_rate_per_s: resolver.number_in(&search.to_rate_per_s, 1.0, RATE_MAX, "the last rate")?,
        quantile: search.quantile,
        within_ms: resolver.number_in(&search.within_ms, 0.01, SECONDS_MAX * 1000.0, "the objective")?,
        step_s: seconds(&search.step_s, resolver)?,
        steps_max: resolver.number_in(&search.steps_max, 1.0, 100.0, "the number of steps")? as u32,
        arrivals: search.arrivals,
    })
}

fn action_spec(action: &Action, resolver: &Resolver) -> Result<ActionSpec, Problem> {
    Ok(ActionSpec {
        at_s: resolver.number_in(&action.at_s, 0.0, SECONDS_MAX, "the time")?,
        verb: action.verb,
        target: action.target.to_string(),
        instances: action
            .instances
            .as_ref()
            .map(|instances| {
                resolver
                    .number_in(instances, 1.0, 64.0, "the number of instances")
                    .map(|n| n as u32)
            })
            .transpose()?,
        policy: action.policy.as_ref().map(ToString::to_string),
        cpus: action
            .cpus
            .as_ref()
            .map(|cpus| resolver.number_in(cpus, CPUS_MIN, CPUS_MAX, "the number of cores"))
            .transpose()?,
        link: links::change(action, resolver)?,
    })
}

fn check_plan(check: &Check, resolver: &Resolver) -> Result<CheckPlan, Problem> {
    let number = |quantity: &Option<Quantity>| quantity.as_ref().map(|quantity| resolver.number(quantity)).transpose();
    let equals = number(&check.equals)?;
    Ok(CheckPlan {
        name: resolver.fill(&check.name)?,
        value: check.value.to_string(),
        bounds: Bounds {
            at_least: equals.or(number(&check.at_least)?),
            at_most: equals.or(number(&check.at_most)?),
        },
        unit: check.unit,
        role: check.role,
    })
}

#[cfg(test)]
mod tests {
    use compose::BalancerKind;
    use contract::Program;

    use super::*;
    use crate::plan::ParamValue;

    fn scenario(name: &str) -> Scenario {
        Scenario::parse(crate::catalog::source(name).unwrap()).unwrap()
    }

    fn options(set: &[(&str, f64)]) -> Options {
        let set = set.iter().map(|(name, value)| ((*name).to_owned(), value.to_string()));
        let set = set.collect();
        Options {
            seed: 7,
            cores: 2,
            set,
            ..Options::default()
        }
    }

    #[test]
    fn the_same_options_give_the_same_plan() {
        let scenario = scenario("queueing-knee");
        let text = || serde_json::to_string(&Plan::make(&scenario, &options(&[])).unwrap()).unwrap();
        assert_eq!(text(), text());
    }

    #[test]
    fn a_parameter_reaches_everything_that_is_written_in_terms_of_it() {
        let plan = Plan::make(
            &scenario("cpu-blocking"),
            &options(&[("burn_ms", 500.0), ("instances", 5.0)]),
        )
        .unwrap();
        let arm = &plan.arms[1];
        assert_eq!(arm.label, "5 instances, round robin");
        assert_eq!(arm.system.services[0].instances, 5);
        assert_eq!(arm.loads[1].request.path, "/api/blocking?ms=500");
        assert!((arm.windows[0].to_s - 1.1).abs() < 1e-9 && (arm.duration_s - 1.7).abs() < 1e-9);
    }

    #[test]
    fn steps_become_stages_and_windows_without_their_settling_time() {
        let plan = Plan::make(&scenario("queueing-knee"), &options(&[("step_s", 2.0)])).unwrap();
        let arm = &plan.arms[0];
        let PaceSpec::Open { stages, .. } = &arm.loads[0].pace else {
            panic!("steps are an open loop")
        };
        assert_eq!(stages.len(), arm.windows.len());
        let lengths: f64 = stages.iter().map(|(_, _, for_s)| for_s).sum();
        assert!((arm.duration_s - lengths).abs() < 1e-9);
        assert!((arm.windows[1].from_s - (2.0 + 0.4)).abs() < 1e-9 && (arm.windows[1].to_s - 4.0).abs() < 1e-9);
    }

    #[test]
    fn wrong_parameters_are_refused() {
        let scenario = scenario("scaling");
        let error = |set| Plan::make(&scenario, &options(set)).unwrap_err().to_string();
        assert!(error(&[("instnaces", 3.0)]).contains("did you mean `instances`?"));
        assert!(error(&[("instances", 99.0)]).contains("outside of 2 to 9"));
    }

    #[test]
    fn a_choice_is_one_of_its_words_and_its_first_where_nothing_is_set() {
        let scenario = scenario("lb-algorithms");
        let chosen = |word: &str| {
            let set = BTreeMap::from([("balancer".to_owned(), word.to_owned())]);
            Plan::make(&scenario, &Options { set, ..options(&[]) })
        };
        let plan = Plan::make(&scenario, &options(&[])).unwrap();
        assert_eq!(plan.params["balancer"], ParamValue::from("lab"));
        assert!(plan.left_out.is_empty() && plan.undecided.is_empty());
        let message = chosen("nginz").unwrap_err().to_string();
        assert!(message.contains("nginz") && message.contains("lab, nginx"), "{message}");
        assert!(chosen("3").is_err());
    }

    #[test]
    fn what_nginx_has_not_is_left_out_with_the_reason_and_with_the_checks_that_speak_of_it() {
        let scenario = scenario("lb-algorithms");
        let set = BTreeMap::from([("balancer".to_owned(), "nginx".to_owned())]);
        let with_nginx = Plan::make(&scenario, &Options { set, ..options(&[]) }).unwrap();
        let all = Plan::make(&scenario, &options(&[])).unwrap();
        assert_eq!(with_nginx.overridden["balancer"], ParamValue::from("nginx"));
        assert_eq!(with_nginx.arms.len() + with_nginx.left_out.len(), all.arms.len());
        assert_eq!(with_nginx.checks.len() + with_nginx.undecided.len(), all.checks.len());
        let out: Vec<&str> = with_nginx.left_out.iter().map(|out| out.arm.name.as_str()).collect();
        assert!(
            out.contains(&"peak_ewma") && !out.contains(&"least_connections"),
            "{out:?}"
        );
        assert!(with_nginx.left_out[0].sentence().contains("nginx cannot"));
        let kinds = with_nginx.arms.iter().flat_map(|arm| &arm.system.services);
        let mut kinds = kinds
            .filter_map(|service| service.balancer.as_ref())
            .map(|balancer| balancer.kind);
        assert!(kinds.all(|kind| kind == BalancerKind::Nginx));
        assert!(with_nginx.turns.iter().all(|turn| turn.arm < with_nginx.arms.len()));
    }

    #[test]
    fn a_store_that_is_chosen_is_one_more_service_of_every_arm() {
        let scenario = scenario("race-condition");
        let made = |words: &[&str]| {
            let set = words.iter().map(|word| ("store".to_owned(), (*word).to_owned()));
            let set = set.collect();
            Plan::make(&scenario, &Options { set, ..options(&[]) }).unwrap()
        };
        let has = |plan: &Plan| {
            let mut arms = plan.arms.iter().map(|arm| arm.system.has(Program::Postgres));
            let first = arms.next().unwrap();
            assert!(arms.all(|other| other == first), "arms differ in nothing else");
            first
        };
        assert!(!has(&made(&[])) && !has(&made(&["sqlite"])));
        assert!(has(&made(&["postgres"])));
        let source = crate::catalog::source("race-condition").unwrap();
        let text = source.scenario.replace("store = \"{store}\"", "store = \"postgre\"");
        let wrong = Scenario::parse(crate::format::Source {
            scenario: text,
            ..source
        });
        let said = wrong.err().unwrap().to_string();
        assert!(
            said.contains("no store `postgre`") && said.contains("did you mean `postgres`?"),
            "{said}"
        );
    }

    #[test]
    fn a_quick_run_does_without_some_arms_and_says_so() {
        let scenario = scenario("lb-algorithms");
        let all = Plan::make(&scenario, &options(&[])).unwrap();
        let quick = Options {
            quick: true,
            ..options(&[])
        };
        let quick = Plan::make(&scenario, &quick).unwrap();
        assert!(quick.arms.len() < all.arms.len());
        assert_eq!(quick.arms.len() + quick.left_out.len(), all.arms.len());
        assert!(quick.left_out.iter().all(|out| out.reason.contains("quick run")));
        let named = |name: &str| quick.undecided.iter().any(|check| check.contains(name));
        assert!(
            named("hash of the address") && !named("round robin sends"),
            "{:?}",
            quick.undecided
        );
        assert!(quick.expected_s() < 15.0, "{}", quick.expected_s());
    }

    #[test]
    fn arms_are_interleaved_and_every_round_has_each_once() {
        let order: Vec<(u32, usize)> = turns(3, 2).iter().map(|turn| (turn.round, turn.arm)).collect();
        assert_eq!(order, [(1, 0), (1, 1), (1, 2), (2, 2), (2, 1), (2, 0)]);
    }
}
