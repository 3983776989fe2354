//! Against what is known in closed form.

use balance::PolicyKind;
use sim::{Arrivals, Failing, Information, Keys, Model, ServiceTime, SimFigures, Slow, fullest_bin, run, sweep};

fn kind(name: &str) -> PolicyKind {
    name.parse().expect("it is registered")
}

/// Servers of 10 ms.
fn model(policy: &str, servers: u32, load: f64) -> Model {
    Model {
        servers,
        load,
        requests: 1_500_000,
        warmup: 150_000,
        ..Model::new(kind(policy))
    }
}

fn play(model: &Model) -> SimFigures {
    run(model).expect("the model is sound")
}

fn assert_close(measured: f64, expected: f64, within: f64, what: &str) {
    assert!(
        (measured / expected - 1.0).abs() < within,
        "{what}: {measured} where theory says {expected}"
    );
}

#[test]
fn one_server_is_an_m_m_1() {
    for load in [0.3, 0.8] {
        let outcome = play(&model("round_robin", 1, load));
        // Response times of M/M/1 are exponential around s / (1 - rho).
        let mean_ms = 10.0 / (1.0 - load);
        assert_close(outcome.mean_ms.unwrap(), mean_ms, 0.03, "mean");
        assert_close(outcome.p50_ms.unwrap(), mean_ms * 2_f64.ln(), 0.03, "median");
        assert_close(outcome.p99_ms.unwrap(), mean_ms * 100_f64.ln(), 0.05, "p99");
        assert_eq!(outcome.ok, outcome.requests);
    }
}

#[test]
fn random_makes_of_each_server_an_m_m_1() {
    let outcome = play(&model("random", 50, 0.7));
    assert_close(outcome.mean_ms.unwrap(), 10.0 / 0.3, 0.03, "mean");
}

#[test]
fn one_server_with_c_slots_is_an_m_m_c() {
    for (slots, load) in [(4_u32, 0.8), (16, 0.9)] {
        let outcome = play(&Model {
            slots,
            ..model("round_robin", 1, load)
        });
        let (c, offered) = (f64::from(slots), f64::from(slots) * load);
        // Erlang's C by his recursion for B: B(0) = 1, B(k) = aB(k-1) / (k + aB(k-1)).
        let blocked = (1..=slots).fold(1.0, |b, k| offered * b / (f64::from(k) + offered * b));
        let waits = blocked / (1.0 - load * (1.0 - blocked));
        let mean_ms = 10.0 + waits * 10.0 / (c * (1.0 - load));
        assert_close(outcome.mean_ms.unwrap(), mean_ms, 0.02, "mean");
    }
}

#[test]
fn constant_service_halves_the_wait_of_an_m_m_1() {
    let service = ServiceTime::Constant { mean_s: 0.010 };
    let outcome = play(&Model {
        service,
        ..model("round_robin", 1, 0.8)
    });
    // Pollaczek and Khinchine: the wait is rho s / (2 (1 - rho)) for M/D/1.
    assert_close(outcome.mean_ms.unwrap(), 10.0 + 0.8 * 10.0 / 0.4, 0.03, "mean");
}

#[test]
fn two_choices_follow_the_supermarket_model() {
    for load in [0.7, 0.9] {
        let outcome = play(&model("two_choices", 1_000, load));
        // Mitzenmacher 2001: E T = sum over i >= 1 of rho^((2^i - 2) / (2 - 1)), for many servers.
        let mean_ms: f64 = (1..12)
            .map(|i| 10.0 * f64::powf(load, f64::from(2_u32.pow(i) - 2)))
            .sum();
        assert_close(outcome.mean_ms.unwrap(), mean_ms, 0.02, "mean");
    }
}

#[test]
fn littles_law_holds_under_every_policy() {
    for policy in balance::REGISTRY {
        let model = Model {
            requests: 300_000,
            warmup: 30_000,
            ..model(policy.name(), 20, 0.6)
        };
        let outcome = play(&model);
        let arrivals_per_s = outcome.requests as f64 / outcome.simulated_s;
        let in_system = arrivals_per_s * outcome.mean_ms.unwrap() / 1e3;
        assert_close(outcome.in_system_mean, in_system, 0.01, policy.name());
    }
}

#[test]
fn balls_into_bins() {
    for (bins, one, two) in [(1_000, 4..=8, 2..=4), (100_000, 6..=11, 3..=4)] {
        for seed in 0..3 {
            let blind = fullest_bin(kind("random"), bins, seed);
            let chosen = fullest_bin(kind("two_choices"), bins, seed);
            assert!(
                one.contains(&blind) && two.contains(&chosen),
                "{bins}: {blind} and {chosen}"
            );
        }
    }
    assert_eq!(fullest_bin(kind("least_connections"), 1_000, 1), 1);
}

/// The shape of Linkerd's comparison (2016): one node of eleven answers in 2 s, and clients give up after 1 s.
#[test]
fn one_slow_node_of_eleven_gives_the_published_order() {
    let success = |policy| {
        play(&Model {
            slow: Slow {
                servers: 1,
                factor: 200.0,
            },
            slots: 1_000,
            service: ServiceTime::Constant { mean_s: 0.010 },
            timeout_s: Some(1.0),
            requests: 250_000,
            warmup: 25_000,
            load: 0.002,
            ..model(policy, 11, 0.5)
        })
        .success
    };
    let (round_robin, least, peak) = (
        success("round_robin"),
        success("least_connections"),
        success("peak_ewma"),
    );
    assert_close(1.0 - round_robin, 1.0 / 11.0, 0.01, "every eleventh");
    assert!(
        round_robin < least && least < peak && peak > 0.999,
        "{round_robin} {least} {peak}"
    );
}

