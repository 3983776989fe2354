//! Every way in which a request can end, from real sockets.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::Duration;

use crate::support::{Answer, Server, answer, closed, post, run, run_one, stream};
use load::{ClassTotals, LoadPlan, Pace, Request, Stage, Stream, Totals};
use url::Url;

fn reads(totals: &Totals) -> &ClassTotals {
    totals.class("reads").unwrap()
}

/// Three single requests to a server that treats each alike.
fn three(server: &Server) -> Totals {
    run_one(stream(
        &server.url,
        Pace::At {
            times_s: vec![0.0, 0.0, 0.01],
        },
    ))
}

fn errors(named: &[(&str, u64)]) -> BTreeMap<String, u64> {
    named.iter().map(|&(name, count)| (name.to_owned(), count)).collect()
}

#[track_caller]
fn assert_all_failed_as(totals: &Totals, class: &str, count: u64) {
    let reads = reads(totals);
    assert_eq!(reads.errors, errors(&[(class, count)]));
    assert_eq!((reads.scheduled, reads.sent, reads.ok), (count, count, 0));
    let all = reads.all();
    assert_eq!(
        (all.failed.count(), all.response.count(), all.service.count()),
        (count, 0, 0)
    );
    assert_eq!(all.lateness.count(), count);
}

#[test]
fn a_port_where_nobody_listens_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    assert_all_failed_as(
        &run_one(stream(&target, Pace::At { times_s: vec![0.0; 3] })),
        "refused",
        3,
    );
    // A closed loop pauses after each failure instead of spinning, and still ends.
    assert_all_failed_as(&run_one(stream(&target, closed(2, 6))), "refused", 6);
}

#[test]
fn a_connection_that_ends_without_an_answer_is_reset() {
    assert_all_failed_as(&three(&Server::start(|_| Answer::Close(String::new()))), "reset", 3);
}

#[test]
fn a_connection_that_ends_within_the_answer_is_reset() {
    let cut_body = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
    assert_all_failed_as(&three(&Server::start(|_| Answer::Close(cut_body.into()))), "reset", 3);
    assert_all_failed_as(
        &three(&Server::start(|_| Answer::Close("HTTP/1.1 200 O".into()))),
        "reset",
        3,
    );
    let cut_chunks = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    assert_all_failed_as(&three(&Server::start(|_| Answer::Close(cut_chunks.into()))), "reset", 3);
}

#[test]
fn silence_is_a_timeout_whose_latency_is_the_wait() {
    let server = Server::start(|_| Answer::Silence);
    let patient = stream(&server.url, Pace::At { times_s: vec![0.0; 3] });
    let totals = run_one(Stream {
        timeout: Duration::from_millis(50),
        slow_over_ms: Some(20.0),
        ..patient
    });
    assert_all_failed_as(&totals, "timeout", 3);
    let all = reads(&totals).all();
    assert!(all.failed.min_ms().unwrap() >= 49.9);
    assert_eq!(all.slow, 3);
}

#[test]
fn a_server_that_never_accepts_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let patient = stream(&target, Pace::At { times_s: vec![0.0; 3] });
    assert_all_failed_as(
        &run_one(Stream {
            timeout: Duration::from_millis(30),
            ..patient
        }),
        "timeout",
        3,
    );
}

#[test]
fn error_statuses_are_counted_apart_and_named_by_instance() {
    let server = Server::start(|asked| {
        let status = [200, 404, 503][asked.number % 3];
        Answer::Keep(answer(status, "x-instance: orders-2\r\n", "x"))
    });
    let totals = run_one(stream(&server.url, closed(1, 9)));
    let reads = reads(&totals);
    assert_eq!(
        (reads.ok, &reads.errors),
        (3, &errors(&[("http_404", 3), ("http_503", 3)]))
    );
    assert_eq!((reads.all().response.count(), reads.all().failed.count()), (3, 6));
    let [instance] = &reads.by_instance[..] else {
        panic!("{:?}", reads.by_instance)
    };
    assert_eq!(
        (instance.instance.as_str(), instance.requests, instance.response.count()),
        ("orders-2", 9, 3)
    );
    assert_eq!(reads.connections_opened, 1, "an error status does not end a connection");
}

#[test]
fn what_is_not_http_is_malformed_and_what_is_endless_is_oversized() {
    assert_all_failed_as(
        &three(&Server::start(|_| Answer::Keep("SSH-2.0-OpenSSH_9.2\r\n".into()))),
        "malformed",
        3,
    );
    let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(100_000));
    assert_all_failed_as(
        &three(&Server::start(move |_| Answer::Keep(endless.clone()))),
        "oversized",
        3,
    );
}

#[test]
fn what_is_open_at_the_end_of_the_drain_is_unanswered_and_slow() {
    let server = Server::start(|_| Answer::Silence);
    let mut plan = LoadPlan::new(vec![stream(&server.url, Pace::At { times_s: vec![0.0; 3] })]);
    plan.drain_max = Duration::from_millis(60);
    let (_, totals) = run(plan);
    assert_all_failed_as(&totals, "unanswered", 3);
    assert_eq!(reads(&totals).all().slow, 3, "even without a limit for slow ones");
}

#[test]
fn what_never_found_a_connection_is_scheduled_and_not_sent() {
    let server = Server::start(|_| Answer::Silence);
    let pace = Pace::Open {
        arrivals: load::Arrivals::Constant,
        stages: vec![Stage::constant(100.0, 0.2)],
        connections_max: 2,
    };
    let mut plan = LoadPlan::new(vec![stream(&server.url, pace)]);
    plan.drain_max = Duration::from_millis(30);
    let (samples, totals) = run(plan);
    let reads = reads(&totals);
    assert_eq!((reads.scheduled, reads.sent, reads.ok, reads.waited), (20, 2, 0, 18));
    assert_eq!(reads.errors, errors(&[("unanswered", 2)]));
    assert_eq!(samples.last().unwrap().classes[0].queued_now, 18);
    assert_eq!(reads.all().dispatch_lateness.count(), 20);
}

