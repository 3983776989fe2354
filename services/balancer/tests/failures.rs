//! Instances that refuse, die, stall or lie.

mod common;

use common::{Echo, Front, Instance, asked_for, field, status};

fn assert_problem(head: &str, body: &[u8], expected: u16) {
    assert_eq!(status(head), expected, "{head}");
    assert_eq!(
        field(head, "content-type").as_deref(),
        Some("application/problem+json"),
        "{head}"
    );
    assert_eq!(field(head, "x-instance").as_deref(), Some("balancer-1"), "{head}");
    let problem: contract::Problem = serde_json::from_slice(body).unwrap();
    assert_eq!(problem.status, expected);
    assert!(!problem.detail.is_empty());
}

#[tokio::test]
async fn an_instance_that_refuses_is_a_bad_gateway() {
    let gone = Instance::listen().await;
    let url = gone.url();
    drop(gone);
    let front = Front::start(&format!("a={url}"), &[]).await;
    let mut client = front.client().await;
    for n in 1..=2 {
        client.get("/").await;
        let (head, body) = client.answer().await;
        assert_problem(&head, &body, 502);
        let upstream = front.upstream("a").await;
        assert_eq!((&upstream["failures"], &upstream["in_flight"]), (&n.into(), &0.into()));
    }
}

#[tokio::test]
async fn nobody_in_rotation_is_unavailable() {
    let front = Front::start("", &[]).await;
    let mut client = front.client().await;
    client.get("/").await;
    let (head, body) = client.answer().await;
    assert_problem(&head, &body, 503);
}

#[tokio::test]
async fn an_instance_that_does_not_answer_is_a_gateway_timeout() {
    let instance = Instance::listen().await;
    let limit = [(balancer::UPSTREAM_RESPONSE_TIMEOUT_MS, "30")];
    let front = Front::start(&format!("a={}", instance.url()), &limit).await;
    let mut client = front.client().await;
    client.get("/").await;
    let mut peer = instance.accept().await;
    peer.head().await;
    let (head, body) = client.answer().await;
    assert_problem(&head, &body, 504);
    assert_eq!(peer.rest().await, b"", "the request is aborted");
    let upstream = front.upstream("a").await;
    assert_eq!((&upstream["failures"], &upstream["in_flight"]), (&1.into(), &0.into()));
}

#[tokio::test]
async fn a_connection_that_died_in_the_pool_is_replaced() {
    let (front, instance, mut client, mut peer) = asked_for("/1").await;
    peer.ok("one").await;
    assert_eq!(client.answer().await.1, b"one");
    drop(peer);

    // Not repeatable, but nothing of it can have been done.
    client
        .send("POST /2 HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\ntwo")
        .await;
    let mut peer = instance.accept().await;
    assert!(peer.head().await.starts_with("post /2 "));
    assert_eq!(peer.exact(3).await, b"two");
    peer.ok("done").await;
    assert_eq!(client.answer().await.1, b"done");
    assert_eq!(front.upstream("a").await["failures"], 0);
}

/// Leaves one idle connection in the pool and returns the instance's end of it.
async fn pooled(front: &Front, instance: &Instance) -> common::Peer {
    let mut client = front.client().await;
    client.get("/first").await;
    let mut peer = instance.accept().await;
    peer.head().await;
    peer.ok("first").await;
    assert_eq!(client.answer().await.1, b"first");
    peer
}

#[tokio::test]
async fn a_repeatable_request_that_a_pooled_connection_loses_is_sent_again_once() {
    let instance = Instance::listen().await;
    let front = Front::before(&instance).await;
    let mut peer = pooled(&front, &instance).await;
    let mut client = front.client().await;
    client.send("DELETE /x HTTP/1.1\r\nhost: x\r\nx-kept: 1\r\n\r\n").await;
    let first = peer.head().await;
    drop(peer);
    let mut peer = instance.accept().await;
    assert_eq!(peer.head().await, first, "the same request again");
    drop(peer);
    // A fresh connection that fails is no chance race: the client is told.
    let (head, body) = client.answer().await;
    assert_problem(&head, &body, 502);
    let upstream = front.upstream("a").await;
    assert_eq!(
        (&upstream["requests"], &upstream["failures"]),
        (&2.into(), &1.into()),
        "{upstream}"
    );
}

#[tokio::test]
async fn a_request_whose_answer_had_begun_is_not_sent_again() {
    let instance = Instance::listen().await;
    let front = Front::before(&instance).await;
    let mut peer = pooled(&front, &instance).await;
    let mut client = front.client().await;
    client.get("/").await;
    peer.head().await;
    peer.send("HTTP/1.1 200 OK\r\nx-").await;
    drop(peer);
    let (head, body) = client.answer().await;
    assert_problem(&head, &body, 502);
    assert_eq!(front.upstream("a").await["failures"], 1);
}

