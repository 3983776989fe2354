use super::*;
use proptest::prelude::*;

/// What a reader made of a stream of bytes that then ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Complete {
        status: u16,
        body: Vec<u8>,
        keep_alive: bool,
        instance: Vec<u8>,
        left: usize,
    },
    Incomplete,
    Failed(ReadError),
}

fn read(pieces: &[&[u8]], to_head_request: bool) -> Outcome {
    let mut reader = Reader::new();
    reader.begin(to_head_request, true);
    let mut left: usize = pieces.iter().map(|piece| piece.len()).sum();
    let mut complete = false;
    for piece in pieces {
        match reader.feed(piece) {
            Ok(fed) => {
                assert!(fed.used <= piece.len());
                assert!(
                    fed.done || fed.used == piece.len(),
                    "an unfinished answer takes all there is"
                );
                left -= fed.used;
                if fed.done {
                    complete = true;
                    break;
                }
            }
            Err(error) => return Outcome::Failed(error),
        }
    }
    if !complete && !reader.end() {
        return Outcome::Incomplete;
    }
    Outcome::Complete {
        status: reader.status,
        body: reader.body.clone(),
        keep_alive: reader.keep_alive,
        instance: reader.instance.clone(),
        left,
    }
}

fn complete(status: u16, body: &str, keep_alive: bool, left: usize) -> Outcome {
    Outcome::Complete {
        status,
        body: body.into(),
        keep_alive,
        instance: Vec::new(),
        left,
    }
}

fn tricky() -> Vec<(&'static str, Outcome)> {
    use Outcome::{Failed, Incomplete};
    use ReadError::{Malformed, Oversized};
    vec![
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            complete(200, "hello", true, 0),
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n",
            complete(200, "", true, 0),
        ),
        (
            "HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok",
            complete(200, "ok", true, 0),
        ),
        (
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2, 2\r\n\r\nno",
            complete(503, "no", true, 0),
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
            complete(200, "ok", true, 0),
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
            Failed(Malformed),
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Failed(Malformed)),
        ("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx", Failed(Malformed)),
        ("HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nx", Failed(Malformed)),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx",
            Failed(Oversized),
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 9999999999999\r\n\r\nx",
            Failed(Oversized),
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", Incomplete),
        ("HTTP/1.1 204 No Content\r\n\r\n", complete(204, "", true, 0)),
        (
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n",
            complete(304, "", true, 0),
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
            complete(200, "x", true, 0),
        ),
        (
            "HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n",
            complete(404, "", true, 0),
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
            Failed(Malformed),
        ),
        ("HTTP/1.1 100 Continue\r\n\r\n", Incomplete),
        (
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end",
            complete(200, "until the end", false, 0),
        ),
        ("HTTP/1.1 200 OK\r\n\r\n", complete(200, "", false, 0)),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
            complete(200, "ok", false, 0),
        ),
        (
            "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok",
            complete(200, "ok", true, 0),
        ),
        (
            "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok",
            complete(200, "ok", false, 0),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            complete(200, "hello", true, 0),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=b\r\nhel\r\n002 ; c=\"d\"\r\nlo\r\n0\r\nx: y\r\nz: w\r\n\r\n",
            complete(200, "hello", true, 0),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0;x\r\n\r\n",
            complete(200, "0123456789", true, 0),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            complete(200, "", true, 0),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1\r\nx\r\n0\r\n\r\n",
            complete(200, "x", false, 0),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
            complete(200, "x", true, 0),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\nxyz",
            complete(200, "xyz", false, 0),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n1\r\nx\r\n0\r\n\r\n",
            Failed(Malformed),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
            Failed(Malformed),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n",
            Failed(Malformed),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
            Failed(Malformed),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nhello",
            Failed(Malformed),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n;x\r\nhello",
            Failed(Malformed),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
            Failed(Malformed),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n",
            Failed(Oversized),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
            Incomplete,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            Incomplete,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200",
            complete(200, "ok", true, 12),
        ),
        ("HTTP/1.1 204 No Content\r\n\r\nextra", complete(204, "", true, 5)),
        ("SSH-2.0-OpenSSH_9.2\r\n", Failed(Malformed)),
        ("HTTP/2 200\r\n\r\n", Failed(Malformed)),
        ("HTTP/1.1 099 No\r\n\r\n", Failed(Malformed)),
        ("HTTP/1.1 2x0 No\r\n\r\n", Failed(Malformed)),
        ("HTTP/1.1 200 OK\r\nbad header\r\n\r\n", Failed(Malformed)),
        ("", Incomplete),
        ("HTTP/1.1 200 O", Incomplete),
    ]
}

