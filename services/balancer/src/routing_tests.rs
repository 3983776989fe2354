//! Who is picked, and who is not.

use super::*;

fn configs(names: &[&str]) -> Vec<UpstreamConfig> {
    names
        .iter()
        .map(|name| UpstreamConfig::new(name, "http://127.0.0.1:1").unwrap())
        .collect()
}

fn rules() -> HealthRules {
    HealthRules {
        passive_failures: 0,
        eject: Duration::from_secs(30),
        eject_max_percent: 50,
        panic_percent: 0,
        fails_open: true,
        probes_in_row: 2,
        slow_start: Duration::ZERO,
    }
}

fn routing_with(names: &[&str], policy: &str, rules: HealthRules) -> Routing {
    Routing::new(&configs(names), policy.parse().unwrap(), 1, rules)
}

/// How many of so many picks, each of which ends at once, the instance `name` gets at `now`.
fn share(routing: &Routing, name: &str, picks: usize, now: Duration) -> usize {
    let request = Request { now, key: None };
    let picked = (0..picks).filter_map(|_| routing.pick(&request, &[]));
    picked.filter(|in_flight| in_flight.upstream().name() == name).count()
}

fn fail(routing: &Routing, name: &str, times: u32, now: Duration) {
    let upstreams = routing.upstreams();
    let upstream = upstreams.iter().find(|upstream| upstream.name() == name).unwrap();
    for _ in 0..times {
        routing.observe(upstream, now, Duration::ZERO, true);
    }
}

fn routing(names: &[&str]) -> Routing {
    routing_with(names, "least_connections", rules())
}

#[test]
fn a_pick_counts_until_its_guard_is_dropped() {
    let routing = routing(&["a", "b"]);
    let first = routing.pick(&Request::default(), &[]).unwrap();
    let second = routing.pick(&Request::default(), &[]).unwrap();
    assert_ne!(first.upstream().name(), second.upstream().name());
    let a = Arc::clone(first.upstream());
    assert_eq!((a.in_flight(), a.requests()), (1, 1));
    drop(first);
    assert_eq!((a.in_flight(), a.requests(), a.failures()), (0, 1, 0));
}

#[test]
fn an_instance_on_both_lists_keeps_its_counts_and_a_new_one_starts_at_zero() {
    let routing = routing(&["a", "b"]);
    let held: Vec<_> = (0..4)
        .map(|_| routing.pick(&Request::default(), &[]).unwrap())
        .collect();
    routing.replace_upstreams(&configs(&["c", "b"]), Duration::ZERO);
    let counts: Vec<_> = routing
        .upstreams()
        .iter()
        .map(|upstream| (upstream.name().to_owned(), upstream.in_flight()))
        .collect();
    assert_eq!(counts, [("c".to_owned(), 0), ("b".to_owned(), 2)]);
    drop(held);
    assert!(routing.upstreams().iter().all(|upstream| upstream.in_flight() == 0));
}

#[test]
fn the_same_name_at_another_address_is_another_instance() {
    let routing = routing(&["a"]);
    let held = routing.pick(&Request::default(), &[]).unwrap();
    routing.replace_upstreams(
        &[UpstreamConfig::new("a", "http://127.0.0.1:2").unwrap()],
        Duration::ZERO,
    );
    assert_eq!(routing.upstreams()[0].in_flight(), 0);
    assert_eq!(held.upstream().in_flight(), 1);
}

#[test]
fn an_instance_out_of_rotation_is_not_picked() {
    let routing = routing(&["a", "b"]);
    let mut list = configs(&["a", "b"]);
    list[0].healthy = false;
    routing.replace_upstreams(&list, Duration::ZERO);
    for _ in 0..4 {
        assert_eq!(routing.pick(&Request::default(), &[]).unwrap().upstream().name(), "b");
    }
    list[1].healthy = false;
    routing.replace_upstreams(&list, Duration::ZERO);
    assert!(routing.pick(&Request::default(), &[]).is_none());
}

const S: Duration = Duration::from_secs(1);

#[test]
fn who_fails_in_a_row_is_out_for_a_time_and_comes_back() {
    let passive = HealthRules {
        passive_failures: 3,
        ..rules()
    };
    let routing = routing_with(&["a", "b"], "round_robin", passive);
    fail(&routing, "a", 2, S);
    assert_eq!(share(&routing, "a", 10, S), 5);
    fail(&routing, "a", 1, S);
    assert_eq!(share(&routing, "a", 10, 30 * S), 0);
    assert_eq!(share(&routing, "a", 10, 31 * S), 5);
}

