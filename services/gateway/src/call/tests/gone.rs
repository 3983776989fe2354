//! Instances that do not come back.

use bytes::Bytes;
use chassis::testing::get_from;
use chassis::{App, Reply};
use http::{HeaderMap, HeaderValue};

use super::super::breakers::Breakers;
use super::super::journal::Journal;
use super::*;

/// The breakers of `users`, and who tells of them.
struct Bench {
    breakers: Arc<Breakers>,
    journal: Journal,
}

impl Bench {
    fn new() -> Self {
        let journal = Journal::of(Program::Users);
        let settings = "window=2 min=2 failures=50% open=10m".parse().unwrap();
        Self {
            breakers: Arc::new(Breakers::new(settings, journal.start_anew())),
            journal,
        }
    }

    /// An instance gives so many answers at this second.
    fn answers(&self, at_s: u64, instance: &str, count: u32, status: StatusCode) {
        let now = Duration::from_secs(at_s);
        for _ in 0..count {
            let permits = self.breakers.acquire(BreakerFor::Instance, now).unwrap();
            let headers =
                HeaderMap::from_iter([("x-instance".parse().unwrap(), HeaderValue::try_from(instance).unwrap())]);
            let reply = Reply {
                service: Program::Users,
                status,
                headers,
                body: Bytes::new(),
            };
            permits.record(&Ok(reply), now, Duration::from_millis(1));
        }
    }

    fn well(&self, at_s: u64, instance: &str, count: u32) {
        self.answers(at_s, instance, count, StatusCode::OK);
    }

    /// The state of an instance's breaker, if it has one.
    fn state(&self, instance: &str) -> Option<String> {
        let breakers = self.breakers.report();
        breakers
            .into_iter()
            .find(|one| one.name == instance)
            .map(|one| one.state)
    }

    /// How many instances are known.
    fn known(&self) -> usize {
        // One breaker is that of the service.
        self.breakers.report().len() - 1
    }

    /// How many series of the metrics are about a breaker.
    async fn series(&self, instance: &str) -> usize {
        let journal = self.journal.clone();
        let settings = settings(Program::Gateway, &[]);
        let router = App::new(&settings).of_now(move || journal.record()).into_router();
        let text = get_from(&router, "/metrics").await.body;
        let of = format!("breaker=\"{instance}\"");
        text.lines().filter(|line| line.contains(&of)).count()
    }
}

#[tokio::test]
async fn an_instance_that_is_gone_is_gone_from_the_metrics_too() {
    let bench = Bench::new();
    bench.well(0, "users-1", 1);
    bench.answers(0, "users-2", 2, StatusCode::SERVICE_UNAVAILABLE);
    // Three states, and the change to one of them.
    assert_eq!((bench.series("users-1").await, bench.series("users-2").await), (3, 4));
    // It is open until then, so nobody asks it, and nobody can hear of it.
    bench.well(599, "users-1", 100);
    assert_eq!(bench.state("users-2").as_deref(), Some("open"));
    bench.well(601, "users-1", 1);
    assert_eq!(bench.state("users-2").as_deref(), Some("half_open"));
    // A minute passes, but few were asked in it.
    bench.well(700, "users-1", 29);
    assert_eq!(bench.known(), 2);
    bench.well(700, "users-1", 1);
    assert_eq!((bench.known(), bench.state("users-2")), (1, None));
    assert_eq!((bench.series("users-1").await, bench.series("users-2").await), (3, 0));
    // It came back after all, and begins anew.
    bench.well(701, "users-2", 1);
    assert_eq!(bench.state("users-2").as_deref(), Some("closed"));
    assert_eq!(bench.series("users-2").await, 3);
}

#[test]
fn an_instance_that_is_asked_seldom_is_still_there() {
    let bench = Bench::new();
    bench.well(0, "users-1", 1);
    bench.well(0, "users-2", 1);
    // A thousand requests in less than a minute, and then few in an hour.
    bench.well(60, "users-1", 1_000);
    assert_eq!(bench.known(), 2);
    bench.well(60, "users-2", 1);
    bench.well(3_600, "users-1", 31);
    assert_eq!(bench.known(), 2);
}

#[test]
fn those_that_are_gone_do_not_count_against_the_bound() {
    let bench = Bench::new();
    for number in 0..64 {
        bench.well(0, &format!("old-{number}"), 1);
    }
    bench.well(1, "new", 1);
    assert_eq!((bench.known(), bench.state("new")), (64, None));
    bench.well(100, "old-0", 16 * 64);
    assert_eq!(bench.known(), 1);
    bench.well(100, "new", 1);
    assert_eq!(bench.state("new").as_deref(), Some("closed"));
}
