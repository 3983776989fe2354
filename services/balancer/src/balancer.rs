//! What all client connections of a balancer share.

use std::time::{Duration, Instant};

use http::{HeaderValue, Response};

use crate::body::ResponseBody;
use crate::config::{Config, UpstreamConfig};
use crate::options::Options;
use crate::problem::X_INSTANCE;
use crate::routing::Routing;
use crate::sticky::Sticky;

/// Seed of the policies that draw: the same requests in the same order see the same draws in every run.
const POLICY_SEED: u64 = 1;

/// The balancer's state, shared by all client connections.
pub struct Balancer {
    pub(crate) routing: Routing,
    instance: HeaderValue,
    pub(crate) connect_timeout: Duration,
    pub(crate) response_timeout: Option<Duration>,
    pub(crate) options: Options,
    pub(crate) sticky: Option<Sticky>,
    pub(crate) started: Instant,
}

impl Balancer {
    /// A balancer that signs its own answers with the name `instance`.
    ///
    /// # Errors
    /// When the name has characters that a header value may not have.
    pub fn new(config: &Config, instance: &str) -> Result<Self, http::header::InvalidHeaderValue> {
        Ok(Self {
            routing: Routing::new(
                &config.upstreams,
                config.policy,
                POLICY_SEED,
                config.options.health.clone(),
            ),
            instance: HeaderValue::from_str(instance)?,
            connect_timeout: config.connect_timeout,
            response_timeout: config.response_timeout,
            sticky: config.options.sticky_cookie.clone().map(Sticky::new),
            options: config.options.clone(),
            started: Instant::now(),
        })
    }

    /// Time since it started: the clock of policies and health.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn replace_upstreams(&self, upstreams: &[UpstreamConfig]) {
        self.routing.replace_upstreams(upstreams, self.now());
    }

    /// Marks an answer as the balancer's own.
    pub(crate) fn sign(&self, mut response: Response<ResponseBody>) -> Response<ResponseBody> {
        response.headers_mut().insert(X_INSTANCE, self.instance.clone());
        response
    }
}
