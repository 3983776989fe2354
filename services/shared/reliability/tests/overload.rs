//! The policies together, in virtual time: a server with two places and 20 ms of work, so 100 requests a second, and callers
//! in an open loop. What a caller abandons, the server does anyway, as real ones do.
//!
//! The numbers are those that the literature and the lessons give: what recovers after a trigger is gone and what does not,
//! and who still serves somebody when twice as much is asked as can be done.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use reliability::bulkhead::{Ended, Entered, Places};
use reliability::limit::{Outcome, limit};
use reliability::queue::queue;
use reliability::retry::{Call, RetryPolicy};

const MS: Duration = Duration::from_millis(1);
const SERVICE: Duration = Duration::from_millis(20);
const PLACES: u32 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A new request comes.
    Arrival,
    /// A request is tried again.
    Retry { request: usize },
    /// The caller of a try waits no longer.
    Timeout { attempt: usize },
    /// The server is done with a try.
    Done { attempt: usize },
}

struct Request {
    arrived: Duration,
    tries: u32,
    answered: bool,
}

struct Attempt {
    request: usize,
    /// Nobody waits for it any more.
    over: bool,
    began: Duration,
    /// With it in the door's places.
    in_flight: u32,
}

/// What is asked of the server, and what stands before it.
struct Settings {
    /// The limit and the queue at the door.
    door: (&'static str, &'static str),
    retry: &'static str,
    timeout: Duration,
    /// Requests a second at a time.
    rate: fn(Duration) -> f64,
    /// How many times slower the server is at a time.
    slower: fn(Duration) -> u32,
}

struct Simulation {
    settings: Settings,
    now: Duration,
    events: BinaryHeap<Reverse<(Duration, Event)>>,
    random: Pcg64Mcg,
    retry: RetryPolicy,
    door: Places,
    /// Behind the door: the two places, and a queue without a bound.
    server: Places,
    waiting_at_door: BTreeMap<u64, usize>,
    waiting_inside: BTreeMap<u64, usize>,
    requests: Vec<Request>,
    attempts: Vec<Attempt>,
}

impl Simulation {
    fn run(settings: Settings, until: Duration) -> Self {
        let (limit_at_door, queue_at_door) = settings.door;
        let inside = Places::new(
            limit(&format!("static max={PLACES}")).unwrap(),
            queue("fifo length=1000000").unwrap(),
        );
        let mut simulation = Self {
            now: Duration::ZERO,
            events: BinaryHeap::from([Reverse((Duration::ZERO, Event::Arrival))]),
            random: Pcg64Mcg::seed_from_u64(11),
            retry: RetryPolicy::new(&settings.retry.parse().unwrap()),
            door: Places::new(limit(limit_at_door).unwrap(), queue(queue_at_door).unwrap()),
            server: inside,
            waiting_at_door: BTreeMap::new(),
            waiting_inside: BTreeMap::new(),
            requests: Vec::new(),
            attempts: Vec::new(),
            settings,
        };
        while let Some(Reverse((now, event))) = simulation.events.pop().filter(|Reverse((now, _))| *now < until) {
            simulation.now = now;
            simulation.happen(event);
        }
        simulation
    }

    fn at(&mut self, pause: Duration, event: Event) {
        self.events.push(Reverse((self.now + pause, event)));
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrival => {
                let rate = (self.settings.rate)(self.now);
                let gap = Duration::from_secs_f64(-(1.0 - self.random.random::<f64>()).ln() / rate);
                self.at(gap, Event::Arrival);
                self.requests.push(Request {
                    arrived: self.now,
                    tries: 0,
                    answered: false,
                });
                self.retry.call(self.now);
                self.begin(self.requests.len() - 1);
            }
            Event::Retry { request } => self.begin(request),
            Event::Timeout { attempt } => self.fail(attempt),
            Event::Done { attempt } => self.done(attempt),
        }
    }

    fn begin(&mut self, request: usize) {
        self.requests[request].tries += 1;
        let attempt = self.attempts.len();
        self.attempts.push(Attempt {
            request,
            over: false,
            began: self.now,
            in_flight: 0,
        });
        self.at(self.settings.timeout, Event::Timeout { attempt });
        let (entered, shed) = self.door.enter(self.now);
        if let Some(shed) = shed.and_then(|id| self.waiting_at_door.remove(&id)) {
            self.fail(shed);
        }
        match entered {
            Entered::Placed { in_flight } => self.pass(attempt, in_flight),
            Entered::Waits(id) => _ = self.waiting_at_door.insert(id, attempt),
            Entered::Full => self.fail(attempt),
        }
    }

    /// The door lets a try in.
    fn pass(&mut self, attempt: usize, in_flight: u32) {
        (self.attempts[attempt].in_flight, self.attempts[attempt].began) = (in_flight, self.now);
        match self.server.enter(self.now).0 {
            Entered::Placed { .. } => self.work(attempt),
            Entered::Waits(id) => _ = self.waiting_inside.insert(id, attempt),
            Entered::Full => panic!("the queue inside has no bound"),
        }
    }

    fn work(&mut self, attempt: usize) {
        self.at(SERVICE * (self.settings.slower)(self.now), Event::Done { attempt });
    }

    fn done(&mut self, attempt: usize) {
        let Attempt {
            request,
            over,
            began,
            in_flight,
        } = self.attempts[attempt];
        self.attempts[attempt].over = true;
        self.requests[request].answered |= !over;
        for (id, _) in self.server.leave(self.now, None).placed {
            let next = self.waiting_inside.remove(&id).unwrap();
            self.work(next);
        }
        let turn = self.door.leave(
            self.now,
            Some(Ended {
                began,
                in_flight,
                outcome: Outcome::Done,
            }),
        );
        for id in turn.shed {
            let shed = self.waiting_at_door.remove(&id).unwrap();
            self.fail(shed);
        }
        for (id, in_flight) in turn.placed {
            let next = self.waiting_at_door.remove(&id).unwrap();
            self.pass(next, in_flight);
        }
    }

    /// A try fails: it was rejected, or took too long.
    fn fail(&mut self, attempt: usize) {
        let Attempt { request, over, .. } = self.attempts[attempt];
        if over {
            return;
        }
        self.attempts[attempt].over = true;
        let call = Call {
            idempotent: true,
            deadline: None,
        };
        if let Ok(pause) = self
            .retry
            .failed(&call, self.requests[request].tries, self.now, &mut self.random)
        {
            self.at(pause, Event::Retry { request });
        }
    }

    fn within(&self, from_s: u64, to_s: u64) -> impl Iterator<Item = &Request> {
        let span = Duration::from_secs(from_s)..Duration::from_secs(to_s);
        self.requests
            .iter()
            .filter(move |request| span.contains(&request.arrived))
    }

    /// The share of requests of a span that were answered.
    fn answered(&self, from_s: u64, to_s: u64) -> f64 {
        let all = self.within(from_s, to_s).count();
        self.within(from_s, to_s).filter(|request| request.answered).count() as f64 / all as f64
    }

    /// Answers a second to requests of a span.
    fn goodput(&self, from_s: u64, to_s: u64) -> f64 {
        self.within(from_s, to_s).filter(|request| request.answered).count() as f64 / (to_s - from_s) as f64
    }

    /// Tries for each request of a span.
    fn tries(&self, from_s: u64, to_s: u64) -> f64 {
        let tries: u32 = self.within(from_s, to_s).map(|request| request.tries).sum();
        f64::from(tries) / self.within(from_s, to_s).count() as f64
    }
}

