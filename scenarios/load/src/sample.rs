//! What the generator reports while it runs: what happened since the sample before, by class, slice and instance.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Histogram;

/// Names under which failed requests are counted; an answer with a status of 400 or more counts as `http_STATUS`.
pub mod error_class {
    /// Nothing listens at the target.
    pub const REFUSED: &str = "refused";
    /// The connection broke or ended before the answer was complete.
    pub const RESET: &str = "reset";
    /// No complete answer within the stream's timeout.
    pub const TIMEOUT: &str = "timeout";
    /// No complete answer when the generator stopped waiting at the end of the run.
    pub const UNANSWERED: &str = "unanswered";
    /// What came back is not an HTTP/1 response.
    pub const MALFORMED: &str = "malformed";
    /// The answer is larger than the generator's limits.
    pub const OVERSIZED: &str = "oversized";
    /// The network has no way to the target.
    pub const UNREACHABLE: &str = "unreachable";
    /// The generator's own machine failed: out of ports or file descriptors, say.
    pub const LOCAL: &str = "local";
    /// The field to collect was absent from a 2xx answer, or its body was not JSON.
    pub const UNCOLLECTED: &str = "uncollected";
}

/// What happened since the sample before. Samples add up: see [`Sample::merge`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// End of the time it covers, seconds since the start of the plan.
    pub at_s: f64,
    /// Length of the time it covers, seconds.
    pub span_s: f64,
    /// CPU time of the generator's thread within that time, seconds; absent where the system cannot tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator_cpu_s: Option<f64>,
    /// When the generator itself stood still.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub standstills: Vec<Standstill>,
    /// Results by class, in the order of the plan.
    pub classes: Vec<ClassSample>,
}

/// A time in which the generator did nothing though it had something to do: it sent nothing and took no answer, so no
/// latency around it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Standstill {
    /// Its start, seconds since the start of the plan.
    pub from_s: f64,
    /// Its length, seconds.
    pub lasted_s: f64,
}

/// Results of one class since the sample before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassSample {
    /// The class.
    pub class: String,
    /// Requests that the schedule asked for.
    pub scheduled: u64,
    /// Requests handed to a connection (a refused connection counts: the attempt was made).
    pub sent: u64,
    /// Requests answered with a status below 400.
    pub ok: u64,
    /// Requests that failed, by [`error_class`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<String, u64>,
    /// Idempotent requests sent a second time, because the server had closed the kept-alive connection before the
    /// first byte of an answer. No failures: each also has one result.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reconnects: u64,
    /// Connections opened.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub connections_opened: u64,
    /// Requests that had to wait because `connections_max` connections were busy.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub waited: u64,
    /// Requests sent and not yet finished, at the end of the sample.
    pub in_flight_now: u64,
    /// Requests due and not yet sent, at the end of the sample.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub queued_now: u64,
    /// Requests in flight integrated over the sample's time, request·seconds. Divided by `span_s` it is the mean
    /// number in flight, counted without any latency, hence a check of Little's law.
    pub in_flight_time_s: f64,
    /// Results by intended start. A late answer appears in a later sample under its own slice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<Slice>,
    /// Answers by the instance that gave them (header `x-instance`), whatever their status.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_instance: Vec<InstanceSample>,
    /// Values of the collected field, in order of arrival.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collected: Vec<serde_json::Value>,
}

/// Results of the requests whose intended start lies in one slice of time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// Window of the intended starts, empty outside all windows.
    pub window: String,
    /// Intended start divided by the length of a slice, rounded down.
    pub index: u32,
    /// Requests that the schedule asked for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub scheduled: u64,
    /// Requests handed to a connection.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sent: u64,
    /// Requests answered with a status below 400.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ok: u64,
    /// Requests that failed, by [`error_class`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<String, u64>,
    /// Requests, successful or failed, that ended later than `slow_over_ms` after their intended start, and all
    /// unanswered ones. Zero when the stream has no such limit, unanswered ones apart.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub slow: u64,
    /// Latency of successful requests from the intended start: what a user sees.
    #[serde(default, skip_serializing_if = "Histogram::is_empty")]
    pub response: Histogram,
    /// Latency of successful requests from the actual send (which includes opening a connection): what a generator
    /// sees that forgets the time a request waited to be sent.
    #[serde(default, skip_serializing_if = "Histogram::is_empty")]
    pub service: Histogram,
    /// Time from the intended start to the failure of failed requests (so far, for unanswered ones).
    #[serde(default, skip_serializing_if = "Histogram::is_empty")]
    pub failed: Histogram,
    /// Actual send minus intended start of every request sent, waits for a free connection included.
    #[serde(default, skip_serializing_if = "Histogram::is_empty")]
    pub lateness: Histogram,
    /// The generator's own share of the lateness: from the intended start until the generator looked at the request,
    /// whether or not a connection was then free. When this is large the generator lacked CPU.
    #[serde(default, skip_serializing_if = "Histogram::is_empty")]
    pub dispatch_lateness: Histogram,
}

