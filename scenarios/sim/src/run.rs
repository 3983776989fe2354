//! Playing a model.

use std::time::Duration;

use balance::{Endpoint, Policy, PolicyRng, Pool, Request, Signals};
use hash::mix;
use hdrhistogram::Histogram;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Zipf};
use rand_pcg::Pcg64Mcg;

use crate::arrivals::Gaps;
use crate::clock::Clock;
use crate::model::{Information, Model, ModelError};
use crate::outcome::{SimFigures, quantile_ms};
use crate::server::{Job, Server};

/// Longest response time told apart: a day, in nanoseconds.
const LONGEST_NS: u64 = 86_400_000_000_000;

/// Something that happened, for whoever wants to follow single requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A request was sent to a server.
    Picked {
        /// Which request, counted from 0.
        request: u64,
        /// Which server.
        server: usize,
    },
    /// A request was answered.
    Answered {
        /// Which request.
        request: u64,
        /// By which server.
        server: usize,
    },
}

/// Plays a model to its end.
///
/// # Errors
/// When its numbers make no system.
pub fn run(model: &Model) -> Result<SimFigures, ModelError> {
    run_with(model, |_| ())
}

/// Plays a model to its end, and shows what happens as it happens.
///
/// # Errors
/// When its numbers make no system.
pub fn run_with(model: &Model, watch: impl FnMut(Event)) -> Result<SimFigures, ModelError> {
    model.check()?;
    Ok(Run::new(model, watch).play())
}

/// One balancer: what it decides by.
struct Balancer {
    policy: Box<dyn Policy>,
    rng: PolicyRng,
}

struct Run<'a, W> {
    model: &'a Model,
    watch: W,
    servers: Vec<Server>,
    clock: Clock,
    balancers: Vec<Balancer>,
    /// One for each balancer that counts for itself, else one for all.
    pools: Vec<Pool>,
    /// For each pool and server, where the policy reads any.
    signals: Vec<Signals>,
    /// When the board is written next.
    board_s: f64,
    now_s: f64,
    in_system: u64,
    totals: Totals,
}

/// What is counted after the warm-up.
struct Totals {
    from_s: f64,
    requests: u64,
    late: u64,
    failed: u64,
    refused: u64,
    worked_on: u64,
    sum_s: f64,
    response_ns: Histogram<u64>,
    /// Integral of the number of requests in the system.
    area_s: f64,
    fullest: u64,
    by_server: Vec<u64>,
}

/// A generator of its own for each use, so that no use shifts the draws of another.
fn stream(seed: u64, number: u64) -> Pcg64Mcg {
    Pcg64Mcg::seed_from_u64(mix(seed ^ mix(number)))
}

impl<'a, W: FnMut(Event)> Run<'a, W> {
    fn new(model: &'a Model, watch: W) -> Self {
        let servers = model.servers as usize;
        let pools = match model.information {
            Information::Own => model.balancers as usize,
            Information::Board { .. } | Information::Probe { .. } => 1,
        };
        let pool: Pool = (0..model.servers).map(|server| endpoint(model, server)).collect();
        let first_failing = model.servers - model.failing.servers;
        let slots = |server| match server < first_failing {
            true => model.slots as usize,
            // A failure takes nobody's place.
            false => usize::MAX,
        };
        Self {
            model,
            watch,
            servers: (0..model.servers).map(|server| Server::new(slots(server))).collect(),
            clock: Clock::new(servers),
            balancers: (0..u64::from(model.balancers))
                .map(|number| Balancer {
                    policy: model.policy.build(),
                    // As the balancer seeds its policy, so that the two can be compared pick by pick.
                    rng: PolicyRng::seed_from_u64(model.seed.wrapping_add(number)),
                })
                .collect(),
            pools: vec![pool; pools],
            signals: match model.policy.reads_answers() {
                true => vec![Signals::default(); pools * servers],
                false => Vec::new(),
            },
            board_s: match model.information {
                Information::Board { every_s } => every_s,
                Information::Own | Information::Probe { .. } => f64::INFINITY,
            },
            now_s: 0.0,
            in_system: 0,
            totals: Totals::new(servers),
        }
    }

