//! The balancer's own endpoints, and changes while traffic flows.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{Echo, Front, Instance, field, status};
use serde_json::json;

#[tokio::test]
async fn health_ready_and_metrics_are_the_balancers_own() {
    observability::install();
    let echo = Echo::start("metered").await;
    let front = Front::start("", &[]).await;
    assert_eq!(front.call("GET", "/_balancer/health", "").await.0, 200);
    assert_eq!(front.call("GET", "/_balancer/ready", "").await.0, 503);
    let list = json!([{"name": "metered", "url": echo.url}]).to_string();
    assert_eq!(front.call("PUT", "/_balancer/upstreams", &list).await.0, 200);
    assert_eq!(front.call("GET", "/_balancer/ready", "").await.0, 200);
    front.call("GET", "/", "").await;

    let mut client = front.client().await;
    client.get("/_balancer/metrics").await;
    let (head, body) = client.answer().await;
    assert_eq!(
        (status(&head), field(&head, "x-instance").as_deref()),
        (200, Some("balancer-1"))
    );
    let text = String::from_utf8(body).unwrap();
    for line in [
        "balancer_requests_total{upstream=\"metered\"} 1",
        "balancer_failures_total{upstream=\"metered\"} 0",
        "balancer_in_flight{upstream=\"metered\"} 0",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line:?} is missing in\n{text}"
        );
    }
}

