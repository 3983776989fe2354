//! Whole requests and their answers, byte by byte.

use crate::built_in::api::SPOKEN;
use crate::built_in::batch::tests::batch;
use crate::built_in::broker::Broker;
use crate::built_in::wire::{Reader, Writer};

fn broker() -> Broker {
    Broker::new("kafka".to_owned(), 9092)
}

/// A request with the head of its version, number 7, from a client without a name.
fn request(key: i16, version: i16, flexible: bool, body: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut head = [key.to_be_bytes(), version.to_be_bytes()].concat();
    head.extend([0, 0, 0, 7, 0xff, 0xff]);
    if flexible {
        head.push(0);
    }
    let mut out = Writer::new(head, flexible);
    body(&mut out);
    out.tags();
    out.into_bytes()
}

/// The answer, after room for its length and the number of its request.
async fn answer(broker: &Broker, frame: &[u8]) -> Vec<u8> {
    let answer = broker.answer(frame, "/127.0.0.1").await.unwrap().unwrap();
    assert_eq!(answer[..8], [0, 0, 0, 0, 0, 0, 0, 7]);
    answer[8..].to_vec()
}

async fn is_refused(broker: &Broker, frame: &[u8]) -> bool {
    broker.answer(frame, "/127.0.0.1").await.is_err()
}

/// A request for one topic with so many partitions, in version 5.
fn create(name: &str, partitions: i32) -> Vec<u8> {
    request(19, 5, true, |out| {
        out.array([()], |out, ()| {
            out.text(name);
            out.i32(partitions);
            out.i16(-1);
            out.array([], Writer::i32);
            out.array([], Writer::i32);
            out.tags();
        });
        out.i32(1000);
        out.bool(false);
    })
}

/// Kafka's code for the topic in the answer.
async fn created(broker: &Broker, name: &str, partitions: i32) -> i16 {
    let answer = answer(broker, &create(name, partitions)).await;
    let mut reader = Reader::new(&answer);
    reader.set_flexible(true);
    reader.tags().unwrap();
    assert_eq!(reader.i32(), Ok(0));
    let codes = reader.array(|topic| {
        assert_eq!(topic.text(), Ok(name));
        let code = topic.i16()?;
        topic.maybe_text()?;
        let (partitions, replicas) = (topic.i32()?, topic.i16()?);
        assert_eq!(replicas, if code == 0 { 1 } else { -1 });
        assert_eq!(partitions > 0, code == 0);
        assert_eq!(topic.maybe_array(Reader::i8), Ok(Some(vec![])));
        topic.tags()?;
        Ok(code)
    });
    reader.end().unwrap();
    codes.unwrap()[0]
}

#[tokio::test]
async fn versions_are_told_in_the_version_that_was_asked_for() {
    let broker = broker();
    let listed = i32::try_from(SPOKEN.len()).unwrap();
    for version in 0..=2 {
        let told = answer(&broker, &request(18, version, false, |_| {})).await;
        let mut reader = Reader::new(&told);
        assert_eq!((reader.i16(), reader.i32()), (Ok(0), Ok(listed)));
        let throttle = if version == 0 { 0 } else { 4 };
        assert_eq!(told.len(), 6 + SPOKEN.len() * 6 + throttle);
    }
    for version in 3..=4 {
        let named = |name: &str| {
            let name = name.to_owned();
            request(18, version, true, move |out| {
                out.text(&name);
                out.text("1.0");
            })
        };
        let told = answer(&broker, &named("client-x")).await;
        // No tagged fields after the number of the request, and those of each entry.
        assert_eq!(told[..3], [0, 0, u8::try_from(listed + 1).unwrap()]);
        assert_eq!(told.len(), 3 + SPOKEN.len() * 7 + 4 + 1);
        for bad in ["", "a b", "-x", "größe"] {
            assert_eq!(answer(&broker, &named(bad)).await[..2], [0, 42], "{bad}");
        }
    }
}

#[tokio::test]
async fn a_version_of_versions_that_is_not_spoken_is_answered_in_the_oldest_one() {
    for version in [5, 99, -1] {
        let frame = request(18, version, true, |out| out.text("whatever comes"));
        let expected = [0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 4];
        assert_eq!(answer(&broker(), &frame).await, expected, "{version}");
    }
}

#[tokio::test]
async fn a_request_that_is_cut_off_is_refused_and_does_nothing() {
    let broker = broker();
    let good = create("orders", 3);
    for length in 0..good.len() {
        assert!(is_refused(&broker, &good[..length]).await, "{length}");
    }
    assert_eq!(broker.log.borrow().topics().len(), 0);
    assert!(!is_refused(&broker, &good).await);
    assert_eq!(broker.log.borrow().topics().len(), 1);
}

#[tokio::test]
async fn topics_are_made_within_bounds_and_under_kafkas_names() {
    let broker = broker();
    assert_eq!(created(&broker, "orders", 3).await, 0);
    assert_eq!(created(&broker, "any", -1).await, 0);
    for (name, partitions, code) in [
        ("orders", 1, 36),
        ("..", 1, 17),
        ("a b", 1, 17),
        ("none", 0, 37),
        ("huge", 0x7f7f_0000, 44),
    ] {
        assert_eq!(created(&broker, name, partitions).await, code, "{name}");
    }
}

#[tokio::test]
async fn several_members_leave_at_once() {
    let frame = request(13, 3, false, |out| {
        out.text("team");
        out.array(["one", "two"], |out, member| {
            out.text(member);
            out.maybe_text(None);
        });
    });
    let told = answer(&broker(), &frame).await;
    // No pause, no error of the whole; for each its name, no name of its own, and that it is unknown.
    let of = |name: &[u8]| [&[0, 3][..], name, &[0xff, 0xff, 0, 25]].concat();
    assert_eq!(
        told,
        [&[0, 0, 0, 0, 0, 0, 0, 0, 0, 2][..], &of(b"one"), &of(b"two")].concat()
    );
}

