//! The law of the relay: whoever is killed and whenever, each event of the outbox is published at least once, and the
//! first deliveries of one key come in order.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use contract::Program;
use contract::events::OrderCreated;
use messaging::{
    MessagingError, Outbox, Publish, Relay, Stored, outbox_migration, outbox_tracestate_migration, unpublished,
};
use observability::TraceContext;
use proptest::prelude::*;
use store::Database;

/// Keeps what it is given, fails as it is told, and takes a moment, in which its caller may die, before and after.
#[derive(Clone, Default)]
struct Log {
    stored: Arc<Mutex<Vec<(String, i64)>>>,
    failures: Arc<Mutex<Vec<bool>>>,
}

impl Publish for Log {
    async fn publish_stored(&self, message: &Stored) -> Result<(), MessagingError> {
        tokio::task::yield_now().await;
        let fails = self.failures.lock().unwrap().pop().unwrap_or(false);
        if fails {
            return Err(MessagingError::Interrupted);
        }
        self.stored.lock().unwrap().push((message.key.clone(), message.id));
        tokio::task::yield_now().await;
        Ok(())
    }
}

/// Runs a future for so many polls, then drops it: what a kill does to the work under way.
async fn killed_after<F: Future>(polls: u32, work: F) {
    let mut work = pin!(work);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 || work.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        left -= 1;
        Poll::Pending
    })
    .await;
}

/// Checks the law on what was stored.
fn check(stored: &[(String, i64)], ids: &BTreeMap<String, Vec<i64>>) {
    for (key, wanted) in ids {
        let mut first = Vec::new();
        for (_, id) in stored.iter().filter(|(stored, _)| stored == key) {
            if !first.contains(id) {
                first.push(*id);
            }
        }
        assert_eq!(&first, wanted, "key {key} in {stored:?}");
    }
}

async fn scenario(keys: &[i64], kills: &[u32], failures: Vec<bool>) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/outbox.db", folder.path().display());
    let database = Database::open(&url, &[outbox_migration(1), outbox_tracestate_migration(2)])
        .await
        .unwrap();
    let outbox = Outbox::new(Program::Orders);
    let mut ids: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (index, key) in keys.iter().enumerate() {
        let order = OrderCreated {
            order_id: *key,
            user_id: 1,
            product_id: 1,
            quantity: 1,
            amount_cents: 1,
        };
        let mut connection = database.acquire().await.unwrap();
        outbox.add(&mut connection, "orders", order).await.unwrap();
        ids.entry(key.to_string()).or_default().push(index as i64 + 1);
    }
    let log = Log {
        failures: Arc::new(Mutex::new(failures)),
        ..Log::default()
    };
    for polls in kills {
        let relay = Relay::new(&outbox, database.clone(), log.clone(), "orders-1");
        killed_after(*polls, relay.step()).await;
    }
    let relay = Relay::new(&outbox, database.clone(), log.clone(), "orders-1");
    while unpublished(&database).await.unwrap() > 0 {
        // A failure of the log, which ends some time.
        let _ = relay.step().await;
    }
    check(&log.stored.lock().unwrap(), &ids);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn nothing_is_lost_and_the_first_deliveries_of_a_key_are_in_order(
        keys in proptest::collection::vec(1_i64..4, 1..14),
        kills in proptest::collection::vec(0_u32..40, 0..6),
        failures in proptest::collection::vec(any::<bool>(), 0..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(scenario(&keys, &kills, failures));
    }
}

#[tokio::test]
async fn only_one_relay_works_at_a_time_and_the_same_one_takes_over_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/outbox.db", folder.path().display());
    let database = Database::open(&url, &[outbox_migration(1), outbox_tracestate_migration(2)])
        .await
        .unwrap();
    let outbox = Outbox::new(Program::Orders);
    let log = Log::default();
    let relay = |name| Relay::new(&outbox, database.clone(), log.clone(), name);
    let add = async || {
        let order = OrderCreated {
            order_id: 1,
            user_id: 1,
            product_id: 1,
            quantity: 1,
            amount_cents: 1,
        };
        let mut connection = database.acquire().await.unwrap();
        outbox.add(&mut connection, "orders", order).await.unwrap();
    };
    add().await;
    assert_eq!(relay("orders-1").step().await.unwrap(), 1);
    add().await;
    assert_eq!(relay("orders-2").step().await.unwrap(), 0, "it is not its turn");
    assert_eq!(relay("orders-1").step().await.unwrap(), 1, "it was started again");
}

/// The `traceparent` and the `tracestate` of a message.
type Trace = (Option<String>, Option<String>);

/// Keeps the traces of what it is given.
#[derive(Clone, Default)]
struct Traces(Arc<Mutex<Vec<Trace>>>);

impl Publish for Traces {
    async fn publish_stored(&self, message: &Stored) -> Result<(), MessagingError> {
        let trace = (message.traceparent.clone(), message.tracestate.clone());
        self.0.lock().unwrap().push(trace);
        Ok(())
    }
}

#[tokio::test]
async fn an_event_is_published_in_the_whole_of_the_trace_that_it_was_written_in() {
    let database = Database::open(
        "sqlite::memory:",
        &[outbox_migration(1), outbox_tracestate_migration(2)],
    )
    .await
    .unwrap();
    let outbox = Outbox::new(Program::Orders);
    let parent = TraceContext::start().to_string();
    let with_state = TraceContext::received([parent.as_bytes()], [&b"foo=1"[..]]);
    let without = TraceContext::start();
    for trace in [with_state.clone(), without.clone()] {
        let order = OrderCreated {
            order_id: 1,
            user_id: 1,
            product_id: 1,
            quantity: 1,
            amount_cents: 1,
        };
        let mut connection = database.acquire().await.unwrap();
        let adding = outbox.add(&mut connection, "orders", order);
        trace.scope(adding).await.unwrap();
    }
    let traces = Traces::default();
    Relay::new(&outbox, database, traces.clone(), "orders-1")
        .step()
        .await
        .unwrap();
    let wanted = [
        (Some(with_state.to_string()), Some("foo=1".to_owned())),
        (Some(without.to_string()), None),
    ];
    assert_eq!(*traces.0.lock().unwrap(), wanted);
}
