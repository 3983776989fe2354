//! Watching what runs, and pictures of what was recorded.

mod common;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use common::scenario::{TWO_GATEWAYS, Tiny};
use common::stand_in::{answer, serve};
use common::{Lab, Lines};

/// A server whose metrics count ten requests more each time that they are read: eight fast ones, one slow, one failed.
fn foreign() -> String {
    let reads = AtomicU32::new(0);
    let address = serve(move |_| {
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
        answer("200 OK", "", &body)
    });
    format!("http://{address}")
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

/// The samples of a watched second, after the first reading.
fn seconds(said: &str) -> Vec<serde_json::Value> {
    let events = said
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let samples = events.filter(|event| event["kind"]["type"] == "sample");
    samples
        .map(|event| event["kind"]["classes"][0].clone())
        .skip(1)
        .collect()
}

#[test]
fn two_targets_of_one_host_and_port_are_not_mixed() {
    let reads = AtomicU32::new(0);
    let address = serve(move |head| {
        let n = 20 * (reads.fetch_add(1, Ordering::SeqCst) / 2);
        let n = if head.starts_with("GET /b") { n + 100_000 } else { n };
        let name = "http_request_duration_seconds";
        let body = format!("{name}_bucket{{status=\"200\",le=\"+Inf\"}} {n}\n{name}_count{{status=\"200\"}} {n}\n");
        answer("200 OK", "", &body)
    });
    let lab = Lab::new();
    let said = lab.say(&format!(
        "watch http://{address}/a http://{address}/b --ui json --for 2"
    ));
    for class in seconds(&said.code(0).stdout) {
        assert_eq!(class["ok"], 40, "{class}");
        let names: Vec<&str> = class["by_instance"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["instance"].as_str().unwrap())
            .collect();
        assert_eq!(names, [format!("{address}/a"), format!("{address}/b")]);
    }
    lab.say(&format!("watch http://{address}/a http://{address}/a --ui plain"))
        .code(2)
        .complains(&["named twice"]);
}

#[test]
fn what_a_target_answers_instead_of_metrics_is_said() {
    let lab = Lab::new();
    for (status, headers, body, code, words) in [
        (
            "401 Unauthorized",
            "",
            "",
            4,
            "answers 401 Unauthorized: write the address as http://USER:PASSWORD@",
        ),
        (
            "404 Not Found",
            "",
            "",
            4,
            "answers 404 Not Found: its metrics are at another path",
        ),
        ("500 Internal Server Error", "", "", 4, "answers 500"),
        (
            "308 Permanent Redirect",
            "location: /metrics/\r\n",
            "",
            4,
            "points to /metrics/",
        ),
        (
            "200 OK",
            "content-type: text/html\r\n",
            "<html>",
            4,
            "answers with text/html",
        ),
        ("200 OK", "content-encoding: gzip\r\n", "x", 4, "is compressed (gzip)"),
        ("200 OK", "", "hello", 2, "holds no metrics"),
    ] {
        let address = serve(move |_| answer(status, headers, body));
        lab.say(&format!("watch http://{address}/metrics --ui plain --for 1"))
            .code(code)
            .complains(&[words]);
    }
}

#[test]
fn an_answer_that_is_odd_costs_a_bounded_time() {
    let lab = Lab::new();
    let endless = serve(|_| [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 40 << 20]].concat());
    lab.say(&format!("watch http://{endless}/ --ui plain --for 1"))
        .code(4)
        .complains(&[&endless]);
    let never = serve(|_| {
        std::thread::park();
        Vec::new()
    });
    lab.say(&format!("watch http://{never}/ --ui plain --for 1"))
        .code(4)
        .complains(&["no answer in time"]);
    let binary = serve(|_| b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\xff\xfe".to_vec());
    lab.say(&format!("watch http://{binary}/ --ui plain --for 1"))
        .code(4)
        .complains(&["is not UTF-8"]);
}

#[test]
fn secrets_of_an_address_are_used_and_never_shown() {
    let lab = Lab::new();
    let address = serve(|head| {
        // me:s3cret, as it is sent.
        if !head.contains("authorization: Basic bWU6czNjcmV0") || !head.contains("application/openmetrics-text") {
            return answer("401 Unauthorized", "", "");
        }
        answer(
            "200 OK",
            "",
            "http_request_duration_seconds_bucket{status=\"200\",le=\"+Inf\"} 1\n# EOF\n",
        )
    });
    let url = format!("http://me:s3cret@{address}/metrics?token=s3cret");
    let nobody = format!("http://me:s3cret@127.0.0.1:1/?token=s3cret https://me:s3cret@{address} ftp://me:s3cret@x");
    for url in nobody.split(' ') {
        let said = lab.say(&format!("watch {url} --ui plain"));
        assert!(said.code != Some(0) && !said.stderr.contains("s3cret"), "{said:?}");
    }
    for (arguments, code) in [
        (format!("watch {url} --ui plain --for 1"), 0),
        (format!("watch {url} --ui json --for 1"), 0),
        (format!("watch {url} --metric other --ui plain"), 2),
        (format!("watch {url} {url} --ui plain"), 2),
    ] {
        let said = lab.say(&arguments).code(code);
        assert!(
            !said.stdout.contains("s3cret") && !said.stderr.contains("s3cret"),
            "{said:?}"
        );
    }
}

/// What openssl is asked for, to the end; `false` where there is none, which is said loudly.
#[track_caller]
fn openssl(folder: &Path, arguments: &str) -> bool {
    let made = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .output();
    let Ok(output) = made else {
        common::skip(format_args!("there is no openssl: {made:?}"));
        return false;
    };
    assert!(output.status.success(), "{arguments}: {output:?}");
    true
}

#[test]
fn metrics_over_tls_are_watched_where_their_authority_is_trusted() {
    let lab = Lab::new();
    let folder = lab.folder();
    std::fs::write(folder.join("of"), "subjectAltName=IP:127.0.0.1").unwrap();
    for arguments in [
        "req -x509 -newkey rsa:2048 -nodes -subj /CN=authority -days 2 -keyout ca.key -out ca.pem",
        "req -newkey rsa:2048 -nodes -subj /CN=shop -keyout shop.key -out shop.csr",
        "x509 -req -in shop.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile of -out shop.pem",
    ] {
        if !openssl(folder, arguments) {
            return;
        }
    }
    let body = "http_request_duration_seconds_bucket{status=\"200\",le=\"+Inf\"} 1\n";
    let answer = format!("HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\n{body}");
    std::fs::write(folder.join("metrics"), answer).unwrap();
    let mut server = Command::new("openssl")
        .args("s_server -HTTP -accept 127.0.0.1:0 -cert shop.pem -key shop.key".split(' '))
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = Lines::of(server.stdout.take().unwrap());
    let port = loop {
        let line = lines.next().expect("it tells where it listens");
        if let Some((_, port)) = line.strip_prefix("ACCEPT ").and_then(|rest| rest.rsplit_once(':')) {
            break port.to_owned();
        }
    };
    let url = format!("https://127.0.0.1:{port}/metrics");
    let said = lab.say(&format!("watch {url} --ui plain --for 1"));
    assert!(said.code != Some(0) && said.stderr.contains("--ca FILE"), "{said:?}");
    let ca = folder.join("ca.pem");
    let trusting = [
        "watch",
        &url,
        "--ui",
        "plain",
        "--for",
        "1",
        "--ca",
        ca.to_str().unwrap(),
    ];
    let said = lab.run(trusting).code(0);
    assert!(said.stderr.contains("reads http_request_duration_seconds"), "{said:?}");
    let wrong = ["watch", &url, "--ca", folder.join("of").to_str().unwrap()].map(str::to_owned);
    lab.run(&wrong).code(2).complains(&["--ca", "no certificate"]);
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn what_no_table_knows_is_named_by_hand_and_what_was_chosen_is_said() {
    let reads = AtomicU32::new(0);
    let address = serve(move |_| {
        let n = reads.fetch_add(1, Ordering::SeqCst) + 1;
        let body = format!(
            "latency_bucket {{outcome=\"fine\",le=\"10\"}} {n}\nlatency_bucket{{outcome=\"fine\",le=\"+Inf\"}} {n}\n\
             latency_bucket{{outcome=\"error\",le=\"+Inf\"}} {n}\n"
        );
        answer("200 OK", "", &body)
    });
    let lab = Lab::new();
    let watch = format!("watch http://{address} --metric latency --ui plain --for 1");
    lab.say(&watch)
        .code(2)
        .complains(&["nothing says the unit of latency", "--unit"]);
    let said = lab.say(&format!("{watch} --unit ms --status-label outcome")).code(0);
    assert!(said.stdout.contains("1 answered, 1 failed, p50 5"), "{said:?}");
    said.complains(&[
        "reads latency in milliseconds, failures by the label outcome",
        "they count as answered: fine",
    ]);
    let help = lab.say("watch --help").code(0).stdout;
    for known in [
        "http_server_requests_seconds",
        "http_response_status_code",
        "lab watch --ui json",
    ] {
        assert!(help.contains(known), "{known} in {help}");
    }
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
        .complains(&["not an address of metrics"]);
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
