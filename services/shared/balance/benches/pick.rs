//! What one pick costs, by policy and number of endpoints. `cargo bench -p balance`.
//!
//! Bars, at 100 endpoints: round robin below 5 ns, two choices below 20, peak EWMA below 40, Maglev and bounded loads below 50.

use std::hint::black_box;
use std::time::Duration;

use balance::{Endpoint, PolicyRng, Pool, REGISTRY, Request};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use hash::mix;
use rand::SeedableRng;

/// A pool in the middle of its work: uneven loads and latencies, all healthy.
fn busy(endpoints: u64) -> Pool {
    (0..endpoints)
        .map(|number| Endpoint {
            in_flight: (mix(number) % 20) as u32,
            latency_ewma: Duration::from_micros(1_000 + mix(number) % 9_000),
            latency_peak: Duration::from_micros(1_000 + mix(number + 1) % 20_000),
            failure_share: 0.01,
            observed: Duration::from_millis(mix(number) % 1_000),
            ..Endpoint::numbered(number)
        })
        .collect()
}

fn picks(criterion: &mut Criterion) {
    for kind in REGISTRY {
        let mut group = criterion.benchmark_group(kind.name());
        group
            .sample_size(30)
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(1));
        for endpoints in [10, 100] {
            let pool = busy(endpoints);
            let mut policy = kind.build();
            let mut rng = PolicyRng::seed_from_u64(1);
            let mut number = 0;
            group.bench_function(BenchmarkId::from_parameter(endpoints), |bencher| {
                bencher.iter(|| {
                    number += 1;
                    let request = Request {
                        key: Some(mix(number)),
                        now: Duration::from_secs(2),
                    };
                    policy.pick(black_box(&pool), black_box(&request), &mut rng)
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, picks);
criterion_main!(benches);
