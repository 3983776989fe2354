//! Publishing, groups, lag and replay, on every kind of broker.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use contract::events::{DomainEvent, Envelope, OrderCreated};
use messaging::testing::TestKafka;
use messaging::{Broker, Consumer, Producer, Received, Replay, event};
use observability::TraceContext;

const PATIENCE: Duration = Duration::from_secs(60);

fn created(order_id: i64) -> Envelope<OrderCreated> {
    event(
        "test",
        OrderCreated {
            order_id,
            user_id: 1,
            product_id: 1,
            quantity: 1,
            amount_cents: order_id,
        },
    )
}

fn order_of(received: &Received<'_>) -> i64 {
    match received.domain_event().unwrap().unwrap().data {
        DomainEvent::OrderCreated(order) => order.order_id,
        other => panic!("{other:?}"),
    }
}

async fn with_topic(kafka: &TestKafka, topic: &str) -> (Broker, Producer) {
    let broker = kafka.broker();
    broker.ensure_topics(&[topic], 3, PATIENCE).await.unwrap();
    let producer = Producer::new(&broker).unwrap();
    (broker, producer)
}

async fn next<'a>(consumer: &'a Consumer, kafka: &TestKafka) -> Received<'a> {
    tokio::time::timeout(PATIENCE, consumer.next())
        .await
        .unwrap_or_else(|_| panic!("{}: nothing came", kafka.name))
        .unwrap()
}

#[tokio::test]
async fn what_is_published_comes_in_order_of_its_key_and_in_its_trace() {
    for kafka in TestKafka::each() {
        let (broker, producer) = with_topic(&kafka, "ordered").await;
        broker.is_ready().await.unwrap();
        let parent = TraceContext::start().to_string();
        let trace = TraceContext::received([parent.as_bytes()], [&b"foo=1"[..], b"bar=2"]);
        let publishing = async {
            for version in 0..5 {
                for order in 0..4 {
                    let mut event = created(order);
                    event.data.quantity = version;
                    producer.publish("ordered", &event).await.unwrap();
                }
            }
        };
        trace.clone().scope(publishing).await;
        let consumer = Consumer::join(&broker, "readers", &["ordered"]).unwrap();
        let mut versions: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for _ in 0..20 {
            let received = next(&consumer, &kafka).await;
            assert_eq!(received.trace().trace_id, trace.trace_id, "{}", kafka.name);
            assert_eq!(received.trace().state(), Some("foo=1,bar=2"), "{}", kafka.name);
            let DomainEvent::OrderCreated(order) = received.domain_event().unwrap().unwrap().data else {
                panic!("another event");
            };
            assert_eq!(received.key(), order.order_id.to_string().as_bytes());
            versions.entry(order.order_id).or_default().push(order.quantity);
            consumer.commit(&received.position()).unwrap();
        }
        assert_eq!(versions.len(), 4);
        assert!(
            versions.values().all(|versions| *versions == [0, 1, 2, 3, 4]),
            "{}: {versions:?}",
            kafka.name
        );
        let topics = ["ordered".to_owned()];
        let lag = async || {
            broker
                .lag("readers", &topics)
                .await
                .unwrap()
                .iter()
                .map(messaging::PartitionLag::messages)
                .sum::<u64>()
        };
        until("everything is committed", async || lag().await == 0).await;
        assert_eq!(
            broker
                .lag("others", &topics)
                .await
                .unwrap()
                .iter()
                .map(messaging::PartitionLag::messages)
                .sum::<u64>(),
            20
        );
    }
}

