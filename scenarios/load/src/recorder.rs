//! Keeping the books between two samples.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::plan::Window;
use crate::sample::{ClassSample, InstanceSample, Sample, Slice, Standstill, error_class};

/// Why a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    Refused,
    Reset,
    Timeout,
    Unanswered,
    Malformed,
    Oversized,
    Unreachable,
    Local,
    Uncollected,
    Status(u16),
}

impl Failure {
    fn name(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Refused => error_class::REFUSED,
            Self::Reset => error_class::RESET,
            Self::Timeout => error_class::TIMEOUT,
            Self::Unanswered => error_class::UNANSWERED,
            Self::Malformed => error_class::MALFORMED,
            Self::Oversized => error_class::OVERSIZED,
            Self::Unreachable => error_class::UNREACHABLE,
            Self::Local => error_class::LOCAL,
            Self::Uncollected => error_class::UNCOLLECTED,
            Self::Status(status) => return Cow::Owned(format!("http_{status}")),
        })
    }
}

/// One finished request. Times are nanoseconds since the start of the plan.
pub(crate) struct Finished<'a> {
    pub(crate) intended_ns: u64,
    pub(crate) sent_ns: u64,
    pub(crate) end_ns: u64,
    pub(crate) failure: Option<Failure>,
    /// Who answered; empty when nobody did or it did not say.
    pub(crate) instance: &'a [u8],
    pub(crate) slow_over_ns: Option<u64>,
}

/// Index of a slice and of its window; the window `NO_WINDOW` stands for none.
type Key = (u32, u32);
const NO_WINDOW: u32 = u32::MAX;

struct Span {
    name: String,
    from_ns: u64,
    to_ns: u64,
}

struct SliceBook {
    key: Key,
    slice: Slice,
    failures: Vec<(Failure, u64)>,
}

struct InstanceBook {
    window: u32,
    name: Vec<u8>,
    requests: u64,
    response: crate::Histogram,
}

#[derive(Default)]
struct ClassBook {
    sample: ClassSample,
    /// Sorted by key.
    slices: Vec<SliceBook>,
    instances: Vec<InstanceBook>,
    in_flight: u64,
    in_flight_since_ns: u64,
    in_flight_ns: u128,
    queued: u64,
}

/// Books of all classes since the last sample.
pub(crate) struct Recorder {
    classes: Vec<ClassBook>,
    windows: Vec<Span>,
    slice_ns: u64,
    last_ns: u64,
    last_cpu_s: Option<f64>,
    standstills: Vec<Standstill>,
}

impl Recorder {
    pub(crate) fn new(windows: &[Window], slice: Duration, class_names: &[String]) -> Self {
        let span = |window: &Window| Span {
            name: window.name.clone(),
            from_ns: seconds_to_ns(window.from_s),
            to_ns: seconds_to_ns(window.to_s),
        };
        let book = |name: &String| ClassBook {
            sample: ClassSample {
                class: name.clone(),
                ..ClassSample::default()
            },
            ..ClassBook::default()
        };
        Self {
            classes: class_names.iter().map(book).collect(),
            windows: windows.iter().map(span).collect(),
            slice_ns: u64::try_from(slice.as_nanos()).unwrap_or(u64::MAX).max(1),
            last_ns: 0,
            last_cpu_s: None,
            standstills: Vec::new(),
        }
    }

    /// The generator had something to do at `due_ns`, and comes to it only now.
    pub(crate) fn stood_still(&mut self, due_ns: u64, now_ns: u64) {
        self.standstills.push(Standstill {
            from_s: ns_to_seconds(due_ns),
            lasted_s: ns_to_seconds(now_ns.saturating_sub(due_ns)),
        });
    }

    /// The run begins; `cpu_s` is the CPU time that its thread has used so far.
    pub(crate) fn start(&mut self, cpu_s: Option<f64>) {
        self.last_cpu_s = cpu_s;
    }

    /// The schedule asked for a request, and the generator noticed it now.
    pub(crate) fn scheduled(&mut self, class: usize, intended_ns: u64, now_ns: u64) {
        self.classes[class].sample.scheduled += 1;
        let slice = &mut self.book(class, intended_ns).slice;
        slice.scheduled += 1;
        slice.dispatch_lateness.record_ns(now_ns.saturating_sub(intended_ns));
    }

    /// A request had to queue for a connection.
    pub(crate) fn queued(&mut self, class: usize) {
        self.classes[class].sample.waited += 1;
        self.classes[class].queued += 1;
    }

    /// `count` requests left the queue, to be sent or for good.
    pub(crate) fn dequeued(&mut self, class: usize, count: u64) {
        self.classes[class].queued -= count;
    }

    /// A request was handed to a connection.
    pub(crate) fn sent(&mut self, class: usize, intended_ns: u64, now_ns: u64) {
        let book = &mut self.classes[class];
        book.sample.sent += 1;
        book.integrate(now_ns);
        book.in_flight += 1;
        let slice = &mut self.book(class, intended_ns).slice;
        slice.sent += 1;
        slice.lateness.record_ns(now_ns.saturating_sub(intended_ns));
    }

    pub(crate) fn reconnected(&mut self, class: usize) {
        self.classes[class].sample.reconnects += 1;
    }

    pub(crate) fn opened(&mut self, class: usize) {
        self.classes[class].sample.connections_opened += 1;
    }

    pub(crate) fn collected(&mut self, class: usize, value: serde_json::Value) {
        self.classes[class].sample.collected.push(value);
    }

