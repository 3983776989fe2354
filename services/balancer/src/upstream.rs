//! One instance: its address, its idle connections and its counts.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use balance::{Endpoint, SIGNAL_DECAY, Signals, hash_text};
use http::HeaderValue;
use http::uri::Authority;

use crate::config::UpstreamConfig;
use crate::connection::{ConnectError, UpstreamConnection};

/// Idle connections kept to one instance; more are closed when they come back.
pub const IDLE_CONNECTIONS_MAX: usize = 256;
/// How long a connection may stay idle before the sweep closes it.
pub const IDLE_MAX: Duration = Duration::from_secs(30);

/// Boxed, for a connection is large, and goes on loan and comes back with every request.
type Idle = Vec<Box<UpstreamConnection>>;

/// An instance that requests are sent to. All counters are since it was first listed.
pub struct Upstream {
    name: String,
    /// Hash of the name: what policies know it by.
    id: u64,
    authority: Authority,
    /// `host:port` for connecting; shared so that a connect owns its address without copying it.
    address: Arc<str>,
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
    signals: Mutex<Signals>,
    /// Last in, first out: the ones least needed age and are swept.
    idle: Mutex<Idle>,
}

impl Upstream {
    /// An instance without connections yet.
    pub fn new(config: &UpstreamConfig) -> Self {
        Self {
            name: config.name.clone(),
            id: hash_text(&config.name),
            authority: config.authority.clone(),
            address: config.authority.as_str().into(),
            host: HeaderValue::from_str(config.authority.as_str())
                .expect("an authority has only characters that a header value may have"),
            weight: AtomicU32::new(config.weight),
            healthy: AtomicBool::new(config.healthy),
            retired: AtomicBool::new(false),
            unreachable: AtomicBool::new(false),
            in_flight: AtomicU32::new(0),
            requests: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            signals: Mutex::new(Signals::new(SIGNAL_DECAY)),
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

    /// What a policy may know about it.
    pub fn endpoint(&self) -> Endpoint {
        let mut endpoint = Endpoint {
            id: self.id,
            weight: self.weight.load(Relaxed),
            in_flight: self.in_flight(),
            healthy: self.healthy.load(Relaxed),
            ..Endpoint::IDLE
        };
        self.signals().write_to(&mut endpoint);
        endpoint
    }

    /// Takes note that the head of an answer, or a failure in its stead, came `latency` after the pick; `now` counts from the
    /// balancer's start.
    pub fn observe(&self, now: Duration, latency: Duration, failed: bool) {
        self.signals().observe(now, latency, failed);
    }

    fn signals(&self) -> std::sync::MutexGuard<'_, Signals> {
        self.signals.lock().unwrap_or_else(PoisonError::into_inner)
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
        let opened = UpstreamConnection::open(Arc::clone(&self.address), timeout).await;
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

    /// Keeps a connection for the next request, or closes it when it cannot carry one or there are enough.
    pub fn put_back(&self, mut connection: Box<UpstreamConnection>) {
        if !connection.is_reusable() {
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
