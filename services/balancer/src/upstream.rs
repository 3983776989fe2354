//! One instance: its address, its idle connections and its counts.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use balance::{Endpoint, SIGNAL_DECAY, Signals};
use http::HeaderValue;
use http::uri::Authority;

use crate::address::Address;
use crate::config::UpstreamConfig;
use crate::connection::{ConnectError, UpstreamConnection};
use crate::health::{Change, Health, HealthRules};

/// Idle connections kept to one instance; more are closed when they come back.
pub const IDLE_CONNECTIONS_MAX: usize = 256;
/// How long a connection may stay idle before the sweep closes it.
pub const IDLE_MAX: Duration = Duration::from_secs(30);

/// Boxed, for a connection is large, and goes on loan and comes back with every request.
type Idle = Vec<Box<UpstreamConnection>>;

/// What its answers taught.
struct Known {
    signals: Signals,
    health: Health,
}

/// Who may be picked, and how much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Whether the list has it in rotation.
    pub listed: bool,
    /// Whether its health takes it out.
    pub out: bool,
    /// Whether it is out for its failures.
    pub ejected: bool,
    /// Which part of its share it gets, above 0 and at most 1.
    pub warmth: f64,
}

impl Standing {
    /// In one word, for lists.
    pub fn word(&self) -> &'static str {
        match self {
            Self { listed: false, .. } => "draining",
            Self { ejected: true, .. } => "ejected",
            Self { out: true, .. } => "down",
            Self { warmth, .. } if *warmth < 1.0 => "warming",
            _ => "in",
        }
    }
}

/// An instance that requests are sent to. All counters are since it was first listed.
pub struct Upstream {
    name: String,
    /// Hash of the name: what policies know it by.
    id: u64,
    authority: Authority,
    address: Arc<Address>,
    host: HeaderValue,
    weight: AtomicU32,
    healthy: AtomicBool,
    /// Set when it is taken off the list: connections that come back are closed.
    retired: AtomicBool,
    /// Whether the last attempt to connect failed, so that only changes are logged.
    unreachable: AtomicBool,
    in_flight: AtomicU32,
    requests: AtomicU64,
    failures: AtomicU64,
    known: Mutex<Known>,
    /// Last in, first out: the ones least needed age and are swept.
    idle: Mutex<Idle>,
}

impl Upstream {
    /// An instance without connections yet.
    pub fn new(config: &UpstreamConfig, health: Health) -> Self {
        Self {
            name: config.name.clone(),
            id: hash::text(&config.name),
            authority: config.authority.clone(),
            address: Address::new(config.authority.as_str()),
            host: HeaderValue::from_str(config.authority.as_str())
                .expect("an authority has only characters that a header value may have"),
            weight: AtomicU32::new(config.weight),
            healthy: AtomicBool::new(config.healthy),
            retired: AtomicBool::new(false),
            unreachable: AtomicBool::new(false),
            in_flight: AtomicU32::new(0),
            requests: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            known: Mutex::new(Known {
                signals: Signals::new(SIGNAL_DECAY),
                health,
            }),
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Whether this is the instance that `config` means, so that its counts and connections live on under a new list.
    pub fn is_same_place(&self, config: &UpstreamConfig) -> bool {
        self.name == config.name && self.authority == config.authority
    }

    /// Takes weight and health from a new list.
    pub fn reconfigure(&self, config: &UpstreamConfig) {
        self.weight.store(config.weight, Relaxed);
        self.healthy.store(config.healthy, Relaxed);
    }

    /// Closes the idle connections and those that are yet to come back.
    pub fn retire(&self) {
        // In this order, so that a connection that comes back meanwhile is either seen here or sees the flag under the lock.
        self.retired.store(true, Relaxed);
        self.idle_connections().clear();
    }

    /// Name as configured.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `http://host:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.authority)
    }

    /// Value for the `Host` header of a request that came without one.
    pub fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// Requests picked for it whose answer has not ended.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Relaxed)
    }

    /// Requests picked for it.
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// Requests that it did not answer wholly: refused, timed out or broken off. Neither an error status nor a client that
    /// went away is one.
    pub fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    /// Hash of its name: what policies and cookies know it by.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Where it is.
    pub fn address(&self) -> &Arc<Address> {
        &self.address
    }

