//! What instances answer, and how little of it is believed.

mod common;

use common::{Front, Instance, asked, field, status};

const GET: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test]
async fn chunks_win_over_a_length_and_the_connection_is_not_used_again() {
    let (_front, instance, mut client, mut peer) = asked(GET).await;
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
        .await;
    let head = client.head().await;
    assert_eq!((status(&head), field(&head, "content-length")), (200, None), "{head}");
    assert_eq!(
        (client.chunk().await, client.chunk().await),
        ("ok".into(), String::new())
    );
    client.get("/next").await;
    assert!(instance.accept().await.head().await.starts_with("get /next "));
    assert_eq!(peer.rest().await, b"");
}

#[tokio::test]
async fn interim_answers_are_passed_on_before_the_final_one() {
    let (_front, _instance, mut client, mut peer) = asked(GET).await;
    peer.send("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\nlink: </b>\r\nconnection: x-hop\r\nx-hop: 1\r\n\r\n")
        .await;
    let hints = client.head().await;
    assert_eq!(hints, "http/1.1 103 early hints\r\nlink: </a>\r\nlink: </b>\r\n");
    peer.send(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    )
    .await;
    assert_eq!(status(&client.head().await), 100);
    assert_eq!(status(&client.head().await), 102);
    assert_eq!(client.answer().await.1, b"ok");
    // In step, and the next request starts anew.
    client.get("/2").await;
    peer.head().await;
    peer.send("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
        .await;
    assert_eq!(status(&client.head().await), 103);
    assert_eq!(status(&client.head().await), 204);
}

#[tokio::test]
async fn interim_answers_keep_their_place_among_pipelined_requests() {
    let (_front, _instance, mut client, mut peer) = asked(&GET.repeat(3)).await;
    for n in 0..3 {
        if n > 0 {
            peer.head().await;
        }
        let body = n.to_string().repeat(100_000);
        peer.send(format!(
            "HTTP/1.1 103 Early Hints\r\nx-n: {n}\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await;
    }
    for n in 0..3 {
        let hints = client.head().await;
        assert_eq!((status(&hints), field(&hints, "x-n")), (103, Some(n.to_string())));
        assert_eq!(client.answer().await.1, n.to_string().repeat(100_000).into_bytes());
    }
}

#[tokio::test]
async fn a_client_of_http_1_0_gets_no_interim_answers() {
    let (_front, _instance, mut client, mut peer) = asked("GET / HTTP/1.0\r\n\r\n").await;
    peer.send("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        .await;
    let head = client.head().await;
    assert!(head.starts_with("http/1.0 200 "), "{head}");
    assert_eq!(client.rest().await, b"ok");
}

#[tokio::test]
async fn interim_answers_without_an_end_are_a_failure_of_the_instance() {
    let (front, _instance, client, peer) = asked(GET).await;
    // The client reads nothing, so that they pile up.
    let (_read, mut write) = peer.into_halves();
    let hint = format!("HTTP/1.1 103 Early Hints\r\nx: {}\r\n\r\n", "y".repeat(8_000));
    let flood = async {
        while tokio::io::AsyncWriteExt::write_all(&mut write, hint.as_bytes())
            .await
            .is_ok()
        {}
    };
    common::within("the balancer to break it off", flood).await;
    assert_eq!(front.upstream("a").await["failures"], 1);
    drop(client);
}

#[tokio::test]
async fn what_cannot_be_framed_is_a_bad_gateway() {
    for answer in [
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nhi!",
        "HTTP/1.1 200 OK\r\ncontent-length: 2, 3\r\n\r\nhi!",
        "HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\nhi",
        "HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx-folded: a\r\n b\r\ncontent-length: 2\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\n x: a\r\ncontent-length: 2\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nx : a\r\ncontent-length: 2\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;a\nb\r\nhi\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;a\rb\r\nhi\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-2\r\nhi\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nhi\r\n0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nhi",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "<html>hi</html>",
    ] {
        let (front, _instance, mut client, mut peer) = asked(GET).await;
        peer.send(answer).await;
        drop(peer);
        let (head, body) = client.answer().await;
        assert_eq!(status(&head), 502, "{answer:?}: {head}");
        let problem: contract::Problem = serde_json::from_slice(&body).unwrap();
        assert!(problem.detail.starts_with("instance a "), "{problem:?}");
        assert_eq!(front.upstream("a").await["failures"], 1, "{answer:?}");
        // Nobody but the instance is to blame.
        client.get("/_balancer/health").await;
        assert_eq!(status(&client.answer().await.0), 200);
    }
}

#[tokio::test]
async fn a_length_said_twice_is_a_length_to_head_too() {
    for request in [GET, "HEAD / HTTP/1.1\r\nhost: x\r\n\r\n"] {
        for lengths in ["content-length: 2\r\ncontent-length: 2", "content-length: 2, 2"] {
            let (_front, _instance, mut client, mut peer) = asked(request).await;
            let body = if request == GET { "hi" } else { "" };
            peer.send(format!("HTTP/1.1 200 OK\r\n{lengths}\r\n\r\n{body}")).await;
            let head = client.head().await;
            assert_eq!(
                (status(&head), field(&head, "content-length").as_deref()),
                (200, Some("2")),
                "{head}"
            );
            client.exact(body.len()).await;
            client.get("/_balancer/health").await;
            assert_eq!(status(&client.answer().await.0), 200, "in step");
        }
    }
    let (_front, _instance, mut client, mut peer) = asked("HEAD / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n")
        .await;
    assert_eq!(status(&client.head().await), 502);
}

#[tokio::test]
async fn a_body_where_none_may_be_is_not_passed_on_nor_taken_for_the_next_answer() {
    for start in [
        "204 No Content\r\ncontent-length: 40",
        "304 Not Modified\r\ncontent-length: 40",
    ] {
        let (_front, instance, mut client, mut peer) = asked(GET).await;
        let smuggled = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
        peer.send(format!("HTTP/1.1 {start}\r\n\r\n{smuggled}")).await;
        let head = client.head().await;
        assert!(matches!(status(&head), 204 | 304), "{head}");
        client.get("/next").await;
        // Whatever came on the old connection, the next request has another one.
        let mut fresh = instance.accept().await;
        assert!(fresh.head().await.starts_with("get /next "));
        fresh.ok("right").await;
        assert_eq!(client.answer().await.1, b"right");
    }
}

#[tokio::test]
async fn trailers_reach_a_client_that_takes_them_and_no_other() {
    let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum, connection\r\n\r\n\
                  2\r\nhi\r\n0\r\nx-sum: 7\r\nconnection: x-hop\r\n\r\n";
    for (takes, expected) in [("te: trailers\r\n", "x-sum: 7\r\n"), ("", "")] {
        let (_front, _instance, mut client, mut peer) =
            asked(&format!("GET / HTTP/1.1\r\nhost: x\r\n{takes}\r\n")).await;
        peer.send(answer).await;
        client.head().await;
        assert_eq!(client.chunk().await, "hi");
        let end = format!("0\r\n{expected}\r\n");
        assert_eq!(String::from_utf8(client.exact(end.len()).await).unwrap(), end);
        client.get("/_balancer/health").await;
        assert_eq!(status(&client.answer().await.0), 200, "in step");
    }
}

#[tokio::test]
async fn an_instance_that_stops_inside_its_answer_is_given_up() {
    let instance = Instance::listen().await;
    let limit = [(balancer::UPSTREAM_RESPONSE_TIMEOUT_MS, "40")];
    let front = Front::start(&format!("a={}", instance.url()), &limit).await;
    let mut client = front.client().await;
    client.get("/").await;
    let mut peer = instance.accept().await;
    peer.head().await;
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe").await;
    client.head().await;
    assert_eq!(client.rest().await, b"he");
    assert_eq!(peer.rest().await, b"");
    let upstream = front.upstream("a").await;
    assert_eq!(
        (&upstream["failures"], &upstream["in_flight"]),
        (&1.into(), &0.into()),
        "{upstream}"
    );
}