#[test]
fn tricky_answers_are_read_alike_wherever_the_network_cuts_them() {
    for (text, expected) in tricky() {
        let bytes = text.as_bytes();
        assert_eq!(read(&[bytes], false), expected, "whole: {text:?}");
        for cut in 0..=bytes.len() {
            let (a, b) = bytes.split_at(cut);
            assert_eq!(read(&[a, b], false), expected, "cut at {cut}: {text:?}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single, false), expected, "byte by byte: {text:?}");
    }
}

#[test]
fn the_answer_to_a_head_request_has_no_body_whatever_it_declares() {
    let declared = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Instance: gateway-2\r\n\r\n";
    let expected = Outcome::Complete {
        status: 200,
        body: Vec::new(),
        keep_alive: true,
        instance: b"gateway-2".to_vec(),
        left: 0,
    };
    assert_eq!(read(&[declared], true), expected);
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(read(&[chunked], true), complete(200, "", true, 0));
}

#[test]
fn heads_and_kept_bodies_have_a_limit() {
    let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "a".repeat(2 * HEAD_MAX));
    assert_eq!(
        read(&[endless.as_bytes()], false),
        Outcome::Failed(ReadError::Oversized)
    );
    let pieces: Vec<&[u8]> = endless.as_bytes().chunks(1_000).collect();
    assert_eq!(read(&pieces, false), Outcome::Failed(ReadError::Oversized));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(FIELDS_MAX + 1));
    assert_eq!(read(&[many.as_bytes()], false), Outcome::Failed(ReadError::Oversized));
    let body = vec![b'x'; KEPT_BODY_MAX as usize + 1];
    assert_eq!(
        read(&[b"HTTP/1.1 200 OK\r\n\r\n", &body], false),
        Outcome::Failed(ReadError::Oversized)
    );
}

#[test]
fn a_reader_carries_nothing_over_to_the_next_answer() {
    let mut reader = Reader::new();
    reader.begin(false, true);
    reader
        .feed(b"HTTP/1.1 503 No\r\nx-instance: a\r\nconnection: close\r\ncontent-length: 3\r\n\r\nbad")
        .unwrap();
    reader.begin(false, true);
    assert!(!reader.started());
    assert!(
        reader
            .feed(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .unwrap()
            .done
    );
    assert_eq!(
        (
            reader.status,
            reader.keep_alive,
            reader.instance.len(),
            reader.body.len()
        ),
        (200, true, 0, 0)
    );
}

fn encode(chunks: &[Vec<u8>], trailers: usize) -> Vec<u8> {
    let mut bytes = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n");
    bytes.extend(b"t: v\r\n".repeat(trailers));
    bytes.extend(b"\r\n");
    bytes
}

/// Cuts `bytes` at the given places, in any order.
fn cut<'a>(bytes: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places.iter().map(|place| place % (bytes.len() + 1)).collect();
    places.sort_unstable();
    places.push(bytes.len());
    let mut from = 0;
    places
        .into_iter()
        .map(|to| &bytes[std::mem::replace(&mut from, to)..to])
        .collect()
}

proptest! {
    #[test]
    fn any_chunked_body_survives_any_cutting(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8),
        trailers in 0_usize..3,
        places in prop::collection::vec(any::<usize>(), 0..12),
    ) {
        let expected = Outcome::Complete {
            status: 200, body: chunks.concat(), keep_alive: true, instance: Vec::new(), left: 0,
        };
        prop_assert_eq!(read(&cut(&encode(&chunks, trailers), &places), false), expected);
    }

    #[test]
    fn garbage_gives_the_same_verdict_however_it_is_cut(
        mut bytes in prop::collection::vec(any::<u8>(), 0..80),
        base in 0_usize..40,
        at in any::<usize>(),
        places in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let texts = tricky();
        let base = texts[base % texts.len()].0.as_bytes();
        let at = at % (base.len() + 1);
        let mut mixed = base[..at].to_vec();
        mixed.append(&mut bytes);
        mixed.extend(&base[at..]);
        prop_assert_eq!(read(&cut(&mixed, &places), false), read(&[&mixed], false));
    }
}

#[test]
fn attack_answers() {
    let good = tricky();
    let attack = good.iter().fold(
        attack::Attack::new("answers", env!("CARGO_MANIFEST_DIR")),
        |attack, (text, _)| attack.input(*text),
    );
    let words = [
        "\r\n",
        "\n",
        "\0",
        ":",
        ",",
        ";",
        "0\r\n\r\n",
        "content-length: 3\r\n",
        "transfer-encoding: chunked\r\n",
        "connection: close\r\n",
        "HTTP/1.1 103 x\r\n\r\n",
        "ffffffffffffffff\r\n",
        "x-instance: \u{1b}[2J\r\n",
    ];
    let attack = words.into_iter().fold(attack, attack::Attack::word);
    attack.run(20_000, |bytes| {
        let whole = read(&[bytes], false);
        let (a, b) = bytes.split_at(bytes.len() / 2);
        assert_eq!(read(&[a, b], false), whole);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single, false), whole);
        read(&[bytes], true);
        if let Outcome::Complete { status, left, .. } = whole {
            assert!(
                (200..1_000).contains(&status) && left <= bytes.len(),
                "{status}, {left}"
            );
            // What is read as an answer is one to the parser that others use, too.
            let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
            let parsed = httparse::Response::new(&mut fields).parse(bytes);
            assert!(matches!(parsed, Ok(httparse::Status::Complete(_))), "{parsed:?}");
        }
    });
}
