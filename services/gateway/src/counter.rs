//! A counter in the memory of the instance: right while there is one instance, and wrong from the second one on, which
//! is what the lesson about state shows.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use chassis::Json;
use contract::CountReading;

use crate::{Gateway, Shared};

#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

pub(crate) async fn increment(State(gateway): Shared) -> Json<CountReading> {
    let before = gateway.counter.0.fetch_add(1, Ordering::Relaxed);
    reading(&gateway, before + 1)
}

pub(crate) async fn read(State(gateway): Shared) -> Json<CountReading> {
    let count = gateway.counter.0.load(Ordering::Relaxed);
    reading(&gateway, count)
}

fn reading(gateway: &Gateway, count: u64) -> Json<CountReading> {
    Json(CountReading {
        count,
        instance: gateway.instance.clone(),
    })
}
