//! Workers, outbox and inbox, on every kind of broker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chassis::{Shutdown, ShutdownTrigger};
use contract::events::{DomainEvent, Envelope, OrderCreated};
use contract::{Pending, Program};
use messaging::testing::TestKafka;
use messaging::{
    Broker, Commit, Failures, Handler, Outbox, Position, Producer, Refusal, Relay, Replay, Worker, WorkerOptions,
    event, headers, inbox_migration, outbox_migration, outbox_tracestate_migration, unpublished,
};
use sqlx::AnyConnection;
use store::{Database, Migration};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);
const TOPIC: &str = "orders";

/// Users whose orders are refused: for ever, or for the first two times.
const POISON: i64 = 13;
const MOODY: i64 = 14;

fn migrations() -> [Migration; 4] {
    [
        Migration::new(
            1,
            "effects",
            "CREATE TABLE effects (id IDENTITY_KEY, order_id BIGINT NOT NULL);",
        ),
        inbox_migration(2),
        outbox_migration(3),
        outbox_tracestate_migration(4),
    ]
}

/// Writes down each order, and how often a moody one came is remembered outside of the transaction.
#[derive(Default)]
struct Effects {
    moods: std::sync::Mutex<BTreeMap<i64, u32>>,
}

impl Handler for Effects {
    async fn handle(
        &self,
        event: &Envelope<DomainEvent>,
        _at: &Position,
        connection: &mut AnyConnection,
    ) -> Result<(), Refusal> {
        let DomainEvent::OrderCreated(order) = &event.data else {
            return Ok(());
        };
        sqlx::query("INSERT INTO effects (order_id) VALUES ($1)")
            .bind(order.order_id)
            .execute(connection)
            .await?;
        match order.user_id {
            POISON => Err(Refusal::Never("poison".to_owned())),
            MOODY if self.tries(order.order_id) <= 2 => Err(Refusal::Later("not in the mood".to_owned())),
            _ => Ok(()),
        }
    }
}

impl Effects {
    fn tries(&self, order_id: i64) -> u32 {
        let mut moods = self.moods.lock().unwrap();
        let tries = moods.entry(order_id).or_default();
        *tries += 1;
        *tries
    }
}

fn created(order_id: i64, user_id: i64) -> Envelope<OrderCreated> {
    event(
        "test",
        OrderCreated {
            order_id,
            user_id,
            product_id: 1,
            quantity: 1,
            amount_cents: 100,
        },
    )
}

struct Bench {
    kafka: TestKafka,
    broker: Broker,
    producer: Producer,
    database: Database,
    _folder: TempDir,
}

impl Bench {
    async fn on(kafka: TestKafka) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/work.db", folder.path().display());
        let broker = kafka.broker();
        Self {
            producer: Producer::new(&broker).unwrap(),
            database: Database::open(&url, &migrations()).await.unwrap(),
            broker,
            kafka,
            _folder: folder,
        }
    }

    async fn worker(&self, commit: Commit, failures: Failures) -> Running {
        let options = WorkerOptions {
            group: "team".to_owned(),
            topics: vec![TOPIC.to_owned()],
            commit,
            failures,
            gap: Duration::ZERO,
            hold_at: 0,
        };
        let topics = options.all_topics();
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        self.broker.ensure_topics(&topics, 3, PATIENCE).await.unwrap();
        let worker = Worker::new(
            &self.broker,
            &self.producer,
            self.database.clone(),
            options,
            Effects::default(),
        );
        let worker = Arc::new(worker.unwrap());
        let (trigger, shutdown) = Shutdown::new();
        let working = Arc::clone(&worker);
        let task = tokio::spawn(async move { working.run(&shutdown).await });
        Running { worker, trigger, task }
    }

    /// Orders by how often each had its effect.
    async fn effects(&self) -> BTreeMap<i64, i64> {
        let rows: Vec<(i64, i64)> = sqlx::query_as("SELECT order_id, COUNT(*) FROM effects GROUP BY order_id")
            .fetch_all(&*self.database)
            .await
            .unwrap();
        rows.into_iter().collect()
    }

    async fn dead(&self) -> Vec<(String, String)> {
        let mut dead = Vec::new();
        let topic = contract::events::topics::dead_letter(TOPIC, "team");
        let mut letters = Replay::open(&self.broker, &topic).await.unwrap();
        while let Some(received) = letters.next().await.unwrap() {
            let reason = received.header(headers::REASON).unwrap_or_default().to_owned();
            let origin = received.header(headers::ORIGIN[0]).unwrap_or_default().to_owned();
            dead.push((origin, reason));
        }
        dead
    }
}

