//! What clients send, and what of it reaches an instance.

mod common;

use common::{Echo, Front, Instance, asked, field, status};

#[tokio::test]
async fn requests_that_are_none_are_refused_for_instances_and_balancer_alike() {
    let echo = Echo::start("a").await;
    let front = Front::start(&format!("a={}", echo.url), &[]).await;
    for (request, expected) in [
        ("GET /a HTTP/1.1\r\nHost: a/b@c\r\n\r\n", 400),
        ("GET /a HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
        ("GET /a HTTP/1.1\r\nHost:\r\n\r\n", 400),
        ("GET /a HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET http://u:p@b/x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET http://:80/x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET b:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET ?b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("CONNECT b:80 HTTP/1.1\r\nHost: b:80\r\n\r\n", 501),
        (
            "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
            501,
        ),
        (
            "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        ("POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (
            "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhi",
            400,
        ),
        ("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nh", 400),
        ("POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("GET /a HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
        ("GET /a\r\n\r\n", 400),
        ("OPTIONS /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n", 200),
        ("TRACE /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n", 405),
        ("GET /_balancer/health HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
        ("GET http://u:p@b/_balancer/health HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ] {
        let mut client = front.client().await;
        client.send(request).await;
        assert_eq!(status(&client.head().await), expected, "{request:?}");
    }
    assert_eq!(echo.connections(), 0);
}

#[tokio::test]
async fn targets_and_heads_have_a_longest() {
    let echo = Echo::start("a").await;
    let front = Front::start(&format!("a={}", echo.url), &[]).await;
    let long = |length| "x".repeat(length);
    for (request, expected) in [
        (format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", long(60_000)), 200),
        (format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", long(70_000)), 414),
        (
            format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", long(100_000)),
            200,
        ),
        (
            format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", long(200_000)),
            431,
        ),
        (
            format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "x: y\r\n".repeat(101)),
            431,
        ),
    ] {
        let mut client = front.client().await;
        client.send(&request).await;
        assert_eq!(
            status(&client.head().await),
            expected,
            "{request:.40}, {} bytes",
            request.len()
        );
    }
}

#[tokio::test]
async fn the_way_of_a_request_is_written_down() {
    let instance = Instance::listen().await;
    let front = Front::before(&instance).await;
    let mut client = front.client().await;
    client
        .send(
            "GET / HTTP/1.1\r\nhost: x\r\nconnection: x-forwarded-for, te\r\nx-forwarded-for: 192.0.2.1\r\n\
             x-forwarded-for: 192.0.2.2, spoofed\r\nvia: 1.0 edge\r\nte: trailers, deflate\r\n\
             traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\
             tracestate: a=1\r\ntracestate: b=2,c=3\r\ntracestate:\r\n\r\n",
        )
        .await;
    let mut peer = instance.accept().await;
    let head = peer.head().await;
    for (name, value) in [
        ("x-forwarded-for", "192.0.2.1, 192.0.2.2, spoofed, 127.0.0.1"),
        ("via", "1.0 edge, 1.1 balancer"),
        ("te", "trailers"),
        ("connection", "te"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("tracestate", "a=1|b=2,c=3|"),
    ] {
        assert_eq!(field(&head, name).as_deref(), Some(value), "{head}");
    }
}

#[tokio::test]
async fn hops_of_options_are_counted() {
    let instance = Instance::listen().await;
    let front = Front::before(&instance).await;
    let mut client = front.client().await;
    client
        .send("OPTIONS http://shop:81/x HTTP/1.1\r\nhost: x\r\nmax-forwards: 2\r\n\r\n")
        .await;
    let head = instance.accept().await.head().await;
    assert!(head.starts_with("options /x http/1.1\r\n"), "{head}");
    assert_eq!(
        (field(&head, "max-forwards").as_deref(), field(&head, "host").as_deref()),
        (Some("1"), Some("shop:81"))
    );
}

#[tokio::test]
async fn trailers_of_a_request_reach_the_instance() {
    let (_front, _instance, mut client, mut peer) = asked(
        "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ntrailer: x-sum, x-forwarded-for\r\n\r\n\
             2\r\nhi\r\n0\r\nx-sum: 7\r\nx-forwarded-for: spoofed\r\n\r\n",
    )
    .await;
    assert_eq!(peer.chunk().await, "hi");
    assert_eq!(peer.exact(15).await, b"0\r\nx-sum: 7\r\n\r\n");
    peer.ok("done").await;
    assert_eq!(client.answer().await.1, b"done");
}
