//! Health, retries, sticky sessions and a list in a file, as clients and instances see them.

mod common;

use std::io::Write;

use common::{Echo, Front, Instance, field, status, within};
use serde_json::{Value, json};

/// Waits until the instance's entry says so. Every look is a request of its own, and the whole has a bound.
async fn until_state(front: &Front, name: &str, state: &str) {
    let wait = async {
        while front.upstream(name).await["state"] != state {
            tokio::task::yield_now().await;
        }
    };
    within(&format!("{name} to be {state}"), wait).await;
}

/// An address where nobody listens.
async fn refusing() -> String {
    Instance::listen().await.url()
}

async fn get(front: &Front) -> (u16, Option<String>) {
    let mut client = front.client().await;
    client.get("/").await;
    let (head, _) = client.answer().await;
    (status(&head), field(&head, "x-instance"))
}

#[tokio::test]
async fn three_refusals_in_a_row_eject_an_instance() {
    let echo = Echo::start("b").await;
    let passive = [(balancer::PASSIVE_FAILURES, "3")];
    let front = Front::start(&format!("a={},b={}", refusing().await, echo.url), &passive).await;
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(get(&front).await.0);
    }
    assert_eq!(
        statuses.iter().filter(|status| **status == 502).count(),
        3,
        "{statuses:?}"
    );
    let a = front.upstream("a").await;
    assert_eq!((&a["state"], &a["ejections"]), (&json!("ejected"), &json!(1)));
    assert_eq!(a["healthy"], true, "the list still has it in rotation");
}

