//! Simulated requests a second on one core, by policy. `cargo bench -p sim`.
//!
//! The bar: five million a second at 100 servers with two choices.

use balance::{PolicyKind, REGISTRY};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sim::{Model, run};

const REQUESTS: u64 = 1_000_000;

fn model(kind: PolicyKind) -> Model {
    Model {
        requests: REQUESTS,
        warmup: 0,
        ..Model::new(kind)
    }
}

fn requests(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("100_servers");
    group.sample_size(10).throughput(Throughput::Elements(REQUESTS));
    for kind in REGISTRY {
        let model = model(*kind);
        group.bench_function(kind.name(), |bencher| {
            bencher.iter(|| run(&model).expect("the model is sound"));
        });
    }
    group.finish();
}

criterion_group!(benches, requests);
criterion_main!(benches);