#[test]
fn no_more_than_the_limit_are_ejected() {
    let passive = HealthRules {
        passive_failures: 1,
        ..rules()
    };
    let routing = routing_with(&["a", "b", "c", "d"], "round_robin", passive);
    for name in ["a", "b", "c", "d"] {
        fail(&routing, name, 1, S);
    }
    let (standings, panics) = routing.standings(S);
    let words: Vec<_> = standings.iter().map(Standing::word).collect();
    assert_eq!((words, panics), (vec!["ejected", "ejected", "in", "in"], false));
}

#[test]
fn when_too_few_are_well_all_are_used() {
    let panicky = HealthRules {
        panic_percent: 60,
        ..rules()
    };
    let routing = routing_with(&["a", "b", "c", "d"], "round_robin", panicky.clone());
    let upstreams = routing.upstreams();
    let down = |name: &str| {
        let upstream = upstreams.iter().find(|upstream| upstream.name() == name).unwrap();
        (0..2).for_each(|_| upstream.probed(false, S, &panicky));
    };
    down("a");
    assert_eq!(share(&routing, "a", 12, S), 0);
    down("b");
    assert_eq!(share(&routing, "a", 12, S), 3, "two of four are fewer than 60 %");
}

#[test]
fn when_nobody_is_well_all_are_used_or_none() {
    for (fails_open, picked) in [(true, true), (false, false)] {
        let rules = HealthRules { fails_open, ..rules() };
        let routing = routing_with(&["a", "b"], "round_robin", rules.clone());
        let upstreams = routing.upstreams();
        let request = Request { key: None, now: S };
        let probed = |upstream: &Upstream, well| (0..2).for_each(|_| upstream.probed(well, S, &rules));
        probed(&upstreams[0], false);
        assert_eq!(routing.pick(&request, &[]).unwrap().upstream().name(), "b");
        probed(&upstreams[1], false);
        assert_eq!(routing.pick(&request, &[]).is_some(), picked);
        probed(&upstreams[0], true);
        assert_eq!(routing.pick(&request, &[]).unwrap().upstream().name(), "a");
    }
}

#[test]
fn who_is_to_be_avoided_is_picked_only_where_there_is_nobody_else() {
    for kind in balance::REGISTRY {
        let routing = routing_with(&["a", "b", "c"], kind.name(), rules());
        let request = Request { key: Some(7), now: S };
        let avoided = ["a", "b"].map(hash::text);
        for _ in 0..10 {
            let picked = routing.pick_avoiding(&request, &[], &avoided).unwrap();
            assert_eq!(picked.upstream().name(), "c", "{kind}");
        }
        // A wish: the one that is left was tried.
        let second = routing.pick_avoiding(&request, &[hash::text("c")], &avoided).unwrap();
        assert_ne!(second.upstream().name(), "c", "{kind}");
        let all = ["a", "b", "c"].map(hash::text);
        assert!(routing.pick_avoiding(&request, &[], &all).is_some(), "{kind}");
    }
}

#[test]
fn who_was_tried_is_not_picked_again_under_any_policy() {
    for kind in balance::REGISTRY {
        let routing = routing_with(&["a", "b", "c"], kind.name(), rules());
        let request = Request { key: Some(7), now: S };
        let mut tried = Vec::new();
        for _ in 0..3 {
            let picked = routing.pick(&request, &tried).unwrap();
            assert!(!tried.contains(&picked.upstream().id()), "{kind}");
            tried.push(picked.upstream().id());
        }
        assert!(routing.pick(&request, &tried).is_none(), "{kind}");
    }
}

#[test]
fn a_new_instance_warms_up_under_every_policy_that_is_free_to_choose() {
    let slow_start = HealthRules {
        slow_start: 10 * S,
        ..rules()
    };
    for name in ["round_robin", "random", "least_connections", "two_choices", "peak_ewma"] {
        let routing = routing_with(&["a", "b", "c"], name, slow_start.clone());
        routing.replace_upstreams(&configs(&["a", "b", "c", "d"]), 100 * S);
        let (cold, warm) = (share(&routing, "d", 400, 101 * S), share(&routing, "d", 400, 110 * S));
        assert!(cold < 40 && warm >= 60, "{name}: {cold} then {warm} of 400");
    }
}

#[test]
fn a_cookie_finds_its_instance_unless_that_is_out() {
    let routing = routing(&["a", "b"]);
    let id = routing.upstreams()[1].id();
    assert_eq!(routing.enter(id, S).unwrap().upstream().name(), "b");
    let mut list = configs(&["a", "b"]);
    list[1].healthy = false;
    routing.replace_upstreams(&list, S);
    assert!(routing.enter(id, S).is_none() && routing.enter(7, S).is_none());
}