/// Answers of one instance to requests of one window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct InstanceSample {
    /// Window of the intended starts, empty outside all windows.
    pub window: String,
    /// The instance, as named by itself.
    pub instance: String,
    /// Requests it answered, whatever the status.
    pub requests: u64,
    /// Latency of the successful ones from the intended start.
    #[serde(default, skip_serializing_if = "Histogram::is_empty")]
    pub response: Histogram,
}

impl Sample {
    /// Extends this sample by the one that follows it.
    pub fn merge(&mut self, next: Self) {
        self.at_s = next.at_s;
        self.span_s += next.span_s;
        self.generator_cpu_s = match (self.generator_cpu_s, next.generator_cpu_s) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        };
        self.standstills.extend(next.standstills);
        for class in next.classes {
            match self.classes.iter_mut().find(|mine| mine.class == class.class) {
                Some(mine) => mine.merge(class),
                None => self.classes.push(class),
            }
        }
    }
}

impl ClassSample {
    /// Extends this by the following sample of the same class.
    pub fn merge(&mut self, next: Self) {
        self.scheduled += next.scheduled;
        self.sent += next.sent;
        self.ok += next.ok;
        add_counts(&mut self.errors, &next.errors);
        self.reconnects += next.reconnects;
        self.connections_opened += next.connections_opened;
        self.waited += next.waited;
        self.in_flight_now = next.in_flight_now;
        self.queued_now = next.queued_now;
        self.in_flight_time_s += next.in_flight_time_s;
        for slice in next.slices {
            let found = self
                .slices
                .iter_mut()
                .find(|mine| mine.index == slice.index && mine.window == slice.window);
            match found {
                Some(mine) => mine.merge(&slice),
                None => self.slices.push(slice),
            }
        }
        for instance in next.by_instance {
            merge_instance(&mut self.by_instance, instance);
        }
        self.collected.extend(next.collected);
    }

    /// Send lateness of all slices together.
    #[must_use]
    pub fn lateness(&self) -> Histogram {
        let mut all = Histogram::new();
        for slice in &self.slices {
            all.merge(&slice.lateness);
        }
        all
    }
}

impl Slice {
    /// Adds the results of another piece of the same slice, or of another slice when a sum over slices is wanted.
    pub fn merge(&mut self, other: &Self) {
        self.scheduled += other.scheduled;
        self.sent += other.sent;
        self.ok += other.ok;
        add_counts(&mut self.errors, &other.errors);
        self.slow += other.slow;
        self.response.merge(&other.response);
        self.service.merge(&other.service);
        self.failed.merge(&other.failed);
        self.lateness.merge(&other.lateness);
        self.dispatch_lateness.merge(&other.dispatch_lateness);
    }
}

pub(crate) fn merge_instance(all: &mut Vec<InstanceSample>, next: InstanceSample) {
    match all
        .iter_mut()
        .find(|mine| mine.instance == next.instance && mine.window == next.window)
    {
        Some(mine) => {
            mine.requests += next.requests;
            mine.response.merge(&next.response);
        }
        None => all.push(next),
    }
}

pub(crate) fn add_counts(all: &mut BTreeMap<String, u64>, more: &BTreeMap<String, u64>) {
    for (name, count) in more {
        match all.get_mut(name) {
            Some(mine) => *mine += count,
            None => {
                all.insert(name.clone(), *count);
            }
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