#[tokio::test]
async fn coordinators_are_found_one_by_one_or_many_at_once_and_none_of_transactions() {
    let broker = broker();
    let one = request(10, 1, false, |out| {
        out.text("team");
        out.i8(0);
    });
    let place = [&[0, 0, 0, 1, 0, 5][..], b"kafka", &[0, 0, 0x23, 0x84]].concat();
    assert_eq!(
        answer(&broker, &one).await,
        [&[0, 0, 0, 0, 0, 0, 0xff, 0xff][..], &place].concat()
    );
    for (kind, code) in [(0, 0), (1, 53), (2, 42)] {
        let many = request(10, 4, true, |out| {
            out.i8(kind);
            out.array(["a", "b"], Writer::text);
        });
        let told = answer(&broker, &many).await;
        let mut reader = Reader::new(&told);
        reader.set_flexible(true);
        reader.tags().unwrap();
        assert_eq!(reader.i32(), Ok(0));
        let found = reader.array(|found| {
            let key = found.text()?.to_owned();
            let (node, host, port) = (found.i32()?, found.text()?, found.i32()?);
            assert_eq!((node, host, port), (1, "kafka", 9092));
            let code = found.i16()?;
            found.maybe_text()?;
            found.tags()?;
            Ok((key, code))
        });
        reader.end().unwrap();
        assert_eq!(found, Ok(vec![("a".to_owned(), code), ("b".to_owned(), code)]));
    }
}

/// A request that publishes this to partition 0 of a topic.
fn produce(version: i16, acknowledged: i16, records: &[u8]) -> Vec<u8> {
    request(0, version, version >= 9, |out| {
        if version >= 3 {
            out.maybe_text(None);
        }
        out.i16(acknowledged);
        out.i32(1000);
        out.array(["t"], |out, topic| {
            out.text(topic);
            out.array([0], |out, partition| {
                out.i32(partition);
                out.bytes(records);
                out.tags();
            });
            out.tags();
        });
    })
}

/// Kafka's code in the answer to [`produce`], which comes after the topic's name and the partition.
async fn published(broker: &Broker, version: i16, acknowledged: i16, records: &[u8]) -> i16 {
    let told = answer(broker, &produce(version, acknowledged, records)).await;
    let at = if version >= 9 { 9 } else { 15 };
    i16::from_be_bytes([told[at], told[at + 1]])
}

#[tokio::test]
async fn publishing_has_codes_for_what_cannot_be_stored() {
    let broker = broker();
    let good = batch(&[1, 2], None);
    assert_eq!(published(&broker, 9, -1, &good).await, 3, "there is no such topic");
    assert_eq!(created(&broker, "t", 1).await, 0);
    for (version, acknowledged, code) in [(9, -1, 0), (3, 1, 0), (9, 2, 21), (2, 1, 43), (0, 1, 43)] {
        assert_eq!(
            published(&broker, version, acknowledged, &good).await,
            code,
            "{version} {acknowledged}"
        );
    }
    assert_eq!(published(&broker, 9, -1, &good[1..]).await, 43);
    assert_eq!(published(&broker, 9, -1, &good[..60]).await, 2);
    assert_eq!(broker.log.borrow().partition("t", 0).unwrap().end(), 4);
}

#[tokio::test]
async fn a_producer_that_wants_no_answer_gets_none_or_loses_its_connection() {
    let broker = broker();
    let frame = produce(9, 0, &batch(&[1], None));
    assert!(is_refused(&broker, &frame).await, "there is no such topic");
    created(&broker, "t", 1).await;
    assert!(matches!(broker.answer(&frame, "").await, Ok(None)));
    assert_eq!(broker.log.borrow().partition("t", 0).unwrap().end(), 1);
}

/// A request that reads partition 0 of topic `t`, and waits so many milliseconds for something to be there.
fn fetch(offset: i64, wait_ms: i32) -> Vec<u8> {
    request(1, 4, false, |out| {
        out.i32(-1);
        out.i32(wait_ms);
        out.i32(1);
        out.i32(1_000_000);
        out.i8(0);
        out.array(["t"], |out, topic| {
            out.text(topic);
            out.array([0], |out, partition| {
                out.i32(partition);
                out.i64(offset);
                out.i32(1_000_000);
            });
        });
    })
}

#[tokio::test]
async fn reading_waits_for_what_comes() {
    let broker = broker();
    created(&broker, "t", 1).await;
    let bytes = batch(&[1], None);
    let reading = fetch(0, i32::MAX);
    let (told, code) = tokio::join!(biased; answer(&broker, &reading), published(&broker, 9, -1, &bytes));
    assert_eq!(code, 0);
    assert!(told.ends_with(&bytes[16..]), "what was published");
}

#[tokio::test]
async fn reading_ends_without_records_when_nothing_comes_and_at_once_with_an_error() {
    let broker = broker();
    created(&broker, "t", 1).await;
    for wait_ms in [0, 1] {
        let told = answer(&broker, &fetch(0, wait_ms)).await;
        // After the throttle, one topic, its name, one partition and its number: no error, and no records.
        assert_eq!((&told[19..21], told.ends_with(&[0, 0, 0, 0])), (&[0, 0][..], true));
    }
    assert_eq!(answer(&broker, &fetch(99, i32::MAX)).await[19..21], [0, 1]);
}