#[tokio::test]
async fn a_request_that_must_not_be_done_twice_is_not_sent_again() {
    for request in [
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
        // Repeatable by its method, but its body is spent.
        "PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc",
    ] {
        let instance = Instance::listen().await;
        let front = Front::before(&instance).await;
        let mut peer = pooled(&front, &instance).await;
        let mut client = front.client().await;
        client.send(request).await;
        peer.head().await;
        drop(peer);
        let (head, body) = client.answer().await;
        assert_problem(&head, &body, 502);
        assert_eq!(front.upstream("a").await["failures"], 1);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_breaks_off_for_the_client_too() {
    let instance = Instance::listen().await;
    let front = Front::before(&instance).await;
    for start in [
        "content-length: 100\r\n\r\nabc",
        "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ] {
        let mut client = front.client().await;
        client.get("/").await;
        let mut peer = instance.accept().await;
        peer.head().await;
        peer.send(format!("HTTP/1.1 200 OK\r\n{start}")).await;
        assert_eq!(status(&client.head().await), 200);
        drop(peer);
        let rest = client.rest().await;
        assert!(
            !rest.ends_with(b"0\r\n\r\n") && rest.len() < 100,
            "the client can tell that it is not whole"
        );
    }
    let upstream = front.upstream("a").await;
    assert_eq!(
        (&upstream["failures"], &upstream["in_flight"]),
        (&2.into(), &0.into()),
        "{upstream}"
    );
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_a_bad_gateway() {
    let (_front, _instance, mut client, mut peer) = asked_for("/").await;
    peer.send("SSH-2.0-x\r\n\r\n").await;
    let (head, body) = client.answer().await;
    assert_problem(&head, &body, 502);
}

#[tokio::test]
async fn an_instance_that_closes_after_each_answer_is_used_all_the_same() {
    let instance = Instance::listen().await;
    let front = Front::before(&instance).await;
    let mut client = front.client().await;
    for n in 0..3 {
        client.get("/").await;
        let mut peer = instance.accept().await;
        peer.head().await;
        peer.send(format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\n{n}"
        ))
        .await;
        assert_eq!(client.answer().await.1, n.to_string().into_bytes());
    }
    client.get("/").await;
    let mut peer = instance.accept().await;
    peer.head().await;
    peer.send("HTTP/1.1 200 OK\r\n\r\nuntil the end").await;
    drop(peer);
    assert_eq!(status(&client.head().await), 200);
    let body = client.chunk().await;
    assert_eq!(body, "until the end");
    assert_eq!(client.chunk().await, "");
    assert_eq!(front.upstream("a").await["failures"], 0);
}

#[tokio::test]
async fn stopping_lets_a_request_under_way_end_and_takes_no_more() {
    let instance = Instance::listen().await;
    let front = Front::before(&instance).await;
    let mut client = front.client().await;
    let idle = front.client().await;
    client.get("/").await;
    let mut peer = instance.accept().await;
    peer.head().await;
    front.stop();
    peer.ok("last").await;
    let (head, body) = client.answer().await;
    assert_eq!((status(&head), body.as_slice()), (200, &b"last"[..]));
    assert_eq!(client.rest().await, b"");
    let address = front.address;
    assert_eq!(front.ended().await, 0, "an idle client does not hold up the end");
    drop(idle);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_event_loops_share_one_pool_and_one_count() {
    let (a, b) = (Echo::start("a").await, Echo::start("b").await);
    let policy = [(balancer::POLICY, "least_connections")];
    let front = Front::start(&format!("a={},b={}", a.url, b.url), &policy).await;
    let mut clients = Vec::new();
    for client_number in 0..16 {
        let mut client = front.client().await;
        clients.push(tokio::spawn(async move {
            for n in 0..200 {
                let path = format!("/{client_number}/{n}");
                client.get(&path).await;
                let (head, body) = client.answer().await;
                assert_eq!((status(&head), String::from_utf8(body).unwrap()), (200, path));
            }
        }));
    }
    for client in clients {
        client.await.unwrap();
    }
    let (a, b) = (front.upstream("a").await, front.upstream("b").await);
    assert_eq!(
        a["requests"].as_u64().unwrap() + b["requests"].as_u64().unwrap(),
        16 * 200
    );
    for upstream in [a, b] {
        assert_eq!(
            (&upstream["in_flight"], &upstream["failures"]),
            (&0.into(), &0.into()),
            "{upstream}"
        );
    }
}
