use attack::Attack;

use super::*;

fn text(fast: u32, slow: u32, failed: u32) -> String {
    let all = fast + slow;
    format!(
        "http_request_duration_seconds_bucket{{route=\"/a\",status=\"200\",le=\"0.01\"}} {fast}\n\
         http_request_duration_seconds_bucket{{route=\"/a\",status=\"200\",le=\"0.1\"}} {all}\n\
         http_request_duration_seconds_bucket{{route=\"/a\",status=\"200\",le=\"+Inf\"}} {all}\n\
         http_request_duration_seconds_count{{route=\"/a\",status=\"200\"}} {all}\n\
         http_request_duration_seconds_bucket{{route=\"/a\",status=\"503\",le=\"+Inf\"}} {failed}\n\
         http_request_duration_seconds_count{{route=\"/a\",status=\"503\"}} {failed}\n\
         http_request_duration_seconds_count{{route=\"/metrics\",status=\"200\"}} 999\n\
         http_requests_in_flight 3\n"
    )
}

fn read(text: &str) -> Reading {
    Reading::of(text, &Wanted::default(), "/metrics").unwrap()
}

fn wanted(metric: &str, unit: Option<Unit>) -> Wanted {
    Wanted {
        metric: Some(metric.to_owned()),
        unit,
        status_label: None,
    }
}

#[test]
fn the_difference_of_two_readings_is_what_happened_between_them() {
    let (before, after) = (read(&text(100, 10, 1)), read(&text(160, 30, 4)));
    let slice = after.since(&before, 7);
    assert_eq!((slice.index, slice.ok, slice.sent), (7, 80, 83));
    assert_eq!(slice.errors["http_503"], 3);
    assert_eq!((slice.response.count(), slice.failed.count()), (80, 3));
    assert_eq!(slice.response.count_over_ms(10.0), 20, "between 10 and 100 ms");
    assert_eq!(after.in_flight, Some(3.0));
    assert_eq!((after.doubts.len(), after.chosen.contains("label status")), (0, true));
}

#[test]
fn an_instance_that_began_anew_has_only_what_it_did_since() {
    let slice = read(&text(20, 5, 0)).since(&read(&text(500, 50, 0)), 0);
    assert_eq!((slice.ok, slice.response.count()), (25, 25));
}

#[test]
fn labels_and_units_of_other_exporters_are_known() {
    let otel = |ok: u32, failed: u32| {
        format!(
            "http_server_duration_milliseconds_bucket{{http_status_code=\"200\",le=\"10\"}} {ok}\n\
             http_server_duration_milliseconds_bucket {{http_status_code=\"200\",le=\"+Inf\"}} {ok}\n\
             http_server_duration_milliseconds_bucket{{http_status_code=\"503\",le=\"+Inf\"}} {failed}\n\
             http_server_duration_milliseconds_bucket{{http_route=\"/metrics\",http_status_code=\"200\",le=\"+Inf\"}} 99\n"
        )
    };
    let slice = read(&otel(30, 5)).since(&read(&otel(10, 1)), 0);
    assert_eq!((slice.ok, slice.errors["http_503"], slice.sent), (20, 4, 24));
    assert_eq!(slice.response.count_over_ms(10.0), 0, "10 are milliseconds");
}

#[test]
fn a_unit_that_nothing_says_is_asked_for() {
    let text = "latency_bucket{le=\"10\"} 4\nlatency_bucket{le=\"+Inf\"} 4\n";
    let unsaid = Reading::of(text, &wanted("latency", None), "/").unwrap_err();
    assert!(unsaid.contains("--unit"), "{unsaid}");
    for (wanted, text) in [
        (wanted("latency", Some(Unit::Ms)), text.to_owned()),
        (
            wanted("latency", None),
            format!("# UNIT latency milliseconds\n{text}# EOF\n"),
        ),
        (wanted("latency_ms", None), text.replace("latency", "latency_ms")),
    ] {
        let slice = Reading::of(&text, &wanted, "/").unwrap().since(&Reading::default(), 0);
        assert_eq!(slice.response.count_over_ms(10.0), 0, "{wanted:?}");
        assert_eq!(slice.response.count(), 4);
    }
}

#[test]
fn what_is_chosen_or_in_doubt_is_said() {
    let text = "http_request_duration_seconds_bucket{kind=\"bad\",le=\"+Inf\"} 2\n";
    let reading = read(text);
    assert!(reading.doubts[0].contains("--status-label"), "{:?}", reading.doubts);
    let wanted = Wanted {
        status_label: Some("kind".to_owned()),
        ..Wanted::default()
    };
    let reading = Reading::of(text, &wanted, "/metrics").unwrap();
    assert!(reading.doubts[0].contains("bad"), "{:?}", reading.doubts);
    assert!(reading.chosen.contains("label kind"));
    let other = "rpc_ms_bucket{le=\"+Inf\"} 2\nrpc_ms_count 2\n";
    let error = Reading::of(other, &Wanted::default(), "/").unwrap_err();
    assert!(error.contains("rpc_ms") && error.contains("--metric"), "{error}");
    let nothing = |text| Reading::of(text, &Wanted::default(), "/").unwrap_err();
    assert!(nothing("x 1\n").contains("no histogram at all"));
    assert!(nothing("<html>").contains("no metrics"));
}

#[test]
fn what_cannot_be_counted_is_refused_and_not_taken_for_none() {
    let error = |from: &str, to: &str| {
        let text = text(100, 10, 1).replace(from, to);
        Reading::of(&text, &Wanted::default(), "/metrics").unwrap_err()
    };
    for count in ["1e400", "NaN", "-1", "+Inf"] {
        let said = error("le=\"0.01\"} 100", &format!("le=\"0.01\"}} {count}"));
        assert!(
            said.contains("_bucket is ") && said.contains("counts nothing"),
            "{said}"
        );
    }
    for bound in ["NaN", "-1", "soon", ""] {
        let said = error("le=\"0.01\"", &format!("le=\"{bound}\""));
        assert!(said.contains(&format!("le=\"{bound}\"")), "{said}");
    }
    assert_eq!(
        read(&text(100, 10, 1).replace("0.01", "0"))
            .since(&Reading::default(), 0)
            .ok,
        110
    );
}

#[test]
fn attack_metrics_text() {
    let good = text(100, 10, 1);
    let before = read(&good);
    let mut attack = Attack::new("metrics", env!("CARGO_MANIFEST_DIR"))
        .input(good)
        .input("# TYPE d histogram\n# UNIT http_request_duration_seconds seconds\nhttp_request_duration_seconds_bucket{le=\"0.1\"} 8 17 # {a=\"b\"} 0.06 15.1\nhttp_request_duration_seconds_bucket{le=\"+Inf\"} 9\n{\"a.b\",\"c\"=\"d\"} 1\n# EOF\n");
    for word in [
        "+Inf",
        "NaN",
        "1e308",
        "-1",
        "9007199254740993",
        "le=\"",
        "\\\"",
        "{",
        "}",
        "_bucket",
        "# EOF",
        "\u{1b}[2J",
    ] {
        attack = attack.word(word);
    }
    attack.run(20_000, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(reading) = Reading::of(&text, &Wanted::default(), "/metrics") {
            for (now, before) in [(&reading, &before), (&before, &reading), (&reading, &reading)] {
                let slice = now.since(before, 0);
                assert!(slice.ok <= slice.sent);
            }
        }
    });
}
