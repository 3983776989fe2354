use std::collections::BTreeMap;

use compose::BalancerKind;
use contract::Program;

use super::*;
use crate::catalog;
use crate::format::Source;
use crate::lint;
use crate::plan::{Expected, PaceSpec, ParamValue};

fn scenario(name: &str) -> Scenario {
    catalog::scenario(name).unwrap()
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
    assert!(with_nginx.left_out[0].words().contains("nginx cannot"));
    let kinds = with_nginx.arms.iter().flat_map(|arm| &arm.system.services);
    let mut kinds = kinds
        .filter_map(|service| service.balancer.as_ref())
        .map(|balancer| balancer.kind);
    assert!(kinds.all(|kind| kind == BalancerKind::Nginx));
    assert!(with_nginx.turns.iter().all(|turn| turn.arm < with_nginx.arms.len()));
}

#[test]
fn a_prometheus_may_be_one_of_the_services_and_be_asked_and_a_redis_may_not_be_asked() {
    let with = |server: &str| {
        let source = catalog::source("scaling").unwrap();
        let services = format!("[[system.service]]\nname = \"{server}\"\n\n[[system.service]]");
        let text = source.scenario.replacen("[[system.service]]", &services, 1);
        let probe = "[[probe]]\nname = \"asked\"\npath = \"/api/v1/query?query=up\"\nfield = \"status\"";
        let scenario = Scenario::parse(Source {
            scenario: format!("{text}\n{probe}\nservice = \"{server}\"\n"),
            ..source
        });
        Plan::make(&scenario.unwrap(), &options(&[]))
    };
    let plan = with("prometheus").unwrap();
    assert!(plan.arms.iter().all(|arm| arm.system.has(Program::Prometheus)));
    let said = with("redis").unwrap_err().to_string();
    assert!(said.contains("answers no HTTP requests"), "{said}");
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
    let source = catalog::source("race-condition").unwrap();
    let text = source.scenario.replace("store = \"{store}\"", "store = \"postgre\"");
    let wrong = Scenario::parse(Source {
        scenario: text,
        ..source
    });
    let said = lint::check(&wrong.unwrap()).unwrap_err().to_string();
    assert!(
        said.contains("no store `postgre`") && said.contains("did you mean `postgres`?"),
        "{said}"
    );
}

#[test]
fn a_rate_needs_its_limit_and_its_window() {
    let made = |keys: &str| {
        let source = catalog::source("race-condition").unwrap();
        let law = format!("law = \"rate\"\n{keys}");
        let scenario = Scenario::parse(Source {
            scenario: source.scenario.replacen("law = \"conservation\"", &law, 1),
            ..source
        });
        Plan::make(&scenario.unwrap(), &options(&[]))
    };
    for missing in ["", "limit = 5", "window_s = 10"] {
        let said = made(missing).unwrap_err().to_string();
        let meaning = match missing {
            "limit = 5" => "how long such a window is",
            _ => "how many operations on a key may succeed",
        };
        assert!(said.contains(&format!("nothing says {meaning}")), "{missing}: {said}");
    }
    let said = made("limit = 0\nwindow_s = 10").unwrap_err().to_string();
    assert!(said.contains("`limit` is 0"), "{said}");
    let plan = made("limit = 5\nwindow_s = \"2.0 * 5.0\"").unwrap();
    let law = &plan.arms[0].invariants[0];
    assert_eq!((law.numbers["limit"], law.numbers["window_s"]), (5.0, 10.0));
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
    let expected_s = Expected::of(&quick, None).whole_s(&quick);
    assert!(expected_s < 15.0, "{expected_s}");
}

#[test]
fn arms_are_interleaved_and_every_round_has_each_once() {
    let order: Vec<(u32, usize)> = turns(3, 2).iter().map(|turn| (turn.round, turn.arm)).collect();
    assert_eq!(order, [(1, 0), (1, 1), (1, 2), (2, 2), (2, 1), (2, 0)]);
}