    fn play(mut self) -> SimFigures {
        let model = self.model;
        let mut gaps = Gaps::new(model.arrivals, model.rate_per_s(), stream(model.seed, 1));
        let mut work = stream(model.seed, 2);
        let mut spread = stream(model.seed, 3);
        let mut keys = stream(model.seed, 4);
        let zipf = Zipf::new(model.keys.count as f64, model.keys.skew).ok();
        let mut arrival_s = 0.0;
        for number in 0..model.requests {
            arrival_s += gaps.next_s();
            self.depart_until(arrival_s);
            if number == model.warmup {
                self.totals.begin(arrival_s);
            }
            let balancer = match model.balancers {
                1 => 0,
                several => spread.random_range(0..several),
            };
            let key = zipf
                .filter(|_| model.policy.is_keyed())
                .map(|zipf| mix(zipf.sample(&mut keys) as u64));
            let job = Job {
                number,
                arrived_s: arrival_s,
                // Drawn at the arrival and not at the start of the work: the same request then costs the same under every policy.
                work_s: model.service.draw_s(&mut work),
                balancer,
            };
            self.arrive(job, key);
        }
        self.depart_until(f64::MAX);
        self.outcome()
    }

    fn pool_of(&self, balancer: u32) -> usize {
        if self.pools.len() == 1 { 0 } else { balancer as usize }
    }

    fn arrive(&mut self, mut job: Job, key: Option<u64>) {
        let model = self.model;
        let pool = self.pool_of(job.balancer);
        let now = match model.policy.reads_answers() {
            true => Duration::from_secs_f64(self.now_s),
            false => Duration::ZERO,
        };
        let Balancer { policy, rng } = &mut self.balancers[job.balancer as usize];
        let Some(server) = policy.pick(&self.pools[pool], &Request { key, now }, rng) else {
            unreachable!("all servers are healthy, and a policy picks one whenever there is one");
        };
        (self.watch)(Event::Picked {
            request: job.number,
            server,
        });
        let recorded = job.number >= model.warmup;
        if recorded {
            self.totals.requests += 1;
            self.totals.by_server[server] += 1;
        }
        let fails = self.fails(server);
        if !fails && self.servers[server].load() >= model.queue_max as usize {
            self.totals.refused += u64::from(recorded);
            self.hear(pool, server, Duration::ZERO, true);
            return;
        }
        job.work_s = if fails {
            model.failing.after_s
        } else if server < model.slow.servers as usize {
            job.work_s * model.slow.factor
        } else {
            job.work_s
        };
        self.in_system += 1;
        // What waits changes nothing about who is done next.
        if self.servers[server].arrive(self.now_s, job) {
            self.clock.set(server, self.servers[server].next_end_s());
        }
        if !matches!(model.information, Information::Board { .. }) {
            self.pools[pool].enter(server);
        }
        if recorded {
            self.totals.fullest = self.totals.fullest.max(self.servers[server].load() as u64);
        }
    }

    fn fails(&self, server: usize) -> bool {
        server >= (self.model.servers - self.model.failing.servers) as usize
    }

    /// Everything that happens up to a time, and then it is that time.
    fn depart_until(&mut self, until_s: f64) {
        loop {
            let (end_s, server) = self.clock.next();
            if self.board_s <= end_s.min(until_s) && self.board_s < f64::MAX {
                self.move_to(self.board_s);
                self.write_board();
            } else if end_s <= until_s {
                self.move_to(end_s);
                self.depart(server);
            } else {
                break;
            }
            // After the last request the board goes on being written for nobody.
            if until_s == f64::MAX && self.in_system == 0 {
                break;
            }
        }
        if until_s < f64::MAX {
            self.move_to(until_s);
        }
    }

    fn move_to(&mut self, time_s: f64) {
        self.totals.area_s += self.in_system as f64 * (time_s - self.now_s);
        self.now_s = time_s;
    }

    fn write_board(&mut self) {
        if let Information::Board { every_s } = self.model.information {
            for (index, server) in self.servers.iter().enumerate() {
                let load = u32::try_from(server.load()).unwrap_or(u32::MAX);
                self.pools[0].update(index, |endpoint| endpoint.in_flight = load);
            }
            self.board_s += every_s;
        }
    }

