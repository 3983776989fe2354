//! Clients that keep the balancer waiting.

mod common;

use common::{Echo, Front, Instance, field, status};

const SOON: &str = "40";

#[tokio::test]
async fn half_a_head_and_silence_are_not_waited_for() {
    let echo = Echo::start("a").await;
    for (variable, sent, told) in [
        (balancer::IDLE_TIMEOUT_MS, "", ""),
        (
            balancer::HEAD_TIMEOUT_MS,
            "GET / HTTP/1.1\r\nhost: x\r\nx-half",
            "HTTP/1.1 408 ",
        ),
    ] {
        let is_told = |rest: Vec<u8>| match told {
            "" => rest.is_empty(),
            told => rest.starts_with(told.as_bytes()) && rest.ends_with(b"}"),
        };
        let front = Front::start(&format!("a={}", echo.url), &[(variable, SOON)]).await;
        let mut fresh = front.client().await;
        fresh.send(sent).await;
        assert!(is_told(fresh.rest().await), "{variable}");
        let mut used = front.client().await;
        used.get("/").await;
        assert_eq!(used.answer().await.1, b"/");
        used.send(sent).await;
        assert!(is_told(used.rest().await), "{variable}");
    }
}

#[tokio::test]
async fn a_slow_instance_is_no_silence_of_its_client() {
    let instance = Instance::listen().await;
    let limits = [
        (balancer::IDLE_TIMEOUT_MS, SOON),
        (balancer::HEAD_TIMEOUT_MS, SOON),
        (balancer::STALL_TIMEOUT_MS, SOON),
    ];
    let front = Front::start(&format!("a={}", instance.url()), &limits).await;
    let mut client = front.client().await;
    client.get("/").await;
    let mut peer = instance.accept().await;
    peer.head().await;
    // A second connection sees all three limits pass.
    assert_eq!(front.client().await.rest().await, b"");
    assert_eq!(front.client().await.rest().await, b"");
    peer.ok("late").await;
    let (head, body) = client.answer().await;
    assert_eq!((status(&head), body.as_slice()), (200, &b"late"[..]));
    assert_eq!(field(&head, "x-instance"), None);
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_lets_the_instance_go() {
    let instance = Instance::listen().await;
    let stall = [(balancer::STALL_TIMEOUT_MS, SOON)];
    let front = Front::start(&format!("a={}", instance.url()), &stall).await;
    let mut client = front.client().await;
    client.get("/endless").await;
    let mut peer = instance.accept().await;
    peer.head().await;
    peer.send("HTTP/1.1 200 OK\r\n\r\n").await;
    // Until all buffers on the way are full; then the client is given up, and the instance sees its end.
    let (_, mut write) = peer.into_halves();
    let fill = async {
        let piece = vec![b'x'; 1 << 16];
        while tokio::io::AsyncWriteExt::write_all(&mut write, &piece).await.is_ok() {}
    };
    common::within("the balancer to give its client up", fill).await;
    let upstream = front.upstream("a").await;
    assert_eq!(
        (&upstream["failures"], &upstream["in_flight"]),
        (&0.into(), &0.into()),
        "{upstream}"
    );
    drop(client);
}