#[test]
fn a_fast_failure_is_a_sinkhole_unless_it_has_a_price() {
    let share = |policy| {
        let failing = Failing {
            servers: 1,
            after_s: 0.0001,
        };
        play(&Model {
            failing,
            requests: 250_000,
            warmup: 25_000,
            ..model(policy, 10, 0.6)
        })
        .failing_share
    };
    let fair = 0.1;
    assert_close(share("round_robin"), fair, 0.01, "a fair share");
    let (least, fastest, priced) = (
        share("least_connections"),
        share("least_response_time"),
        share("peak_ewma"),
    );
    assert!(least > 1.5 * fair && fastest > 5.0 * fair, "{least} {fastest}");
    assert!(priced < 0.1 * fair, "{priced}");
}

#[test]
fn old_information_turns_the_best_policy_into_the_worst() {
    let mean_ms = |policy, information| {
        let model = Model {
            requests: 250_000,
            warmup: 25_000,
            information,
            ..model(policy, 100, 0.8)
        };
        play(&model).mean_ms.unwrap()
    };
    // Twenty service times old: everybody runs to whoever was free.
    let old = Information::Board { every_s: 0.2 };
    assert!(mean_ms("least_connections", Information::Own) < mean_ms("two_choices", Information::Own));
    assert!(mean_ms("least_connections", old) > mean_ms("two_choices", old));
    assert!(mean_ms("two_choices", old) > mean_ms("random", old));
    let probe = Information::Probe { rtt_s: 0.001 };
    assert_close(
        mean_ms("two_choices", probe),
        mean_ms("two_choices", Information::Own) + 1.0,
        0.001,
        "the probe's round trip is all that one balancer pays",
    );
}

#[test]
fn balancers_that_do_not_see_one_another_do_worse() {
    let mean_ms = |policy, balancers| {
        let model = Model {
            requests: 250_000,
            warmup: 25_000,
            balancers,
            ..model(policy, 50, 0.8)
        };
        play(&model).mean_ms.unwrap()
    };
    for policy in ["least_connections", "two_choices"] {
        assert!(mean_ms(policy, 50) > 1.5 * mean_ms(policy, 1), "{policy}");
    }
    assert_close(
        mean_ms("random", 50),
        mean_ms("random", 1),
        0.05,
        "random has nothing to see",
    );
}

#[test]
fn bounded_loads_save_the_owner_of_a_hot_key() {
    let fullest = |policy| {
        let keys = Keys {
            count: 10_000,
            skew: 1.2,
        };
        let model = Model {
            keys,
            requests: 250_000,
            warmup: 25_000,
            ..model(policy, 20, 0.6)
        };
        play(&model)
    };
    let (plain, bounded) = (fullest("consistent_hash"), fullest("bounded_loads"));
    assert!(plain.refused > 0 || plain.fullest > 1_000, "{plain:?}");
    assert!(bounded.refused == 0 && bounded.fullest < 50, "{bounded:?}");
}

#[test]
fn known_weights_save_a_slow_server_from_round_robin() {
    let p99_ms = |policy, weighs| {
        let slow = Slow {
            servers: 1,
            factor: 5.0,
        };
        let model = Model {
            slow,
            weighs,
            requests: 250_000,
            warmup: 25_000,
            ..model(policy, 10, 0.5)
        };
        play(&model).p99_ms.unwrap()
    };
    assert!(p99_ms("weighted_round_robin", false) > 10.0 * p99_ms("weighted_round_robin", true));
}

#[test]
fn a_full_queue_refuses_and_nothing_is_lost() {
    let outcome = play(&Model {
        queue_max: 5,
        arrivals: Arrivals::Bursts(20),
        timeout_s: Some(0.030),
        requests: 100_000,
        warmup: 10_000,
        ..model("random", 5, 1.5)
    });
    assert!(
        outcome.refused > 0 && outcome.late > 0 && outcome.fullest == 5,
        "{outcome:?}"
    );
    let counted = outcome.ok + outcome.late + outcome.failed + outcome.refused;
    assert_eq!((outcome.requests, counted), (90_000, 90_000));
}

#[test]
fn the_same_seed_has_the_same_outcome_on_one_thread_or_many() {
    let models: Vec<Model> = balance::REGISTRY
        .iter()
        .map(|policy| Model {
            requests: 50_000,
            warmup: 5_000,
            balancers: 3,
            seed: 7,
            ..model(policy.name(), 13, 0.8)
        })
        .collect();
    let placed = std::sync::atomic::AtomicU64::new(0);
    let one = sweep(&models, 1, |_| ()).unwrap();
    let many = sweep(&models, 4, |requests| {
        placed.fetch_add(requests, std::sync::atomic::Ordering::Relaxed);
    })
    .unwrap();
    assert_eq!(placed.into_inner(), 50_000 * models.len() as u64);
    assert_eq!(one, many);
    let other = play(&Model {
        seed: 8,
        ..models[0].clone()
    });
    assert_ne!(one[0].mean_ms, other.mean_ms);
}