#[tokio::test]
async fn a_member_that_comes_shares_and_one_that_leaves_is_replaced() {
    for kafka in TestKafka::each() {
        let (broker, producer) = with_topic(&kafka, "shared").await;
        let first = Consumer::join(&broker, "team", &["shared"]).unwrap();
        polled(&first, "the first has all", |first| first.partitions().len() == 3).await;
        let second = Consumer::join(&broker, "team", &["shared"]).unwrap();
        let (one, two) = (first.clone(), second.clone());
        let both_poll = async {
            tokio::join!(
                polled(&one, "the first gives some away", |one| (1..3)
                    .contains(&one.partitions().len())),
                polled(&two, "the second has some", |two| !two.partitions().is_empty()),
            )
        };
        both_poll.await;
        second.leave();
        tokio::join!(
            polled(&first, "the first has all again", |first| first.partitions().len() == 3),
            polled(&second, "the second has none", |second| second.partitions().is_empty()),
        );
        producer.publish("shared", &created(1)).await.unwrap();
        assert_eq!(order_of(&next(&first, &kafka).await), 1);
    }
}

#[tokio::test]
async fn what_was_not_committed_comes_again_and_what_was_does_not() {
    for kafka in TestKafka::each() {
        let (broker, producer) = with_topic(&kafka, "again").await;
        for _ in 0..10 {
            producer.publish("again", &created(7)).await.unwrap();
        }
        let first = Consumer::join(&broker, "careful", &["again"]).unwrap();
        let mut ids = Vec::new();
        for number in 0..6 {
            let received = next(&first, &kafka).await;
            ids.push(received.event().unwrap().id);
            if number < 4 {
                first.commit_and_wait(&received.position()).await.unwrap();
            }
        }
        first.leave();
        polled(&first, "it has left", |first| first.partitions().is_empty()).await;
        drop(first);
        let second = Consumer::join(&broker, "careful", &["again"]).unwrap();
        let received = next(&second, &kafka).await;
        assert_eq!(received.event().unwrap().id, ids[4], "{}", kafka.name);
        second.seek(&received.position()).unwrap();
        let again = next(&second, &kafka).await;
        assert_eq!(again.position(), received.position(), "{}: sought", kafka.name);
    }
}

#[tokio::test]
async fn a_replay_reads_all_that_was_there_and_joins_no_group() {
    for kafka in TestKafka::each() {
        let (broker, producer) = with_topic(&kafka, "history").await;
        for order in 0..50 {
            producer.publish("history", &created(order)).await.unwrap();
        }
        for _ in 0..2 {
            let mut orders = BTreeSet::new();
            let mut history = Replay::open(&broker, "history").await.unwrap();
            while let Some(received) = history.next().await.unwrap() {
                orders.insert(order_of(&received));
            }
            assert_eq!((history.read(), orders.len()), (50, 50), "{}", kafka.name);
        }
        let mut nothing = Replay::open(&broker, "never-made").await.unwrap();
        assert!(nothing.next().await.unwrap().is_none(), "{}", kafka.name);
    }
}

#[tokio::test]
async fn topics_may_be_made_by_many_at_once_and_a_missing_broker_is_said() {
    for kafka in TestKafka::each() {
        let broker = kafka.broker();
        let make = |_| broker.ensure_topics(&["once", "twice"], 2, PATIENCE);
        for made in futures_util::future::join_all((0..4).map(make)).await {
            made.unwrap();
        }
        let partitions = broker
            .lag("nobody", &["once".to_owned(), "twice".to_owned()])
            .await
            .unwrap();
        assert_eq!(partitions.len(), 4, "{}: {partitions:?}", kafka.name);
    }
    let nowhere = Broker::new(chassis::KafkaSettings {
        brokers: "127.0.0.1:1".to_owned(),
        prefix: String::new(),
        session: Duration::from_secs(6),
        member: None,
    });
    let error = nowhere.ensure_topics(&["a"], 1, Duration::ZERO).await.unwrap_err();
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
    nowhere.is_ready().await.unwrap_err();
}

/// Keeps asking for messages, as a member must, until something holds.
async fn polled(consumer: &Consumer, what: &str, holds: impl Fn(&Consumer) -> bool) {
    let waiting = async {
        while !holds(consumer) {
            let _ = tokio::time::timeout(Duration::from_millis(50), consumer.next()).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("{what} in time; it has {:?}", consumer.partitions()));
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("{what} in time"));
}
