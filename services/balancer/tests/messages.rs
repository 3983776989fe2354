//! What happens to a message on its way through.

mod common;

use common::{Echo, Front, Instance, field, status};

#[tokio::test]
async fn round_robin_spreads_evenly_over_three() {
    let (a, b, c) = (Echo::start("a").await, Echo::start("b").await, Echo::start("c").await);
    let front = Front::start(&format!("a={},b={},c={}", a.url, b.url, c.url), &[]).await;
    let mut client = front.client().await;
    let mut served = Vec::new();
    for _ in 0..9 {
        client.get("/").await;
        served.push(field(&client.answer().await.0, "x-instance").unwrap());
    }
    assert_eq!(served, ["a", "b", "c", "a", "b", "c", "a", "b", "c"]);
    for name in ["a", "b", "c"] {
        let upstream = front.upstream(name).await;
        assert_eq!(
            (&upstream["requests"], &upstream["in_flight"]),
            (&3.into(), &0.into()),
            "{upstream}"
        );
    }
}

#[tokio::test]
async fn many_requests_of_many_clients_in_turn_share_one_connection() {
    let echo = Echo::start("a").await;
    let front = Front::start(&format!("a={}", echo.url), &[]).await;
    for _ in 0..5 {
        let mut client = front.client().await;
        for _ in 0..20 {
            client.get("/x").await;
            assert_eq!(client.answer().await.1, b"/x");
        }
    }
    assert_eq!(echo.connections(), 1);
}

