//! What each policy costs a request, alone and with 64 tasks that share it. `cargo bench -p reliability`.
//!
//! Bars: below 300 ns uncontended, below 1 µs with 64 tasks.

use std::hint::black_box;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reliability::breaker::{Breaker, BreakerSettings};
use reliability::bulkhead::{Bulkhead, BulkheadSettings};
use reliability::limit::Outcome;
use reliability::rate::{PerClient, RateLimitSettings};
use reliability::retry::{BudgetSettings, RetryBudget};
use reliability::throttle::{Throttle, ThrottleSettings};
use tokio::runtime::Runtime;

const TASKS: u32 = 64;
const REQUESTS: u32 = 640_000;
/// What is shown is the best of so many rounds, as others use the machine too.
const ROUNDS: u32 = 5;

/// The policies of one service.
struct Chain {
    origin: Instant,
    breaker: Breaker,
    bulkhead: Bulkhead,
    budget: Mutex<RetryBudget>,
    throttle: Mutex<Throttle>,
    limit: Mutex<PerClient>,
}

fn lock<T>(policy: &Mutex<T>) -> MutexGuard<'_, T> {
    policy.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Chain {
    fn new() -> Self {
        let origin = Instant::now();
        let places: BulkheadSettings = "max=1000 length=10".parse().unwrap();
        let limit: RateLimitSettings = "gcra limit=1000000 window=1s".parse().unwrap();
        Self {
            origin,
            breaker: Breaker::new(BreakerSettings::default()),
            bulkhead: Bulkhead::new(places.places().unwrap(), places.wait, move || origin.elapsed()),
            budget: Mutex::new(RetryBudget::new(BudgetSettings::default())),
            throttle: Mutex::new(Throttle::new(ThrottleSettings::default())),
            limit: Mutex::new(PerClient::new(limit, 100)),
        }
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn breaker(&self) {
        if let Ok(permit) = self.breaker.acquire(self.now()) {
            permit.succeeded(self.now(), Duration::from_millis(1));
        }
    }

    async fn bulkhead(&self) {
        if let Ok(permit) = self.bulkhead.enter().await {
            permit.ended(Outcome::Done);
        }
    }

    fn budget(&self) {
        lock(&self.budget).pay_in(self.now());
    }

    fn throttle(&self) {
        let _ = black_box(lock(&self.throttle).admit(self.now(), &mut rand::rng()));
        lock(&self.throttle).accepted(self.now());
    }

    fn limit(&self) {
        let mut limit = lock(&self.limit);
        black_box(limit.admit("192.0.2.1", self.now()));
    }

    async fn all(&self) {
        self.limit();
        self.throttle();
        self.budget();
        let permit = self.bulkhead.enter().await;
        self.breaker();
        drop(permit);
    }
}

/// Nanoseconds of a thread for a request: all threads that the tasks can keep busy count.
fn measure<F>(runtime: &Runtime, tasks: u32, request: impl Fn(Arc<Chain>) -> F + Copy + Send + 'static) -> f64
where
    F: Future<Output = ()> + Send,
{
    let rounds = (0..ROUNDS).map(|_| {
        let chain = Arc::new(Chain::new());
        let started = Instant::now();
        runtime.block_on(async {
            let running: Vec<_> = (0..tasks)
                .map(|_| {
                    let chain = Arc::clone(&chain);
                    tokio::spawn(async move {
                        for number in 0..REQUESTS / tasks {
                            request(Arc::clone(&chain)).await;
                            if tasks > 1 && number % 16 == 0 {
                                tokio::task::yield_now().await;
                            }
                        }
                    })
                })
                .collect();
            for task in running {
                task.await.unwrap();
            }
        });
        let busy = runtime.metrics().num_workers().min(tasks as usize) as f64;
        busy * started.elapsed().as_secs_f64() * 1e9 / f64::from(REQUESTS)
    });
    rounds.fold(f64::INFINITY, f64::min)
}

/// Prints a line of the table.
fn show<F>(runtime: &Runtime, name: &str, request: impl Fn(Arc<Chain>) -> F + Copy + Send + 'static)
where
    F: Future<Output = ()> + Send,
{
    let (alone, shared) = (measure(runtime, 1, request), measure(runtime, TASKS, request));
    println!("{name:<18} {alone:>8.0} ns   {shared:>8.0} ns with {TASKS} tasks");
}

fn main() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    println!("a request, on {threads} threads, the clock included:");
    show(&runtime, "nothing", |chain| async move {
        black_box(chain.now());
    });
    show(&runtime, "breaker", |chain| async move { chain.breaker() });
    show(&runtime, "bulkhead", |chain| async move { chain.bulkhead().await });
    show(&runtime, "retry budget", |chain| async move { chain.budget() });
    show(&runtime, "throttle", |chain| async move { chain.throttle() });
    show(&runtime, "rate limit (gcra)", |chain| async move { chain.limit() });
    show(&runtime, "all of them", |chain| async move { chain.all().await });
}
