//! Watching what runs, and pictures of what was recorded.

mod common;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

use common::Lab;
use common::scenario::{TWO_GATEWAYS, Tiny};

/// A server whose metrics count ten requests more each time that they are read: eight fast ones, one slow, one failed.
fn foreign() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let reads = AtomicU32::new(0);
        for mut socket in listener.incoming().map_while(Result::ok) {
            let mut head = [0; 4096];
            let _ = socket.read(&mut head);
            let n = reads.fetch_add(1, Ordering::SeqCst) + 1;
            let body = format!(
                "# TYPE http_server_requests_seconds histogram\n\
                 http_server_requests_seconds_bucket{{uri=\"/a\",status=\"200\",le=\"0.01\"}} {}\n\
                 http_server_requests_seconds_bucket{{uri=\"/a\",status=\"200\",le=\"1.0\"}} {}\n\
                 http_server_requests_seconds_bucket{{uri=\"/a\",status=\"200\",le=\"+Inf\"}} {}\n\
                 http_server_requests_seconds_count{{uri=\"/a\",status=\"200\"}} {}\n\
                 http_server_requests_seconds_bucket{{uri=\"/a\",status=\"500\",le=\"+Inf\"}} {n}\n\
                 http_server_requests_seconds_count{{uri=\"/a\",status=\"500\"}} {n}\n",
                n * 8,
                n * 9,
                n * 9,
                n * 9
            );
            let _ = write!(
                socket,
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
        }
    });
    url
}

#[test]
fn any_metrics_are_watched_and_each_second_tells_what_was_added() {
    let lab = Lab::new();
    let url = foreign();
    let said = lab.say(&format!("watch {url} --ui json --for 2")).code(0).stdout;
    let events: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events[0]["kind"]["type"], "run_started");
    let classes: Vec<&serde_json::Value> = events
        .iter()
        .filter(|event| event["kind"]["type"] == "sample")
        .map(|event| &event["kind"]["classes"][0])
        .collect();
    // The first reading has nothing before it; every later one is ten requests after the one before.
    assert_eq!(classes[0]["ok"], 0);
    assert!(classes.len() >= 2);
    for class in &classes[1..] {
        assert_eq!(
            (&class["ok"], &class["errors"]["http_500"]),
            (&9.into(), &1.into()),
            "{class}"
        );
    }
    let plain = lab.say(&format!("watch {url} --ui plain --for 1")).code(0).stdout;
    assert!(plain.contains("9 answered, 1 failed"), "{plain}");
}

#[test]
fn what_cannot_be_watched_is_said_with_what_could_be() {
    let lab = Lab::new();
    lab.say("watch --ui plain")
        .code(2)
        .complains(&["no system is up", "lab up full"]);
    let nobody = common::hold_a_port();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    lab.say(&format!("watch http://127.0.0.1:{port}/metrics --ui plain"))
        .code(4)
        .complains(&["nobody answers", "lab ps"]);
    lab.say("watch ftp://x --ui plain")
        .code(2)
        .complains(&["no address of metrics"]);
    let url = foreign();
    lab.say(&format!("watch {url} --metric queue_seconds --ui plain"))
        .code(2)
        .complains(&["no histogram queue_seconds", "http_server_requests_seconds", "--metric"]);
}

#[test]
fn a_run_tells_what_its_instances_say_of_themselves() {
    let lab = Lab::new();
    let scenario = Tiny {
        name: "gauged",
        duration_s: 1.5,
        system: TWO_GATEWAYS,
        path: "/api/non-blocking",
        ..Tiny::default()
    }
    .write(lab.folder());
    let said = lab
        .run(["run".as_ref(), scenario.as_os_str(), "--ui".as_ref(), "json".as_ref()])
        .code(0);
    let events: Vec<serde_json::Value> = said
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let gauges: Vec<&serde_json::Value> = events
        .iter()
        .filter(|event| event["kind"]["type"] == "gauges")
        .flat_map(|event| event["kind"]["instances"].as_array().unwrap())
        .collect();
    for instance in ["gateway-1", "gateway-2"] {
        let of = |gauge: &&&serde_json::Value| gauge["instance"] == instance;
        let told = gauges.iter().find(|gauge| of(gauge) && gauge["silent"] == false);
        let told = told.unwrap_or_else(|| panic!("{instance} in {gauges:?}"));
        assert!(told["lag_ms"].is_number() && told["in_flight"].is_number(), "{told}");
    }
}

#[test]
fn a_screen_of_a_recorded_run_is_a_picture() {
    let lab = Lab::new();
    let scenario = Tiny::default().write(lab.folder());
    lab.run(["run".as_ref(), scenario.as_os_str()]).code(0);
    let verdict = lab.say("picture last").code(0).stdout;
    assert!(verdict.starts_with("<svg") && verdict.ends_with("</svg>\n"));
    let letters = |svg: &str| {
        svg.split('<')
            .map(|part| part.split_once('>').map_or("", |(_, text)| text))
            .collect::<String>()
    };
    assert!(letters(&verdict).contains("PASS"), "{verdict}");
    let file = lab.folder().join("home.svg");
    lab.say("picture home --size 100x30 -o home.svg").code(0);
    assert!(letters(&std::fs::read_to_string(file).unwrap()).contains("cpu-blocking"));
    let live = lab.say("picture last --at 0.3 --size 120x36").code(0).stdout;
    assert!(
        letters(&live).contains("balancer") || letters(&live).contains("users"),
        "{live}"
    );
    for wrong in ["10x10", "120", "axb"] {
        lab.say(&format!("picture last --size {wrong}"))
            .code(2)
            .complains(&["120x36"]);
    }
}

#[test]
fn two_runs_are_set_side_by_side_and_only_what_differs_is_said_to() {
    let lab = Lab::new();
    let run = |path: &'static str| {
        let scenario = Tiny {
            system: TWO_GATEWAYS,
            duration_s: 1.0,
            path,
            ..Tiny::default()
        };
        let folder = scenario.write(lab.folder());
        lab.run(["run".as_ref(), folder.as_os_str()]).code(0);
    };
    run("/api/non-blocking");
    run("/api/blocking?ms=30");
    let runs = lab.say("runs --json").code(0).json();
    let id = |index: usize| runs[index]["run"].as_str().unwrap().to_owned();
    let compared = lab.say(&format!("compare {} last --json", id(1))).code(0).json();
    let figure = |name: &str| {
        let figures = compared["figures"].as_array().unwrap();
        figures.iter().find(|one| one["figure"] == name).unwrap()["finding"].clone()
    };
    assert_eq!(figure("p50"), "higher");
    assert_eq!(figure("error_share"), "same");
    let same = lab.say("compare last last").code(0).stdout;
    assert!(same.contains("0 of") && same.contains("differ beyond noise"), "{same}");
    lab.say("compare last nobody").code(2).complains(&["no run `nobody`"]);
}
