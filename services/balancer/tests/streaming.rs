//! Bodies stream, and whoever leaves is noticed.

mod common;

use common::{Front, Instance, asked, asked_for, field, status, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Nothing is in flight, and nothing counts against the instance.
async fn assert_ended_without_fault(front: &Front) {
    let upstream = front.upstream("a").await;
    assert_eq!(
        (&upstream["in_flight"], &upstream["failures"]),
        (&0.into(), &0.into()),
        "{upstream}"
    );
}

#[tokio::test]
async fn each_chunk_of_an_answer_arrives_before_the_next_is_written() {
    let (front, _instance, mut client, mut peer) = asked_for("/").await;
    peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let head = client.head().await;
    assert_eq!(field(&head, "transfer-encoding").as_deref(), Some("chunked"));
    for text in ["one", "two", "three"] {
        peer.send(format!("{:x}\r\n{text}\r\n", text.len())).await;
        assert_eq!(client.chunk().await, text);
        assert_eq!(front.upstream("a").await["in_flight"], 1, "counts until the body ends");
    }
    peer.send("0\r\n\r\n").await;
    assert_eq!(client.chunk().await, "");
    assert_eq!(front.upstream("a").await["in_flight"], 0);

    // The connection goes on to the next request.
    client.get("/2").await;
    assert!(peer.head().await.starts_with("get /2 "));
}

#[tokio::test]
async fn an_upload_reaches_the_instance_while_it_is_still_sent() {
    let instance = Instance::listen().await;
    let front = Front::before(&instance).await;
    let mut client = front.client().await;
    client
        .send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\none")
        .await;
    let mut peer = instance.accept().await;
    assert_eq!(field(&peer.head().await, "content-length").as_deref(), Some("6"));
    assert_eq!(peer.exact(3).await, b"one");
    client.send("two").await;
    assert_eq!(peer.exact(3).await, b"two");
    peer.ok("done").await;
    assert_eq!(client.answer().await.1, b"done");

    client
        .send("PUT / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
        .await;
    assert_eq!(
        field(&peer.head().await, "transfer-encoding").as_deref(),
        Some("chunked")
    );
    assert_eq!(peer.chunk().await, "abc");
    client.send("2\r\nde\r\n0\r\n\r\n").await;
    assert_eq!(
        (peer.chunk().await, peer.chunk().await),
        ("de".to_owned(), String::new())
    );
    peer.ok("done").await;
    assert_eq!(client.answer().await.1, b"done");
}

#[tokio::test]
async fn large_bodies_pass_unchanged_in_both_directions_at_once() {
    const LENGTH: usize = 32 << 20;
    let upload = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {LENGTH}\r\n\r\n");
    let (_front, _instance, mut client, mut peer) = asked(&upload).await;
    // The instance answers with what it reads while it is still reading.
    peer.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {LENGTH}\r\n\r\n"))
        .await;
    let echo = async move {
        let (mut read, mut write) = peer.into_halves();
        tokio::io::copy(&mut (&mut read).take(LENGTH as u64), &mut write)
            .await
            .unwrap()
    };
    client.head().await;
    let (mut read, mut write) = client.into_halves();
    let pattern: Vec<u8> = (0..LENGTH).map(|index| (index % 251) as u8).collect();
    let mut back = vec![0; LENGTH];
    let (copied, sent, received) = within("the bodies", async {
        tokio::join!(echo, write.write_all(&pattern), read.read_exact(&mut back))
    })
    .await;
    sent.unwrap();
    received.unwrap();
    assert_eq!(copied, LENGTH as u64);
    assert!(back == pattern, "the body was changed on its way");
}

/// A request whose client waits to be told to send its body.
const EXPECTS: &str = "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n";

#[tokio::test]
async fn a_client_that_waits_for_100_continue_gets_it_when_the_instance_says_so() {
    let instance = Instance::listen().await;
    let front = Front::before(&instance).await;
    let mut client = front.client().await;
    client.send(EXPECTS).await;
    let mut peer = instance.accept().await;
    assert_eq!(field(&peer.head().await, "expect").as_deref(), Some("100-continue"));
    peer.send("HTTP/1.1 100 Continue\r\n\r\n").await;
    assert_eq!(status(&client.head().await), 100);
    client.send("body").await;
    assert_eq!(peer.exact(4).await, b"body");
    peer.ok("done").await;
    // Said once, although the instance and the balancer both said it.
    assert_eq!(client.answer().await.1, b"done");
}

#[tokio::test]
async fn a_body_that_the_instance_does_not_want_is_never_asked_for() {
    let (_front, _instance, mut client, mut peer) = asked(EXPECTS).await;
    peer.send("HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno")
        .await;
    let (head, body) = client.answer().await;
    assert_eq!((status(&head), body.as_slice()), (401, &b"no"[..]));
    // Neither connection can go on: one waits for a body, the other owes it.
    assert_eq!(client.rest().await, b"");
    assert_eq!(peer.rest().await, b"");
}

#[tokio::test]
async fn an_instance_that_does_not_know_the_question_gets_the_body_all_the_same() {
    let (_front, _instance, mut client, mut peer) = asked(EXPECTS).await;
    assert_eq!(status(&client.head().await), 100);
    client.send("body").await;
    assert_eq!(peer.exact(4).await, b"body");
    peer.ok("done").await;
    assert_eq!(client.answer().await.1, b"done");
}

#[tokio::test]
async fn a_client_that_leaves_while_it_waits_aborts_the_request() {
    let (front, _instance, client, mut peer) = asked_for("/slow").await;
    assert_eq!(front.upstream("a").await["in_flight"], 1);
    drop(client);
    assert_eq!(
        peer.rest().await,
        b"",
        "the balancer closes the connection to the instance"
    );
    assert_ended_without_fault(&front).await;
}

#[tokio::test]
async fn a_client_that_leaves_inside_an_answer_aborts_the_request() {
    let (front, _instance, mut client, mut peer) = asked_for("/endless").await;
    peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
        .await;
    client.head().await;
    assert_eq!(client.chunk().await, "abc");
    drop(client);
    assert_eq!(peer.rest().await, b"");
    assert_ended_without_fault(&front).await;
}

#[tokio::test]
async fn a_client_that_leaves_inside_its_upload_aborts_the_request() {
    let (front, _instance, client, mut peer) =
        asked("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc").await;
    assert_eq!(peer.exact(3).await, b"abc");
    drop(client);
    assert_eq!(peer.rest().await, b"");
    assert_ended_without_fault(&front).await;
}

#[tokio::test]
async fn an_answer_that_comes_before_the_upload_ends_is_passed_on() {
    let (front, instance, mut client, mut peer) =
        asked("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\nabc").await;
    peer.send("HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nbig")
        .await;
    let (head, body) = client.answer().await;
    assert_eq!((status(&head), body.as_slice()), (413, &b"big"[..]));
    // That connection still owes the rest of the upload, so the next request must get another one.
    assert_eq!(front.upstream("a").await["in_flight"], 0);
    let mut next = front.client().await;
    next.get("/next").await;
    assert!(instance.accept().await.head().await.starts_with("get /next "));
}

#[tokio::test]
async fn an_instance_that_refuses_a_body_early_and_closes_is_heard_and_not_blamed() {
    let instance = Instance::listen().await;
    let passive = [(balancer::PASSIVE_FAILURES, "1")];
    let front = Front::start(&format!("a={}", instance.url()), &passive).await;
    for _ in 0..8 {
        let mut client = front.client().await;
        let body = "x".repeat(200_000);
        let refused = async {
            let mut peer = instance.accept().await;
            peer.head().await;
            peer.send("HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 4\r\n\r\nnope")
                .await;
            // Closed with unread input: the balancer's writes fail from now on.
            drop(peer);
        };
        let asked = async {
            client
                .send(format!(
                    "POST /nope HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                ))
                .await;
            client.answer().await
        };
        let ((), (head, body)) = tokio::join!(refused, asked);
        assert_eq!((status(&head), body.as_slice()), (404, &b"nope"[..]));
    }
    let upstream = front.upstream("a").await;
    assert_eq!(
        (&upstream["failures"], &upstream["ejections"], &upstream["in_flight"]),
        (&0.into(), &0.into(), &0.into()),
        "{upstream}"
    );
}

#[tokio::test]
async fn a_client_that_breaks_its_upload_inside_an_answer_is_no_strike_against_the_instance() {
    let (front, _instance, mut client, mut peer) =
        asked("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n").await;
    assert_eq!(peer.chunk().await, "abc");
    peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n")
        .await;
    client.head().await;
    assert_eq!(client.chunk().await, "ok");
    client.send("no chunk\r\n").await;
    client.rest().await;
    peer.rest().await;
    let upstream = front.upstream("a").await;
    assert_eq!(
        (&upstream["failures"], &upstream["in_flight"]),
        (&0.into(), &0.into()),
        "{upstream}"
    );
}

#[tokio::test]
async fn an_upload_that_stops_is_the_clients_fault() {
    for (variable, value) in [
        (balancer::STALL_TIMEOUT_MS, "40"),
        (balancer::UPSTREAM_RESPONSE_TIMEOUT_MS, "40"),
    ] {
        let instance = Instance::listen().await;
        let limits = [(variable, value), (balancer::PASSIVE_FAILURES, "1")];
        let front = Front::start(&format!("a={}", instance.url()), &limits).await;
        let mut client = front.client().await;
        client
            .send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc")
            .await;
        let (head, _) = client.answer().await;
        assert_eq!(status(&head), 408, "{variable}");
        let upstream = front.upstream("a").await;
        assert_eq!(
            (&upstream["failures"], &upstream["ejections"]),
            (&0.into(), &0.into()),
            "{variable}: {upstream}"
        );
    }
}