/// 60 requests a second; from 4 s to 6 s the server is twenty times slower.
fn storm(retry: &'static str) -> Simulation {
    let settings = Settings {
        door: ("static max=1000000", "fifo length=0"),
        retry,
        timeout: 200 * MS,
        rate: |_| 60.0,
        slower: |now| if (4..6).contains(&now.as_secs()) { 20 } else { 1 },
    };
    Simulation::run(settings, Duration::from_secs(16))
}

#[test]
fn retries_without_a_budget_keep_a_server_down_whose_trouble_is_over() {
    let none = storm("attempts=1");
    assert!(none.answered(0, 3) >= 0.98, "before");
    assert!(none.answered(12, 14) >= 0.95, "{}", none.answered(12, 14));

    let naive = storm("attempts=3 base=0s max=0s budget=100% reserve_per_s=1000");
    assert!(naive.answered(0, 3) >= 0.98, "before");
    assert!(naive.answered(12, 14) <= 0.2, "{}", naive.answered(12, 14));
    assert!(naive.tries(6, 12) >= 2.5, "{}", naive.tries(6, 12));

    // In an open loop, jitter spreads the load and does not lessen it.
    let jitter = storm("attempts=3 base=100ms max=1s budget=100% reserve_per_s=1000");
    assert!(jitter.answered(12, 14) <= 0.3, "{}", jitter.answered(12, 14));

    let budget = storm("attempts=3 base=100ms max=1s budget=10% reserve_per_s=0");
    assert!(budget.answered(12, 14) >= 0.95, "{}", budget.answered(12, 14));
    assert!(budget.tries(6, 12) <= 1.15, "{}", budget.tries(6, 12));
}

/// 80 requests a second, from 5 s to 15 s 200, and callers who wait for 250 ms.
fn overload(limit: &'static str, queue: &'static str) -> Simulation {
    let settings = Settings {
        door: (limit, queue),
        retry: "attempts=1",
        timeout: 250 * MS,
        rate: |now| if (5..15).contains(&now.as_secs()) { 200.0 } else { 80.0 },
        slower: |_| 1,
    };
    Simulation::run(settings, Duration::from_secs(25))
}

#[test]
fn an_unbounded_queue_serves_nobody_in_time_and_every_way_to_shed_load_does() {
    let unbounded = overload("static max=1000000", "fifo length=0");
    assert!(unbounded.answered(0, 4) >= 0.9, "before");
    assert!(unbounded.goodput(8, 14) <= 30.0, "{}", unbounded.goodput(8, 14));
    for (limit, queue) in [
        ("static max=8", "fifo length=0"),
        ("static max=2", "fifo length=10"),
        ("static max=2", "lifo length=1000"),
        ("static max=2", "codel length=1000 target=20ms"),
        ("aimd max=100 timeout=100ms", "fifo length=0"),
        ("gradient max=100 queue=1", "fifo length=0"),
    ] {
        let shed = overload(limit, queue);
        assert!(
            shed.goodput(8, 14) >= 80.0,
            "{} with {limit}, {queue}",
            shed.goodput(8, 14)
        );
        assert!(
            shed.answered(18, 24) >= 0.9,
            "{} after it, with {limit}, {queue}",
            shed.answered(18, 24)
        );
    }
}