#[test]
fn a_kept_alive_connection_closed_by_the_server_gives_no_phantom_error() {
    let closes_on_second = |asked: &crate::support::Asked| match asked.on_connection {
        1 => Answer::Keep(answer(200, "", "ok")),
        _ => Answer::Close(String::new()),
    };
    let server = Server::start(closes_on_second);
    let totals = run_one(stream(&server.url, closed(1, 3)));
    let reads = reads(&totals);
    assert_eq!(
        (reads.scheduled, reads.sent, reads.ok, &reads.errors),
        (3, 3, 3, &BTreeMap::new())
    );
    assert_eq!(
        (reads.reconnects, reads.connections_opened, server.connections()),
        (2, 3, 3)
    );
}

#[test]
fn a_request_that_may_have_had_an_effect_is_never_sent_twice() {
    let server = Server::start(|asked| match asked.on_connection {
        1 => Answer::Keep(answer(201, "", "made")),
        _ => Answer::Close(String::new()),
    });
    let totals = run_one(Stream {
        request: post("{}"),
        ..stream(&server.url, closed(1, 3))
    });
    let reads = reads(&totals);
    assert_eq!(
        (reads.ok, &reads.errors, reads.reconnects),
        (2, &errors(&[("reset", 1)]), 0)
    );
    assert_eq!(server.requests(), 3);
}

#[test]
fn a_fresh_connection_that_breaks_is_not_tried_again() {
    let server = Server::start(|_| Answer::Close(String::new()));
    let totals = run_one(stream(&server.url, closed(1, 2)));
    assert_eq!((reads(&totals).reconnects, server.requests()), (0, 2));
}

#[test]
fn a_server_that_closes_after_each_answer_gets_a_connection_for_each_request() {
    for header in ["connection: close\r\n", ""] {
        let server = Server::start(move |_| Answer::Close(answer(200, header, "bye")));
        let totals = run_one(stream(&server.url, closed(2, 20)));
        assert_eq!(
            (reads(&totals).ok, &reads(&totals).errors),
            (20, &BTreeMap::new()),
            "{header:?}"
        );
        assert!(server.connections() >= 20);
    }
}

#[test]
fn a_connection_with_bytes_left_over_is_not_used_again() {
    let server = Server::start(|_| Answer::Keep(answer(200, "", "ok") + "HTTP/1.1 500 surprise\r\n\r\n"));
    let totals = run_one(stream(&server.url, closed(1, 5)));
    assert_eq!((reads(&totals).ok, server.connections()), (5, 5));
}

#[test]
fn a_body_larger_than_the_socket_buffers_is_sent_whole() {
    const LENGTH: usize = 8 << 20;
    let server = Server::start(|asked| Answer::Keep(answer(200, "", &format!("{{\"n\":{}}}", asked.body_len))));
    let large = Stream {
        request: post("x".repeat(LENGTH)),
        collect: Some("n".into()),
        ..stream(&server.url, closed(2, 4))
    };
    let (samples, totals) = run(LoadPlan::new(vec![large]));
    assert_eq!(reads(&totals).ok, 4);
    let collected: Vec<_> = samples
        .iter()
        .flat_map(|sample| sample.classes[0].collected.clone())
        .collect();
    assert_eq!(collected, vec![serde_json::json!(LENGTH); 4]);
}

#[test]
fn a_large_chunked_answer_is_read_whole_and_head_has_no_body() {
    let chunk = "z".repeat(100_000);
    let body = format!("186a0\r\n{chunk}\r\n").repeat(60) + "0\r\n\r\n";
    let server = Server::start(move |asked| {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        Answer::Keep(if asked.head.starts_with("HEAD") {
            head.into()
        } else {
            format!("{head}{body}")
        })
    });
    let get = run_one(stream(&server.url, closed(2, 10)));
    let head = Request {
        method: "HEAD".into(),
        ..Request::get("/")
    };
    let head = run_one(Stream {
        request: head,
        ..stream(&server.url, closed(1, 10))
    });
    assert_eq!(
        (reads(&get).ok, reads(&head).ok, reads(&head).connections_opened),
        (10, 10, 1)
    );
}

#[test]
fn every_value_asked_for_is_collected_and_its_absence_is_a_failure() {
    let server = Server::start(|asked| {
        let body = match asked.number {
            7 => "[1]".into(),
            8 => "{}".into(),
            number => format!("{{\"count\": {number}, \"other\": [1]}}"),
        };
        Answer::Keep(answer(200, "", &body))
    });
    let counting = Stream {
        collect: Some("count".into()),
        ..stream(&server.url, closed(3, 20))
    };
    let (samples, totals) = run(LoadPlan::new(vec![counting]));
    let mut counts: Vec<u64> = samples
        .iter()
        .flat_map(|sample| &sample.classes[0].collected)
        .map(|value| value.as_u64().unwrap())
        .collect();
    counts.sort_unstable();
    assert_eq!(
        counts,
        (1..=20).filter(|number| ![7, 8].contains(number)).collect::<Vec<u64>>()
    );
    assert_eq!(
        (reads(&totals).ok, &reads(&totals).errors),
        (18, &errors(&[("uncollected", 2)]))
    );
}