struct Running {
    worker: Arc<Worker<Effects>>,
    trigger: ShutdownTrigger,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    /// Waits until nothing is open.
    async fn rest(&self) -> Pending {
        let waiting = async {
            loop {
                let pending = self.worker.pending().await.unwrap();
                if pending.open == 0 {
                    return pending;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("it comes to rest")
    }

    async fn stop(self) {
        self.trigger.request();
        tokio::time::timeout(PATIENCE, self.task)
            .await
            .expect("it ends")
            .unwrap();
    }
}

#[tokio::test]
async fn an_event_that_comes_twice_has_its_effect_once_with_an_inbox_and_twice_without() {
    for (commit, times) in [(Commit::Inbox, 1), (Commit::After, 2), (Commit::Before, 2)] {
        for kafka in TestKafka::each() {
            let bench = Bench::on(kafka).await;
            bench.broker.ensure_topics(&[TOPIC], 3, PATIENCE).await.unwrap();
            for order in 1..=5 {
                let event = created(order, 1);
                for _ in 0..2 {
                    bench.producer.publish(TOPIC, &event).await.unwrap();
                }
            }
            let running = bench.worker(commit, Failures::Block).await;
            assert_eq!(running.rest().await.done, 10);
            let expected: BTreeMap<i64, i64> = (1..=5).map(|order| (order, times)).collect();
            assert_eq!(bench.effects().await, expected, "{} {commit:?}", bench.kafka.name);
            running.stop().await;
        }
    }
}

#[tokio::test]
async fn what_cannot_be_handled_is_put_off_or_laid_down_and_holds_nobody_up() {
    for kafka in TestKafka::each() {
        let bench = Bench::on(kafka).await;
        let running = bench
            .worker(Commit::Inbox, Failures::backoff(Duration::from_millis(50), 2))
            .await;
        for (order, user) in [(1, 1), (2, POISON), (3, MOODY), (4, 1)] {
            bench.producer.publish(TOPIC, &created(order, user)).await.unwrap();
        }
        let nonsense = bench
            .producer
            .send(TOPIC, b"2", b"no event", rdkafka_headers())
            .await
            .unwrap();
        nonsense.done().await.unwrap();
        running.rest().await;
        let expected: BTreeMap<i64, i64> = [(1, 1), (3, 1), (4, 1)].into();
        assert_eq!(bench.effects().await, expected, "{}", bench.kafka.name);
        let dead = bench.dead().await;
        assert_eq!(dead.len(), 2, "{}: {dead:?}", bench.kafka.name);
        assert!(dead.iter().all(|(origin, _)| origin == TOPIC), "{dead:?}");
        assert!(dead.iter().any(|(_, reason)| reason == "poison"), "{dead:?}");
        assert!(
            dead.iter().any(|(_, reason)| reason.contains("not an event")),
            "{dead:?}"
        );
        running.stop().await;
    }
}

#[tokio::test]
async fn a_message_that_blocks_holds_up_its_partition_only() {
    for kafka in TestKafka::each() {
        let bench = Bench::on(kafka).await;
        let running = bench.worker(Commit::Inbox, Failures::Block).await;
        let poison = bench.producer.publish(TOPIC, &created(1, POISON)).await.unwrap();
        let mut behind = 0;
        let mut beside = 0;
        for order in 2..=40 {
            let place = bench.producer.publish(TOPIC, &created(order, 1)).await.unwrap();
            if place.partition == poison.partition {
                behind += 1;
            } else {
                beside += 1;
            }
        }
        assert!(behind > 0 && beside > 0);
        let waiting = async {
            while bench.effects().await.len() < beside {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            loop {
                let open = running.worker.pending().await.unwrap().open;
                if open == behind + 1 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("the other partitions go on");
        assert_eq!(bench.effects().await.len(), beside, "{}", bench.kafka.name);
        running.stop().await;
    }
}

#[tokio::test]
async fn what_a_transaction_wrote_is_published_and_what_it_took_back_is_not() {
    for kafka in TestKafka::each() {
        let bench = Bench::on(kafka).await;
        let outbox = Outbox::new(Program::Orders);
        let running = bench.worker(Commit::Inbox, Failures::Block).await;
        for order in 1..=6 {
            let mut transaction = bench.database.begin_write().await.unwrap();
            outbox
                .add(&mut transaction, TOPIC, created(order, 1).data)
                .await
                .unwrap();
            if order % 2 == 0 {
                transaction.commit().await.unwrap();
            }
        }
        assert_eq!(unpublished(&bench.database).await.unwrap(), 3);
        let relay = Relay::new(&outbox, bench.database.clone(), bench.producer.clone(), "orders-1");
        let (trigger, shutdown) = Shutdown::new();
        let relaying = async {
            while unpublished(&bench.database).await.unwrap() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            running.rest().await;
            trigger.request();
        };
        tokio::join!(relay.run(&shutdown), relaying);
        assert_eq!(relay.published(), 3);
        let expected: BTreeMap<i64, i64> = [(2, 1), (4, 1), (6, 1)].into();
        assert_eq!(bench.effects().await, expected, "{}", bench.kafka.name);
        running.stop().await;
    }
}

fn rdkafka_headers() -> messaging::rdkafka::message::OwnedHeaders {
    messaging::rdkafka::message::OwnedHeaders::new()
}
