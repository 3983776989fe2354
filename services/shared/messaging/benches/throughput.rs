//! Messages a second through one partition: the lab's own producer and consumer beside a bare loop of the library, in
//! turns and on the same broker. Prints both, and their ratios.
//!
//! `cargo bench -p messaging`; with `LAB_TEST_KAFKA=host:port` also on a real broker.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use messaging::rdkafka::ClientConfig;
use messaging::rdkafka::consumer::{Consumer as _, StreamConsumer};
use messaging::rdkafka::message::OwnedHeaders;
use messaging::rdkafka::producer::{FutureProducer, FutureRecord};
use messaging::testing::TestKafka;
use messaging::{Broker, Consumer, MessagingError, Producer};

/// Messages in one turn: less than the built-in broker keeps of a partition.
const MESSAGES: usize = 12_000;
const BYTES: usize = 200;
const TURNS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(30);

/// Messages a second, published and read.
#[derive(Clone, Copy)]
struct Rate {
    published: f64,
    read: f64,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be made");
    for kafka in TestKafka::each() {
        let (mut bare_rates, mut own_rates) = (Vec::new(), Vec::new());
        for turn in 0..TURNS {
            let broker = kafka.broker();
            // A B, B A, …: what drifts with time touches both alike.
            let measured = runtime.block_on(async {
                if turn % 2 == 0 {
                    let bare = bare(&broker, turn).await?;
                    Ok::<_, MessagingError>((bare, own(&broker, turn).await?))
                } else {
                    let own = own(&broker, turn).await?;
                    Ok((bare(&broker, turn).await?, own))
                }
            });
            let (bare, own) = measured.expect("the broker takes and gives");
            bare_rates.push(bare);
            own_rates.push(own);
        }
        println!(
            "{}: {MESSAGES} messages of {BYTES} bytes through one partition, median of {TURNS}",
            kafka.name
        );
        show("published", &bare_rates, &own_rates, |rate| rate.published);
        show("read", &bare_rates, &own_rates, |rate| rate.read);
    }
}

fn show(what: &str, bare: &[Rate], own: &[Rate], pick: fn(&Rate) -> f64) {
    let median = |rates: &[Rate]| {
        let mut values: Vec<f64> = rates.iter().map(pick).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let (bare, own) = (median(bare), median(own));
    println!(
        "  {what:>9}/s: bare {bare:>9.0}, lab {own:>9.0}, lab / bare {:.2}",
        own / bare
    );
}

async fn topic(broker: &Broker, kind: &str, turn: usize) -> Result<String, MessagingError> {
    let topic = format!("{kind}-{turn}");
    broker.ensure_topics(&[&topic], 1, PATIENCE).await?;
    Ok(topic)
}

fn rate(began: Instant) -> f64 {
    MESSAGES as f64 / began.elapsed().as_secs_f64()
}

/// The library as it is, with the same promises: idempotent, acknowledged, delivery by delivery.
async fn bare(broker: &Broker, turn: usize) -> Result<Rate, MessagingError> {
    let topic = broker.topic(&topic(broker, "bare", turn).await?);
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &broker.settings().brokers);
    let producer: FutureProducer = config
        .clone()
        .set("enable.idempotence", "true")
        .set("linger.ms", "2")
        .create()?;
    let payload = vec![b'x'; BYTES];
    // The first one waits for connections, and for the number that makes the producer idempotent.
    let first = FutureRecord::to(&topic).key(b"key").payload(&payload);
    producer.send(first, PATIENCE).await.map_err(|(error, _)| error)?;
    let began = Instant::now();
    let mut deliveries = Vec::with_capacity(MESSAGES);
    for _ in 0..MESSAGES {
        let record = FutureRecord::to(&topic).key(b"key").payload(&payload);
        deliveries.push(producer.send_result(record).map_err(|(error, _)| error)?);
    }
    for delivered in try_join_all(deliveries)
        .await
        .map_err(|_| MessagingError::Interrupted)?
    {
        delivered.map_err(|(error, _)| error)?;
    }
    let published = rate(began);
    let consumer: StreamConsumer = config
        .set("group.id", format!("{topic}-readers"))
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .create()?;
    consumer.subscribe(&[&topic])?;
    consumer.recv().await?;
    let began = Instant::now();
    for _ in 0..MESSAGES {
        consumer.recv().await?;
    }
    Ok(Rate {
        published,
        read: rate(began),
    })
}

/// The same through this crate.
async fn own(broker: &Broker, turn: usize) -> Result<Rate, MessagingError> {
    let topic = topic(broker, "own", turn).await?;
    let producer = Producer::new(broker)?;
    let payload = vec![b'x'; BYTES];
    let first = producer.send(&topic, b"key", &payload, OwnedHeaders::new()).await?;
    first.done().await?;
    let began = Instant::now();
    let mut deliveries = Vec::with_capacity(MESSAGES);
    for _ in 0..MESSAGES {
        deliveries.push(
            producer
                .send(&topic, b"key", &payload, OwnedHeaders::new())
                .await?
                .done(),
        );
    }
    try_join_all(deliveries).await?;
    let published = rate(began);
    let consumer = Consumer::join(broker, &format!("{topic}-readers"), &[&topic])?;
    consumer.next().await?;
    let began = Instant::now();
    for _ in 0..MESSAGES {
        consumer.next().await?;
    }
    Ok(Rate {
        published,
        read: rate(began),
    })
}
