//! What load to produce: streams of requests, each with a pace, and the windows by which results are told apart.

use std::time::Duration;

use thiserror::Error;
use url::Url;

/// One HTTP/1.1 request, sent the same way every time, except for its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Upper-case method such as `GET`.
    pub method: String,
    /// Path with its query, beginning with `/`.
    pub path: String,
    /// Further headers; `host` and `content-length` are added when absent.
    pub headers: Vec<(String, String)>,
    /// Body, if any.
    pub body: Option<String>,
    /// With so many keys, `{key}` in the path, in header values and in the body stands for one of them, a number from 1,
    /// that is drawn evenly for each request.
    pub keys: Option<u32>,
}

impl Request {
    /// A `GET` of `path` without further headers.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: "GET".into(),
            path: path.into(),
            headers: Vec::new(),
            body: None,
            keys: None,
        }
    }

    /// The request with this key.
    pub(crate) fn with_key(&self, key: u32) -> Self {
        let fill = |text: &String| text.replace("{key}", &key.to_string());
        Self {
            method: self.method.clone(),
            path: fill(&self.path),
            headers: self
                .headers
                .iter()
                .map(|(name, value)| (name.clone(), fill(value)))
                .collect(),
            body: self.body.as_ref().map(fill),
            keys: None,
        }
    }
}

/// How an open loop spreads its arrivals within the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arrivals {
    /// Evenly: the n-th request comes when the integrated rate reaches n.
    Constant,
    /// A Poisson process (independent users): exponential gaps in integrated rate.
    #[default]
    Poisson,
}

/// A stretch of time over which the rate goes linearly from one value to another. A list of stages makes a constant
/// rate, a ramp, a step or a spike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// Length in seconds.
    pub for_s: f64,
    /// Rate at its beginning, requests per second.
    pub from_rate_per_s: f64,
    /// Rate at its end, requests per second.
    pub to_rate_per_s: f64,
}

impl Stage {
    /// A constant rate for `for_s` seconds.
    #[must_use]
    pub fn constant(rate_per_s: f64, for_s: f64) -> Self {
        Self {
            for_s,
            from_rate_per_s: rate_per_s,
            to_rate_per_s: rate_per_s,
        }
    }
}

/// When a stream sends.
#[derive(Debug, Clone, PartialEq)]
pub enum Pace {
    /// Requests start when the schedule says, whether or not earlier ones came back.
    Open {
        /// Spread of the arrivals.
        arrivals: Arrivals,
        /// The rate over time.
        stages: Vec<Stage>,
        /// Most connections open at once; when all are busy a request waits, and its response time counts the wait.
        connections_max: usize,
    },
    /// A fixed number of users, each of which sends its next request only after the answer to the one before. After a
    /// failure without an answer (refused, reset, timeout) a user pauses for 10 ms more.
    Closed {
        /// Number of users, and most connections open at once.
        connections: usize,
        /// Constant pause of a user between an answer and its next request, ms.
        think_ms: f64,
        /// For how long new requests are sent, seconds.
        for_s: f64,
        /// Most requests in all; no limit when absent.
        requests_max: Option<u64>,
    },
    /// Single requests at stated times.
    At {
        /// Seconds after the start of the stream.
        times_s: Vec<f64>,
    },
}

/// A client: one kind of request at one pace to one target, over connections that it shares with no other stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    /// Name under which its results are counted; streams of one class are counted together.
    pub class: String,
    /// Scheme, host and port, such as `http://127.0.0.1:8080`; the path is that of the request.
    pub target: Url,
    /// What is sent.
    pub request: Request,
    /// When it is sent.
    pub pace: Pace,
    /// How long a request may take from its actual send before it fails as `timeout`.
    pub timeout: Duration,
    /// A request that took longer than this from its intended start counts as slow; unanswered ones always do.
    pub slow_over_ms: Option<f64>,
    /// Name of a top-level field of the JSON body of every 2xx answer whose value is collected.
    pub collect: Option<String>,
    /// Seed of the arrivals.
    pub seed: u64,
    /// Seconds from the start of the plan to the start of this stream.
    pub start_s: f64,
}

/// A named part of the run. A request belongs to the first window that holds its intended start.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Name, as it appears in slices. Requests outside every window have the empty name.
    pub name: String,
    /// Seconds from the start of the plan, inclusive.
    pub from_s: f64,
    /// Seconds from the start of the plan, exclusive.
    pub to_s: f64,
}

/// All that a generator needs to run.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadPlan {
    /// The streams, run side by side.
    pub streams: Vec<Stream>,
    /// The windows, in the order in which they are tried.
    pub windows: Vec<Window>,
    /// How often a sample is given out.
    pub sample_every: Duration,
    /// Length of a slice of intended starts.
    pub slice: Duration,
    /// Longest wait for answers after the last send; what is then open counts as `unanswered`.
    pub drain_max: Duration,
}

impl LoadPlan {
    /// A plan with the customary timing: samples and slices of 100 ms, and up to 10 s of drain.
    #[must_use]
    pub fn new(streams: Vec<Stream>) -> Self {
        Self {
            streams,
            windows: Vec::new(),
            sample_every: Duration::from_millis(100),
            slice: Duration::from_millis(100),
            drain_max: Duration::from_secs(10),
        }
    }
}

/// A request that cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what} is {value:?}: {hint}")]
pub struct BadRequest {
    /// The part that is at fault.
    pub what: &'static str,
    /// As it was given.
    pub value: String,
    /// What would be right.
    pub hint: &'static str,
}

/// Why a plan cannot be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// A value of the plan makes no sense.
    #[error("{what} of stream `{class}` is {value}: {hint}")]
    Invalid {
        /// Class of the stream.
        class: String,
        /// The field.
        what: &'static str,
        /// Its value.
        value: String,
        /// What would be right.
        hint: &'static str,
    },
    /// The plan's own timing makes no sense.
    #[error("`{what}` of the load plan is zero: give a positive duration such as 100 ms")]
    Timing {
        /// The field.
        what: &'static str,
    },
    /// The target's host has no address.
    #[error("the target {target} of stream `{class}` has no address: {source}; check the host name")]
    Address {
        /// Class of the stream.
        class: String,
        /// The target as given.
        target: Url,
        /// What the resolver said.
        source: std::io::Error,
    },
    /// The operating system refused a resource (event queue, timer or thread).
    #[error("the load generator could not get {what} from the operating system: {source}")]
    System {
        /// The resource.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}