#[tokio::test]
async fn wrong_requests_are_refused_and_change_nothing() {
    let front = Front::start("a=http://127.0.0.1:9", &[]).await;
    let before = front.call("GET", "/_balancer/upstreams", "").await;
    let long = format!("[{}]", " ".repeat(contract::limits::BODY_BYTES_MAX));
    for (method, path, body, expected) in [
        ("GET", "/_balancer/nothing", "", 404),
        ("DELETE", "/_balancer/upstreams", "", 405),
        ("PUT", "/_balancer/health", "", 405),
        ("PUT", "/_balancer/upstreams", "[", 400),
        ("PUT", "/_balancer/upstreams", "{}", 422),
        ("PUT", "/_balancer/upstreams", &long, 413),
        (
            "PUT",
            "/_balancer/upstreams",
            r#"[{"name":"b","url":"https://h:1"}]"#,
            422,
        ),
        (
            "PUT",
            "/_balancer/upstreams",
            r#"[{"name":"b","url":"http://h:1","wieght":2}]"#,
            422,
        ),
        (
            "PUT",
            "/_balancer/upstreams",
            r#"[{"name":"b","url":"http://h:1","weight":0}]"#,
            422,
        ),
        (
            "PUT",
            "/_balancer/upstreams",
            r#"[{"name":"b","url":"http://h:1"},{"name":"b","url":"http://h:2"}]"#,
            422,
        ),
        ("PUT", "/_balancer/policy", r#"{"policy":"fastest"}"#, 422),
    ] {
        let (status, problem) = front.call(method, path, body).await;
        assert_eq!(status, expected, "{method} {path} {body:.60}: {problem}");
        assert_eq!(problem["status"], expected);
    }
    assert_eq!(front.call("GET", "/_balancer/upstreams", "").await, before);
    assert_eq!(
        front.call("GET", "/_balancer/policy", "").await.1["policy"],
        "round_robin"
    );
}

#[tokio::test]
async fn only_json_is_taken_and_objects_are_objects() {
    let front = Front::start("a=http://127.0.0.1:9", &[]).await;
    let policy = r#"{"policy":"random"}"#;
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "text/json", ""] {
        let mut client = front.client().await;
        let length = policy.len();
        client
            .send(format!(
                "PUT /_balancer/policy HTTP/1.1\r\nhost: x\r\ncontent-type: {media_type}\r\n\
                 content-length: {length}\r\n\r\n{policy}"
            ))
            .await;
        assert_eq!(status(&client.answer().await.0), 415, "{media_type:?}");
    }
    for (path, body) in [
        ("policy", r#"["random"]"#),
        ("upstreams", r#"[["b","http://127.0.0.1:9",1,true]]"#),
        ("upstreams", r#"[{"name":"b","name":"c","url":"http://127.0.0.1:9"}]"#),
    ] {
        let path = format!("/_balancer/{path}");
        assert_eq!(front.call("PUT", &path, body).await.0, 422, "{path} {body}");
    }
    assert_eq!(
        front.call("GET", "/_balancer/policy", "").await.1["policy"],
        "round_robin"
    );
    assert_eq!(front.upstream("a").await["state"], "in");
    assert_eq!(front.call("PUT", "/_balancer/policy", policy).await.0, 200);
}

#[tokio::test]
async fn half_a_body_is_not_waited_for() {
    let front = Front::start("", &[(balancer::STALL_TIMEOUT_MS, "40")]).await;
    let mut client = front.client().await;
    client
        .send(
            "PUT /_balancer/policy HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
             content-length: 20\r\n\r\n{",
        )
        .await;
    assert_eq!(status(&client.answer().await.0), 408);
}

#[tokio::test]
async fn an_instance_that_is_gone_is_gone_from_the_metrics() {
    observability::install();
    let front = Front::start("old=http://127.0.0.1:9,keep=http://127.0.0.1:9", &[]).await;
    let metrics = async || {
        let mut client = front.client().await;
        client.get("/_balancer/metrics").await;
        String::from_utf8(client.answer().await.1).unwrap()
    };
    let lines = |text: &str, name: &str| {
        text.lines()
            .filter(|line| line.contains(&format!("\"{name}\"")))
            .count()
    };
    let before = metrics().await;
    assert_eq!((lines(&before, "old"), lines(&before, "keep")), (6, 6), "{before}");
    let list = json!([{"name": "keep", "url": "http://127.0.0.1:9"}]).to_string();
    assert_eq!(front.call("PUT", "/_balancer/upstreams", &list).await.0, 200);
    let after = metrics().await;
    assert_eq!((lines(&after, "old"), lines(&after, "keep")), (0, 6), "{after}");
}

#[tokio::test]
async fn an_unknown_policy_is_answered_with_the_allowed_ones() {
    let front = Front::start("", &[]).await;
    let (_, problem) = front.call("PUT", "/_balancer/policy", r#"{"policy":"fastest"}"#).await;
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("round_robin, least_connections, random, weighted_round_robin"),
        "{problem}"
    );
}

#[tokio::test]
async fn a_new_policy_decides_the_next_request() {
    let (a, b) = (Instance::listen().await, Instance::listen().await);
    let front = Front::start(&format!("a={},b={}", a.url(), b.url()), &[]).await;
    let mut stuck = front.client().await;
    stuck.get("/stuck").await;
    let mut held = a.accept().await;
    held.head().await;
    let (status, answer) = front
        .call("PUT", "/_balancer/policy", r#"{"policy":"least_connections"}"#)
        .await;
    assert_eq!((status, &answer["policy"]), (200, &json!("least_connections")));
    // Round robin would come back to the busy one within two.
    let mut peer = None;
    for _ in 0..4 {
        let mut client = front.client().await;
        client.get("/").await;
        let peer = match &mut peer {
            Some(peer) => peer,
            none => none.insert(b.accept().await),
        };
        peer.head().await;
        peer.ok("b").await;
        assert_eq!(client.answer().await.1, b"b");
    }
    held.ok("at last").await;
    assert_eq!(stuck.answer().await.1, b"at last");
}

#[tokio::test]
async fn a_removed_instance_finishes_what_it_has() {
    let instance = Instance::listen().await;
    let echo = Echo::start("new").await;
    let front = Front::before(&instance).await;
    let mut client = front.client().await;
    client.get("/old").await;
    let mut peer = instance.accept().await;
    peer.head().await;
    let list = json!([{"name": "new", "url": echo.url, "weight": 3}]).to_string();
    let (_, now) = front.call("PUT", "/_balancer/upstreams", &list).await;
    assert_eq!(
        now,
        json!([{"name": "new", "url": echo.url, "weight": 3, "healthy": true, "state": "in", "in_flight": 0, "requests": 0, "failures": 0, "ejections": 0}])
    );
    let mut other = front.client().await;
    other.get("/new").await;
    assert_eq!(field(&other.answer().await.0, "x-instance").as_deref(), Some("new"));
    peer.ok("old").await;
    assert_eq!(client.answer().await.1, b"old");
    assert_eq!(peer.rest().await, b"", "its connection is not kept");
}

#[tokio::test]
async fn nothing_fails_while_list_and_policy_change_under_load() {
    let echoes = [Echo::start("a").await, Echo::start("b").await, Echo::start("c").await];
    let front = Front::start(&format!("a={}", echoes[0].url), &[]).await;
    let done = Arc::new(AtomicBool::new(false));
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = front.client().await;
        let done = Arc::clone(&done);
        clients.push(tokio::spawn(async move {
            let mut served = 0_u64;
            while !done.load(Ordering::Relaxed) {
                client.get("/").await;
                assert_eq!(status(&client.answer().await.0), 200);
                served += 1;
            }
            served
        }));
    }
    let names = ["a", "b", "c"];
    for round in 0..60 {
        // Every list there is but the empty one, in turn.
        let members = round % 7 + 1;
        let list: Vec<_> = (0..3)
            .filter(|index| members & (1 << index) != 0)
            .map(|index| json!({"name": names[index], "url": echoes[index].url}))
            .collect();
        let list = json!(list).to_string();
        assert_eq!(front.call("PUT", "/_balancer/upstreams", &list).await.0, 200);
        let policy = balance::REGISTRY[round % balance::REGISTRY.len()].name();
        let change = json!({"policy": policy}).to_string();
        assert_eq!(front.call("PUT", "/_balancer/policy", &change).await.0, 200);
    }
    done.store(true, Ordering::Relaxed);
    for client in clients {
        assert!(client.await.unwrap() > 0);
    }
}
