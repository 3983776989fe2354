//! `lab sim`: the simulator from the command line.

mod common;

use common::Lab;

#[test]
fn the_same_seed_says_the_same_to_people_and_to_programs() {
    let lab = Lab::new();
    let command = "sim random two_choices --servers 10,20 --requests 20k --seed 5";
    let table = lab.say(command).code(0);
    assert_eq!(table.stdout, lab.say(command).code(0).stdout);
    assert!(table.stdout.contains("p99, log scale"), "{}", table.stdout);
    let json = lab.say(&format!("{command} --format json")).code(0).json();
    let outcomes = json["outcomes"].as_array().unwrap();
    let order: Vec<_> = outcomes
        .iter()
        .map(|outcome| {
            (
                outcome["policy"].as_str().unwrap(),
                outcome["servers"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        order,
        [("random", 10), ("two_choices", 10), ("random", 20), ("two_choices", 20)]
    );
    assert!(outcomes[1]["mean_ms"].as_f64() < outcomes[0]["mean_ms"].as_f64());
    let csv = lab.say(&format!("{command} --format csv")).code(0).stdout;
    assert_eq!(csv.lines().count(), 5, "{csv}");
}

#[test]
fn a_recorded_histogram_is_a_service_time() {
    let lab = Lab::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.read.hgrm");
    std::fs::write(&file, "Value Percentile\n\n2.0 0.5\n4.0 1.0\n").unwrap();
    let command = format!(
        "sim random --requests 1k --format json --service hgrm:{}",
        file.display()
    );
    let json = lab.say(&command).code(0).json();
    // Half of it 2 ms, half evenly from 2 to 4.
    assert_eq!(json["service_mean_ms"], 2.5);
}

#[test]
fn what_makes_no_system_is_wrong_usage() {
    let lab = Lab::new();
    for (arguments, part) in [
        ("fastest", "round_robin"),
        ("--service gamma:1", "exponential:MS"),
        ("--service hgrm:/nowhere", "hist/ARM.CLASS.hgrm"),
        ("--servers 0", "the number of servers"),
        ("--slow 101x2", "slow servers"),
        ("--requests many", "500k"),
        ("--load 0", "the load"),
    ] {
        let refused = lab.say(&format!("sim {arguments}")).code(2);
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
        assert_eq!(refused.stdout, "");
    }
}

#[test]
fn a_page_is_written_where_it_is_wanted_and_names_the_command_that_makes_it_again() {
    let lab = Lab::new();
    let file = lab.folder().join("sweep.html");
    let command = "sim random two_choices --servers 10,20 --requests 20k";
    lab.say(&format!("{command} -o {}", file.display())).code(0);
    let page = std::fs::read_to_string(&file).unwrap();
    assert!(page.starts_with("<!doctype html>"), "{page}");
    assert!(page.contains(&format!("lab {command}<")), "{page}");
    assert!(page.contains("2 policies over 10 and 20 servers"), "{page}");
    let csv = lab
        .say(&format!("{command} --format csv -o {}", file.display()))
        .code(0);
    assert!(csv.stdout.contains("sweep.html"));
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("policy,servers"));
}