    fn depart(&mut self, server: usize) {
        let job = self.servers[server].depart();
        self.clock.set(server, self.servers[server].next_end_s());
        let Some(job) = job else { return };
        (self.watch)(Event::Answered {
            request: job.number,
            server,
        });
        self.in_system -= 1;
        let pool = self.pool_of(job.balancer);
        if !matches!(self.model.information, Information::Board { .. }) {
            self.pools[pool].leave(server);
        }
        let probe_s = match self.model.information {
            Information::Probe { rtt_s } => rtt_s,
            Information::Own | Information::Board { .. } => 0.0,
        };
        let response_s = self.now_s - job.arrived_s + probe_s;
        let fails = self.fails(server);
        if self.model.policy.reads_answers() {
            self.hear(pool, server, Duration::from_secs_f64(response_s), fails);
        }
        if job.number >= self.model.warmup {
            let timeout_s = self.model.timeout_s.unwrap_or(f64::INFINITY);
            self.totals.answered(response_s, fails, response_s > timeout_s);
        }
    }

    /// A balancer hears an answer.
    fn hear(&mut self, pool: usize, server: usize, response: Duration, failed: bool) {
        if self.signals.is_empty() {
            return;
        }
        let signals = &mut self.signals[pool * self.servers.len() + server];
        signals.observe(Duration::from_secs_f64(self.now_s), response, failed);
        self.pools[pool].update(server, |endpoint| signals.write_to(endpoint));
    }

    fn outcome(self) -> SimFigures {
        let (model, totals) = (self.model, self.totals);
        let share = |count: u64| count as f64 / totals.requests.max(1) as f64;
        let ok = totals.worked_on - totals.late;
        let quantile = |quantile| quantile_ms(&totals.response_ns, quantile);
        let (slow, failing) = (model.slow.servers as usize, model.failing.servers as usize);
        let busiest = totals.by_server.iter().copied().max().unwrap_or(0);
        let simulated_s = self.now_s - totals.from_s;
        SimFigures {
            policy: model.policy.name().to_owned(),
            servers: model.servers,
            load: model.load,
            requests: totals.requests,
            ok,
            late: totals.late,
            failed: totals.failed,
            refused: totals.refused,
            success: share(ok),
            mean_ms: (totals.worked_on > 0).then(|| totals.sum_s / totals.worked_on as f64 * 1e3),
            p50_ms: quantile(0.5),
            p90_ms: quantile(0.9),
            p99_ms: quantile(0.99),
            p99_9_ms: quantile(0.999),
            max_ms: quantile(1.0),
            in_system_mean: totals.area_s / simulated_s.max(f64::MIN_POSITIVE),
            fullest: totals.fullest,
            busiest_over_mean: busiest as f64 * f64::from(model.servers) / totals.requests.max(1) as f64,
            slow_share: share(totals.by_server[..slow].iter().sum()),
            failing_share: share(totals.by_server[totals.by_server.len() - failing..].iter().sum()),
            simulated_s,
        }
    }
}

fn endpoint(model: &Model, server: u32) -> Endpoint {
    let slow = server < model.slow.servers;
    // Weights are whole numbers: the faster ones get the ratio.
    let weight = match model.weighs && model.slow.servers > 0 {
        true if model.slow.factor >= 1.0 && !slow => model.slow.factor.round() as u32,
        true if model.slow.factor < 1.0 && slow => (1.0 / model.slow.factor).round() as u32,
        _ => 1,
    };
    Endpoint {
        weight,
        ..Endpoint::numbered(u64::from(server))
    }
}

impl Totals {
    fn new(servers: usize) -> Self {
        Self {
            from_s: 0.0,
            requests: 0,
            late: 0,
            failed: 0,
            refused: 0,
            worked_on: 0,
            sum_s: 0.0,
            response_ns: Histogram::new_with_max(LONGEST_NS, 3).expect("three digits up to a day fit"),
            area_s: 0.0,
            fullest: 0,
            by_server: vec![0; servers],
        }
    }

    /// The warm-up is over.
    fn begin(&mut self, now_s: f64) {
        self.from_s = now_s;
        self.area_s = 0.0;
    }

    fn answered(&mut self, response_s: f64, failed: bool, late: bool) {
        if failed {
            self.failed += 1;
            return;
        }
        self.worked_on += 1;
        self.late += u64::from(late);
        self.sum_s += response_s;
        self.response_ns.saturating_record((response_s * 1e9) as u64);
    }
}