#[tokio::test]
async fn headers_of_one_connection_stay_on_it_and_the_others_pass() {
    let instance = Instance::listen().await;
    let front = Front::before(&instance).await;
    let mut client = front.client().await;
    client
        .send(
            "GET /a/b?c=d%20e HTTP/1.1\r\nHost: shop.example:8080\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n\
             Keep-Alive: timeout=5\r\nTE: trailers\r\nUpgrade: websocket\r\nProxy-Connection: close\r\n\
             X-Forwarded-For: 192.0.2.1\r\ntraceparent: 00-1-2-03\r\nX-End: yes\r\n\r\n",
        )
        .await;
    let mut peer = instance.accept().await;
    let head = peer.head().await;
    assert!(head.starts_with("get /a/b?c=d%20e http/1.1\r\n"), "{head}");
    for (name, value) in [
        ("host", "shop.example:8080"),
        ("x-forwarded-for", "192.0.2.1, 127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("traceparent", "00-1-2-03"),
        ("x-end", "yes"),
        // Said anew, for the balancer takes them, too.
        ("connection", "te"),
        ("te", "trailers"),
    ] {
        assert_eq!(field(&head, name).as_deref(), Some(value), "{head}");
    }
    for name in [
        "x-hop",
        "keep-alive",
        "upgrade",
        "proxy-connection",
        "transfer-encoding",
    ] {
        assert_eq!(field(&head, name), None, "{head}");
    }
    peer.send(
        "HTTP/1.1 201 Created\r\nx-instance: orders-2\r\nConnection: X-Back\r\nX-Back: 1\r\nKeep-Alive: timeout=9\r\n\
         Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\ncontent-length: 2\r\n\r\nok",
    )
    .await;
    let (head, body) = client.answer().await;
    assert_eq!((status(&head), body.as_slice()), (201, &b"ok"[..]));
    assert_eq!(field(&head, "x-instance").as_deref(), Some("orders-2"));
    assert_eq!(field(&head, "set-cookie").as_deref(), Some("a=1|b=2"));
    assert_eq!(field(&head, "date").as_deref(), Some("thu, 01 jan 1970 00:00:00 gmt"));
    for name in ["connection", "x-back", "keep-alive"] {
        assert_eq!(field(&head, name), None, "{head}");
    }
}

#[tokio::test]
async fn health_and_ready_belong_to_the_instances() {
    let echo = Echo::start("a").await;
    let front = Front::start(&format!("a={}", echo.url), &[]).await;
    let mut client = front.client().await;
    for path in ["/health", "/ready", "/metrics", "/_balancer"] {
        client.get(path).await;
        assert_eq!(field(&client.answer().await.0, "x-instance").as_deref(), Some("a"));
    }
}

#[tokio::test]
async fn answers_that_have_no_body_are_not_waited_for() {
    let instance = Instance::listen().await;
    let front = Front::before(&instance).await;
    let mut client = front.client().await;
    client.send("HEAD /h HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut peer = instance.accept().await;
    assert!(peer.head().await.starts_with("head /h "));
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n").await;
    let head = client.head().await;
    assert_eq!(field(&head, "content-length").as_deref(), Some("1234"), "{head}");

    // All on the same two connections: a body that was waited for or invented would put them out of step.
    for (answer, expected) in [
        ("HTTP/1.1 204 No Content\r\nx-n: 1\r\n\r\n", 204),
        (
            "HTTP/1.1 304 Not Modified\r\netag: \"1\"\r\ncontent-length: 99\r\n\r\n",
            304,
        ),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200),
    ] {
        client.get("/").await;
        peer.head().await;
        peer.send(answer).await;
        assert_eq!(status(&client.head().await), expected);
    }
    client.get("/last").await;
    peer.head().await;
    peer.ok("end").await;
    assert_eq!(client.answer().await.1, b"end");
    assert_eq!(front.upstream("a").await["in_flight"], 0);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let (a, b) = (Echo::start("a").await, Echo::start("b").await);
    let front = Front::start(&format!("a={},b={}", a.url, b.url), &[]).await;
    let mut client = front.client().await;
    let burst: String = (0..50)
        .map(|n| format!("GET /{n} HTTP/1.1\r\nhost: x\r\n\r\n"))
        .collect();
    client.send(burst).await;
    for n in 0..50 {
        assert_eq!(client.answer().await.1, format!("/{n}").into_bytes());
    }
}

#[tokio::test]
async fn a_pipelined_body_does_not_run_into_the_next_request() {
    let instance = Instance::listen().await;
    let front = Front::before(&instance).await;
    let mut client = front.client().await;
    client
        .send("POST /1 HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nfirstGET /2 HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    let mut peer = instance.accept().await;
    assert!(peer.head().await.starts_with("post /1 "));
    assert_eq!(peer.exact(5).await, b"first");
    peer.ok("one").await;
    assert_eq!(client.answer().await.1, b"one");
    assert!(peer.head().await.starts_with("get /2 "));
    peer.ok("two").await;
    assert_eq!(client.answer().await.1, b"two");
}

#[tokio::test]
async fn a_request_line_that_is_none_is_a_bad_request() {
    let echo = Echo::start("a").await;
    let front = Front::start(&format!("a={}", echo.url), &[]).await;
    for nonsense in [
        "nonsense\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nbad header\r\n\r\n",
    ] {
        let mut client = front.client().await;
        client.send(nonsense).await;
        assert_eq!(status(&client.head().await), 400, "{nonsense:?}");
    }
    assert_eq!(echo.connections(), 0);
}

#[tokio::test]
async fn host_is_demanded_once_and_taken_from_an_absolute_target() {
    let instance = Instance::listen().await;
    let front = Front::before(&instance).await;
    for bad in ["GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n"] {
        let mut client = front.client().await;
        client.send(bad).await;
        let (head, _) = client.answer().await;
        assert_eq!(status(&head), 400);
        assert_eq!(
            field(&head, "content-type").as_deref(),
            Some("application/problem+json")
        );
        assert_eq!(field(&head, "x-instance").as_deref(), Some("balancer-1"));
    }
    let mut client = front.client().await;
    client
        .send("GET http://right.example/p?q HTTP/1.1\r\nhost: wrong\r\n\r\n")
        .await;
    let mut peer = instance.accept().await;
    let head = peer.head().await;
    assert!(head.starts_with("get /p?q http/1.1\r\n"), "{head}");
    assert_eq!(field(&head, "host").as_deref(), Some("right.example"));
}

#[tokio::test]
async fn a_tunnel_is_refused() {
    let front = Front::start("", &[]).await;
    let mut client = front.client().await;
    client.send("CONNECT shop:80 HTTP/1.1\r\nhost: shop:80\r\n\r\n").await;
    assert_eq!(status(&client.head().await), 501);
}

#[tokio::test]
async fn a_client_of_http_1_0_gets_a_body_that_ends_with_the_connection() {
    let instance = Instance::listen().await;
    let front = Front::before(&instance).await;
    let mut client = front.client().await;
    client.send("GET / HTTP/1.0\r\n\r\n").await;
    let mut peer = instance.accept().await;
    let head = peer.head().await;
    assert!(head.starts_with("get / http/1.1\r\n"), "{head}");
    assert_eq!(
        field(&head, "host").map(|host| format!("http://{host}")),
        Some(instance.url())
    );
    peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        .await;
    let head = client.head().await;
    assert!(head.starts_with("http/1.0 200"), "{head}");
    assert_eq!(field(&head, "transfer-encoding"), None);
    assert_eq!(client.rest().await, b"abc");
}

#[tokio::test]
async fn a_length_beside_chunks_does_not_reach_the_instance() {
    let instance = Instance::listen().await;
    let front = Front::before(&instance).await;
    for fields in [
        "content-length: 4\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 4",
    ] {
        let mut client = front.client().await;
        client
            .send(format!(
                "POST / HTTP/1.1\r\nhost: x\r\n{fields}\r\n\r\n1\r\nZ\r\n0\r\n\r\n"
            ))
            .await;
        let mut peer = instance.accept().await;
        let head = peer.head().await;
        assert_eq!(field(&head, "content-length"), None, "{head}");
        assert_eq!(field(&head, "transfer-encoding").as_deref(), Some("chunked"), "{head}");
        assert_eq!(
            (peer.chunk().await.as_str(), peer.chunk().await.as_str()),
            ("z".to_uppercase().as_str(), "")
        );
        // Answered by closing, so that the second round gets a connection of its own.
        peer.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            .await;
        assert_eq!(status(&client.head().await), 200);
    }
}