    /// What a policy may know about it, with its health as the list has it.
    pub fn endpoint(&self) -> Endpoint {
        let mut endpoint = Endpoint {
            id: self.id,
            weight: self.weight.load(Relaxed),
            in_flight: self.in_flight(),
            healthy: self.healthy.load(Relaxed),
            ..Endpoint::IDLE
        };
        self.known().signals.write_to(&mut endpoint);
        endpoint
    }

    /// Whether it may be picked at `now`, which counts from the balancer's start, and how much.
    pub fn standing(&self, now: Duration, rules: &HealthRules) -> Standing {
        let known = self.known();
        Standing {
            listed: self.healthy.load(Relaxed),
            out: known.health.is_out(now),
            ejected: !known.health.is_down() && known.health.is_ejected(now),
            warmth: known.health.warmth(now, rules),
        }
    }

    /// How often it was ejected for its failures.
    pub fn ejections(&self) -> u64 {
        self.known().health.ejections()
    }

    /// Takes note that the head of an answer, or a failure in its stead, came `latency` after the pick; `now` counts from the
    /// balancer's start. `may_eject` says whether the limit of ejections allows one more.
    pub fn observe(&self, now: Duration, latency: Duration, failed: bool, rules: &HealthRules, may_eject: bool) {
        let mut known = self.known();
        known.signals.observe(now, latency, failed);
        let change = known.health.answered(failed, now, rules, may_eject);
        drop(known);
        self.log(change);
    }

    /// Takes note of a probe.
    pub fn probed(&self, well: bool, now: Duration, rules: &HealthRules) {
        let change = self.known().health.probed(well, now, rules);
        self.log(change);
    }

    fn log(&self, change: Option<Change>) {
        match change {
            None => {}
            Some(Change::Up) => tracing::info!(upstream = self.name, "probes find the instance well again"),
            Some(Change::Down) => tracing::warn!(upstream = self.name, "probes find the instance down"),
            Some(Change::Ejected) => tracing::warn!(upstream = self.name, "instance ejected for its failures"),
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An idle connection that still looks alive.
    pub fn take_idle(&self) -> Option<Box<UpstreamConnection>> {
        loop {
            // The lock is let go before the connection is looked at.
            let mut connection = self.idle_connections().pop()?;
            if connection.is_reusable() {
                return Some(connection);
            }
        }
    }

    /// A fresh connection.
    ///
    /// # Errors
    /// As [`UpstreamConnection::open`].
    pub async fn connect(&self, timeout: Duration) -> Result<Box<UpstreamConnection>, ConnectError> {
        let opened = UpstreamConnection::open(&self.address, timeout).await;
        match &opened {
            Err(error) if !self.unreachable.swap(true, Relaxed) => {
                tracing::warn!(upstream = self.name, url = self.url(), %error, "instance does not take connections");
            }
            Ok(_) if self.unreachable.swap(false, Relaxed) => {
                tracing::info!(
                    upstream = self.name,
                    url = self.url(),
                    "instance takes connections again"
                );
            }
            _ => {}
        }
        opened
    }

    /// Keeps a connection for the next request, or closes it when it is closed already or there are enough. Whether it can carry
    /// one is looked at when it is needed, or by the sweep.
    pub fn put_back(&self, mut connection: Box<UpstreamConnection>) {
        if connection.is_closed() {
            return;
        }
        connection.rest();
        let mut idle = self.idle_connections();
        if idle.len() < IDLE_CONNECTIONS_MAX && !self.retired.load(Relaxed) {
            idle.push(connection);
        }
    }

    /// Closes idle connections that are too old or that the instance has closed.
    pub fn sweep(&self, now: Instant) {
        self.idle_connections().retain_mut(|connection| {
            now.saturating_duration_since(connection.idle_since()) < IDLE_MAX && connection.is_reusable()
        });
    }

    fn idle_connections(&self) -> std::sync::MutexGuard<'_, Idle> {
        // Nothing that runs under the lock leaves the list half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request's place in the count of its instance, from the pick to the end of the answer, however it ends.
pub struct InFlight {
    upstream: Arc<Upstream>,
}

impl InFlight {
    /// Counts a request in.
    pub fn enter(upstream: Arc<Upstream>) -> Self {
        upstream.in_flight.fetch_add(1, Relaxed);
        upstream.requests.fetch_add(1, Relaxed);
        Self { upstream }
    }

    /// The instance that was picked.
    pub fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    /// Counts the request as one that the instance did not answer wholly.
    pub fn fail(&mut self) {
        self.upstream.failures.fetch_add(1, Relaxed);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.upstream.in_flight.fetch_sub(1, Relaxed);
    }
}