#[tokio::test]
async fn answers_with_a_server_error_count_as_failures() {
    let broken = Instance::listen().await;
    let echo = Echo::start("b").await;
    let passive = [(balancer::PASSIVE_FAILURES, "2")];
    let front = Front::start(&format!("a={},b={}", broken.url(), echo.url), &passive).await;
    for _ in 0..2 {
        let mut client = front.client().await;
        client.get("/").await;
        let mut peer = broken.accept().await;
        peer.head().await;
        peer.send("HTTP/1.1 503 Broken\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            .await;
        assert_eq!(status(&client.answer().await.0), 503);
        get(&front).await;
    }
    assert_eq!(front.upstream("a").await["state"], "ejected");
}

#[tokio::test]
async fn an_ejected_instance_comes_back() {
    let url = {
        let gone = Instance::listen().await;
        gone.url()
    };
    let passive = [(balancer::PASSIVE_FAILURES, "1"), (balancer::EJECT_MS, "50")];
    let front = Front::start(&format!("a={url}"), &passive).await;
    assert_eq!(get(&front).await.0, 502);
    until_state(&front, "a", "in").await;
    assert_eq!(front.upstream("a").await["ejections"], 1);
}

#[tokio::test]
async fn probes_find_a_dead_instance_before_a_client_does() {
    let echo = Echo::start("b").await;
    let active = [(balancer::PROBE_EVERY_MS, "5")];
    let front = Front::start(&format!("a={},b={}", refusing().await, echo.url), &active).await;
    until_state(&front, "a", "down").await;
    for _ in 0..6 {
        assert_eq!(get(&front).await, (200, Some("b".to_owned())));
    }
}

#[tokio::test]
async fn a_probe_asks_the_path_and_believes_two_answers_in_a_row() {
    let instance = Instance::listen().await;
    let active = [(balancer::PROBE_EVERY_MS, "5"), (balancer::PROBE_PATH, "/alive?deep=1")];
    let front = Front::start(&format!("a={}", instance.url()), &active).await;
    for (code, state) in [(503, "in"), (503, "down"), (200, "down"), (200, "in")] {
        let mut probe = instance.accept().await;
        assert!(probe.head().await.starts_with("get /alive?deep=1 "));
        probe
            .send(format!("HTTP/1.1 {code} X\r\ncontent-length: 0\r\n\r\n"))
            .await;
        until_state(&front, "a", state).await;
    }
}

#[tokio::test]
async fn what_an_instance_refused_is_sent_to_another_one() {
    let echo = Echo::start("b").await;
    let retries = [(balancer::RETRIES, "1")];
    let front = Front::start(&format!("a={},b={}", refusing().await, echo.url), &retries).await;
    for _ in 0..4 {
        assert_eq!(get(&front).await, (200, Some("b".to_owned())));
    }
    // It counts against the instance all the same; the retry took the other one's turn, so it was asked every time.
    assert_eq!(front.upstream("a").await["failures"], 4);
}

#[tokio::test]
async fn what_may_have_been_done_is_repeated_only_where_twice_is_once() {
    for (method, expected) in [("DELETE", 200), ("POST", 502)] {
        let (a, b) = (Instance::listen().await, Echo::start("b").await);
        let retries = [(balancer::RETRIES, "1")];
        let front = Front::start(&format!("a={},b={}", a.url(), b.url), &retries).await;
        let mut client = front.client().await;
        client
            .send(format!("{method} /x HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"))
            .await;
        let mut peer = a.accept().await;
        peer.head().await;
        drop(peer);
        assert_eq!(status(&client.answer().await.0), expected, "{method}");
    }
}

#[tokio::test]
async fn when_all_refuse_the_client_is_told_and_nobody_is_asked_twice() {
    let retries = [(balancer::RETRIES, "9")];
    let front = Front::start(&format!("a={},b={}", refusing().await, refusing().await), &retries).await;
    assert_eq!(get(&front).await.0, 502);
    for name in ["a", "b"] {
        assert_eq!(front.upstream(name).await["requests"], 1);
    }
}

#[tokio::test]
async fn a_cookie_keeps_a_client_at_its_instance_until_that_is_out() {
    let (a, b) = (Echo::start("a").await, Echo::start("b").await);
    let sticky = [(balancer::STICKY_COOKIE, "lab")];
    let front = Front::start(&format!("a={},b={}", a.url, b.url), &sticky).await;
    let mut client = front.client().await;
    client.get("/").await;
    let (head, _) = client.answer().await;
    assert_eq!(field(&head, "x-instance").as_deref(), Some("a"));
    let cookie = field(&head, "set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let request = format!("GET / HTTP/1.1\r\nhost: x\r\ncookie: {cookie}\r\n\r\n");
    for _ in 0..3 {
        client.send(&request).await;
        let (head, _) = client.answer().await;
        assert_eq!(field(&head, "x-instance").as_deref(), Some("a"));
        assert_eq!(field(&head, "set-cookie"), None, "it has it already");
    }
    let list: Value = json!([{"name": "a", "url": a.url, "healthy": false}, {"name": "b", "url": b.url}]);
    front.call("PUT", "/_balancer/upstreams", &list.to_string()).await;
    client.send(&request).await;
    let (head, _) = client.answer().await;
    assert_eq!(field(&head, "x-instance").as_deref(), Some("b"));
    assert!(field(&head, "set-cookie").is_some_and(|new| !new.starts_with(&cookie)));
}

#[tokio::test]
async fn a_header_decides_where_policies_by_key_send_a_request() {
    let echoes = [Echo::start("a").await, Echo::start("b").await, Echo::start("c").await];
    let by_user = [(balancer::HASH_ON, "header:x-user"), (balancer::POLICY, "rendezvous")];
    let [a, b, c] = &echoes;
    let front = Front::start(&format!("a={},b={},c={}", a.url, b.url, c.url), &by_user).await;
    let mut client = front.client().await;
    let mut owners = std::collections::BTreeSet::new();
    for user in 0..20 {
        let mut seen = std::collections::BTreeSet::new();
        for path in ["/1", "/2"] {
            client
                .send(format!("GET {path} HTTP/1.1\r\nhost: x\r\nx-user: {user}\r\n\r\n"))
                .await;
            seen.insert(field(&client.answer().await.0, "x-instance").unwrap());
        }
        assert_eq!(seen.len(), 1, "a user stays");
        owners.extend(seen);
    }
    assert_eq!(owners.len(), 3, "users are spread");
}

#[tokio::test]
async fn a_list_in_a_file_is_followed() {
    let (a, b) = (Echo::start("a").await, Echo::start("b").await);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "# ours\na={}", a.url).unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let front = Front::start("", &[(balancer::UPSTREAMS_FILE, &path)]).await;
    let until_listed = async |expected: &[&str]| {
        let wait = async {
            loop {
                let (_, list) = front.call("GET", "/_balancer/upstreams", "").await;
                let names: Vec<_> = list
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|entry| entry["name"].clone())
                    .collect();
                if names == expected {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        within("the list to be read", wait).await;
    };
    until_listed(&["a"]).await;
    writeln!(file, "b={}", b.url).unwrap();
    until_listed(&["a", "b"]).await;
    // A mistake changes nothing, and is mended.
    std::fs::write(&path, "nonsense").unwrap();
    std::fs::write(&path, format!("b={}\n", b.url)).unwrap();
    until_listed(&["b"]).await;
}