    /// A request ended, one way or the other.
    pub(crate) fn finished(&mut self, class: usize, finished: &Finished<'_>) {
        let book = &mut self.classes[class];
        book.integrate(finished.end_ns);
        book.in_flight -= 1;
        let response_ns = finished.end_ns.saturating_sub(finished.intended_ns);
        let unanswered = finished.failure == Some(Failure::Unanswered);
        let slow = unanswered || finished.slow_over_ns.is_some_and(|limit_ns| response_ns > limit_ns);
        let entry = self.book(class, finished.intended_ns);
        entry.slice.slow += u64::from(slow);
        match finished.failure {
            None => {
                entry.slice.ok += 1;
                entry.slice.response.record_ns(response_ns);
                entry
                    .slice
                    .service
                    .record_ns(finished.end_ns.saturating_sub(finished.sent_ns));
            }
            Some(failure) => {
                match entry.failures.iter_mut().find(|(known, _)| *known == failure) {
                    Some((_, count)) => *count += 1,
                    None => entry.failures.push((failure, 1)),
                }
                entry.slice.failed.record_ns(response_ns);
            }
        }
        let window = entry.key.1;
        if !finished.instance.is_empty() {
            let instance = self.classes[class].instance(window, finished.instance);
            instance.requests += 1;
            if finished.failure.is_none() {
                instance.response.record_ns(response_ns);
            }
        }
    }

    fn book(&mut self, class: usize, intended_ns: u64) -> &mut SliceBook {
        let index = u32::try_from(intended_ns / self.slice_ns).unwrap_or(u32::MAX);
        let holds = |span: &Span| (span.from_ns..span.to_ns).contains(&intended_ns);
        let window = self
            .windows
            .iter()
            .position(holds)
            .and_then(|at| u32::try_from(at).ok())
            .unwrap_or(NO_WINDOW);
        let slices = &mut self.classes[class].slices;
        let key = (index, window);
        let at = match slices.last() {
            Some(last) if last.key == key => slices.len() - 1,
            _ => slices
                .binary_search_by_key(&key, |entry| entry.key)
                .unwrap_or_else(|at| {
                    slices.insert(
                        at,
                        SliceBook {
                            key,
                            slice: Slice::default(),
                            failures: Vec::new(),
                        },
                    );
                    at
                }),
        };
        &mut slices[at]
    }

    /// Closes the books: all that happened since the last call.
    pub(crate) fn sample(&mut self, now_ns: u64, cpu_s: Option<f64>) -> Sample {
        let windows = &self.windows;
        let classes = self
            .classes
            .iter_mut()
            .map(|book| book.close(windows, now_ns))
            .collect();
        let sample = Sample {
            at_s: ns_to_seconds(now_ns),
            span_s: ns_to_seconds(now_ns.saturating_sub(self.last_ns)),
            generator_cpu_s: cpu_s.zip(self.last_cpu_s).map(|(now, before)| now - before),
            standstills: std::mem::take(&mut self.standstills),
            classes,
        };
        self.last_ns = now_ns;
        self.last_cpu_s = cpu_s;
        sample
    }
}

impl ClassBook {
    fn integrate(&mut self, now_ns: u64) {
        // Times are taken before and after system calls and handed on, so a later entry may carry the earlier time.
        let span_ns = now_ns.saturating_sub(self.in_flight_since_ns);
        self.in_flight_ns += u128::from(self.in_flight) * u128::from(span_ns);
        self.in_flight_since_ns = self.in_flight_since_ns.max(now_ns);
    }

    fn instance(&mut self, window: u32, name: &[u8]) -> &mut InstanceBook {
        let found = self
            .instances
            .iter()
            .position(|known| known.window == window && known.name == name);
        let at = found.unwrap_or_else(|| {
            self.instances.push(InstanceBook {
                window,
                name: name.to_vec(),
                requests: 0,
                response: crate::Histogram::new(),
            });
            self.instances.len() - 1
        });
        &mut self.instances[at]
    }

    fn close(&mut self, windows: &[Span], now_ns: u64) -> ClassSample {
        self.integrate(now_ns);
        let fresh = ClassSample {
            class: self.sample.class.clone(),
            ..ClassSample::default()
        };
        let mut sample = std::mem::replace(&mut self.sample, fresh);
        sample.in_flight_time_s = std::mem::take(&mut self.in_flight_ns) as f64 / 1e9;
        sample.in_flight_now = self.in_flight;
        sample.queued_now = self.queued;
        for book in self.slices.drain(..) {
            let errors: BTreeMap<String, u64> = book
                .failures
                .iter()
                .map(|&(failure, count)| (failure.name().into_owned(), count))
                .collect();
            sample.ok += book.slice.ok;
            crate::sample::add_counts(&mut sample.errors, &errors);
            let window = window_name(windows, book.key.1);
            sample.slices.push(Slice {
                window,
                index: book.key.0,
                errors,
                ..book.slice
            });
        }
        sample.by_instance = self
            .instances
            .drain(..)
            .map(|book| InstanceSample {
                window: window_name(windows, book.window),
                instance: String::from_utf8_lossy(&book.name).into_owned(),
                requests: book.requests,
                response: book.response,
            })
            .collect();
        sample
    }
}

fn window_name(windows: &[Span], at: u32) -> String {
    windows
        .get(at as usize)
        .map_or_else(String::new, |span| span.name.clone())
}

/// Seconds of a plan in nanoseconds; negative ones count as zero, the cast saturates.
pub(crate) fn seconds_to_ns(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

fn ns_to_seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}
