//! The balancer between clients and instances, byte by byte: RFC 9110 and 9112.

use std::io::{Read, Write};
use std::net::TcpStream;

use tempfile::{TempDir, tempdir};

use crate::common::http::{get, receive, send};
use crate::common::service::Service;
use crate::common::stand_in::{answer, serve};
use crate::common::{PATIENCE, until};

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

/// A balancer before an instance that answers everything but health checks with these bytes.
struct Front {
    balancer: Service,
    _folder: TempDir,
}

impl Front {
    fn before(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let address = serve(move |head| {
            let is_check = head.starts_with("GET /health") || head.starts_with("GET /ready");
            if is_check {
                answer("200 OK", "", "")
            } else {
                bytes.clone()
            }
        });
        let folder = tempdir().unwrap();
        let balancer = Service::start(
            "balancer",
            folder.path(),
            &[("UPSTREAMS", &format!("a=http://{address}"))],
        );
        Self {
            balancer,
            _folder: folder,
        }
    }

    /// Everything that comes for these bytes.
    fn answers(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.balancer.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // Whoever refuses a request need not read it.
        let _ = stream.write_all(request);
        let mut all = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match stream.read(&mut buffer) {
                Ok(read @ 1..) => all.extend_from_slice(&buffer[..read]),
                Ok(0) => break,
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
                Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&all)),
            }
        }
        String::from_utf8(all).unwrap().to_ascii_lowercase()
    }
}

/// The status of a whole answer; 0 where nothing came.
fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).map_or(0, |status| status.parse().unwrap())
}

#[test]
fn chunks_win_over_a_length() {
    let front =
        Front::before("HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
    let told = front.answers(GET.as_bytes());
    assert_eq!(status(&told), 200, "{told:?}");
    assert!(
        !told.contains("content-length") && told.ends_with("\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        "{told:?}"
    );
}

#[test]
fn an_interim_answer_comes_before_the_final_one() {
    let front =
        Front::before("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    let told = front.answers(GET.as_bytes());
    assert!(
        told.starts_with("http/1.1 103 early hints\r\nlink: </a>\r\n\r\nhttp/1.1 200 ok\r\n"),
        "{told:?}"
    );
    assert!(told.ends_with("\r\n\r\nok"), "{told:?}");
}

#[test]
fn a_length_said_twice_is_one_length_and_two_lengths_are_none() {
    let head = GET.replace("GET", "HEAD");
    for (lengths, expected) in [
        ("2\r\ncontent-length: 2", 200),
        ("2, 2", 200),
        ("2\r\ncontent-length: 3", 502),
    ] {
        let front = Front::before(format!("HTTP/1.1 200 OK\r\ncontent-length: {lengths}\r\n\r\n"));
        let told = front.answers(head.as_bytes());
        assert_eq!(status(&told), expected, "{lengths:?}: {told:?}");
        let length = told.lines().filter(|line| line.starts_with("content-length"));
        let length: Vec<&str> = length.collect();
        assert!(
            length.len() <= 1 && (expected != 200 || length == ["content-length: 2"]),
            "{told:?}"
        );
    }
}

#[test]
fn what_is_no_request_reaches_no_instance() {
    let front = Front::before(answer("200 OK", "", "reached"));
    let mut wrong = Vec::new();
    for (request, expected) in [
        ("GET /a HTTP/1.1\r\nHost: a/b@c\r\n", 400),
        ("GET /a HTTP/1.1\r\nHost: a, b\r\n", 400),
        ("GET http://u:p@b/x HTTP/1.1\r\nHost: a\r\n", 400),
        ("GET * HTTP/1.1\r\nHost: a\r\n", 400),
        ("GET b:80 HTTP/1.1\r\nHost: a\r\n", 400),
        (
            "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n",
            501,
        ),
    ] {
        let body = if request.starts_with("POST") {
            "2\r\nhi\r\n0\r\n\r\n"
        } else {
            ""
        };
        let told = front.answers(format!("{request}Connection: close\r\n\r\n{body}").as_bytes());
        if status(&told) != expected || told.contains("reached") {
            wrong.push((request, told));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_instance_that_refuses_a_body_early_is_heard_and_not_blamed() {
    let front = Front::before("HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 4\r\n\r\nnope");
    let body = "x".repeat(200_000);
    let request = format!(
        "POST /nope HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let told: Vec<String> = (0..8).map(|_| front.answers(request.as_bytes())).collect();
    let statuses: Vec<u16> = told.iter().map(|told| status(told)).collect();
    assert_eq!(statuses, [404; 8], "{told:?}");
    let upstreams = get(front.balancer.port, "/_balancer/upstreams").json();
    assert_eq!(upstreams[0]["failures"], 0, "{upstreams}");
}

#[test]
fn an_instance_that_is_gone_from_the_list_is_gone_from_the_metrics() {
    let folder = tempdir().unwrap();
    let upstreams = "old=http://127.0.0.1:9,keep=http://127.0.0.1:9";
    let balancer = Service::start("balancer", folder.path(), &[("UPSTREAMS", upstreams)]);
    let series = |name: &str| {
        let text = get(balancer.port, "/_balancer/metrics").body;
        let of = format!("upstream=\"{name}\"");
        text.lines().filter(|line| line.contains(&of)).count()
    };
    until("both are in the metrics", || series("old") > 0 && series("keep") > 0);
    let list = r#"[{"name":"keep","url":"http://127.0.0.1:9"}]"#;
    let json = [("content-type", "application/json")];
    let put = receive(send(balancer.port, "PUT", "/_balancer/upstreams", &json, list).unwrap());
    assert_eq!(put.status, 200, "{put:?}");
    assert_eq!(series("old"), 0);
    assert!(series("keep") > 0);
}
