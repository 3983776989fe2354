//! Log lines: one flat JSON object a line on stdout.
//!
//! A thread of its own writes them, behind a bounded queue: a reader that stops reading costs log lines (which are
//! counted), never a stalled event loop.

use std::fmt::{self, Write as _};
use std::io::{self, BufWriter, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::TraceContext;

/// Lines that may wait for stdout.
const QUEUE_LINES_MAX: usize = 4_096;
/// How long the end of the process waits for stdout.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(100);
/// Libraries whose finer levels would drown the service's own lines.
const CHATTY: [&str; 5] = ["hyper", "hyper_util", "sqlx", "tokio_util", "tower"];

enum Message {
    Line(String),
    Flush(SyncSender<()>),
}

/// Writes what is still queued when it is dropped.
#[derive(Debug)]
pub struct LogGuard {
    queue: Option<SyncSender<Message>>,
}

impl LogGuard {
    /// Waits, for a tenth of a second at most, until what was logged so far is written.
    pub fn flush(&self) {
        let Some(queue) = &self.queue else { return };
        let (done, wait) = sync_channel(1);
        if queue.try_send(Message::Flush(done)).is_ok() {
            // Either way there is nothing better to do at the end than to go on.
            let _ = wait.recv_timeout(FLUSH_TIMEOUT);
        }
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Sends the log lines of this process to stdout, from `level` up, each naming `service` and `instance`.
///
/// Does nothing when the process already logs somewhere.
#[must_use = "dropping the guard is what writes the last lines"]
pub fn init_logs(service: &str, instance: &str, level: LevelFilter) -> LogGuard {
    let (queue, lines) = sync_channel(QUEUE_LINES_MAX);
    let layer = JsonLines {
        origin: format!(",\"instance\":{},\"service\":{}", quoted(instance), quoted(service)),
        queue: queue.clone(),
        dropped: AtomicU64::new(0),
    };
    let mut filter = Targets::new().with_default(level);
    if level < LevelFilter::TRACE {
        filter = filter.with_targets(CHATTY.map(|library| (library, level.min(LevelFilter::WARN))));
    }
    // The filter stands before all layers, not on this one: with a filter of its own, a layer loses the event that
    // comes after a library has only asked whether it would be logged (as sqlx does for PostgreSQL's notices).
    if tracing_subscriber::registry()
        .with(filter)
        .with(layer)
        .try_init()
        .is_err()
    {
        return LogGuard { queue: None };
    }
    let writer = std::thread::Builder::new()
        .name("logs".to_owned())
        .spawn(move || write_lines(&lines));
    LogGuard {
        queue: writer.is_ok().then_some(queue),
    }
}

/// Writes until every sender is gone. A closed stdout is no reason to end the service, so errors are passed over.
fn write_lines(lines: &Receiver<Message>) {
    let mut out = BufWriter::new(io::stdout());
    while let Ok(first) = lines.recv() {
        let mut next = Ok(first);
        loop {
            match next {
                Ok(Message::Line(line)) => {
                    let _ = out.write_all(line.as_bytes());
                }
                Ok(Message::Flush(done)) => {
                    let _ = out.flush();
                    let _ = done.send(());
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
            next = lines.try_recv();
        }
        let _ = out.flush();
    }
}

struct JsonLines {
    origin: String,
    queue: SyncSender<Message>,
    dropped: AtomicU64,
}

impl<S: Subscriber> Layer<S> for JsonLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = self.format(event);
        let lost = self.dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let _ = write!(line, ",\"lines_lost_before\":{lost}");
        }
        line.push_str("}\n");
        if self.queue.try_send(Message::Line(line)).is_err() {
            self.dropped.fetch_add(lost + 1, Ordering::Relaxed);
        }
    }
}

impl JsonLines {
    /// The line without its closing brace.
    fn format(&self, event: &Event<'_>) -> String {
        let metadata = event.metadata();
        let mut line = String::with_capacity(256);
        line.push_str("{\"timestamp\":\"");
        // Writing to a string does not fail.
        let _ = SystemTime.format_time(&mut Writer::new(&mut line));
        let _ = write!(
            line,
            "\",\"level\":\"{}\",\"target\":{}",
            metadata.level(),
            quoted(metadata.target())
        );
        let mut fields = Fields::default();
        event.record(&mut fields);
        let _ = write!(line, ",\"message\":{}{}", quoted(&fields.message), self.origin);
        if let Some(context) = TraceContext::current() {
            let TraceContext { trace_id, span_id, .. } = context;
            let _ = write!(line, ",\"trace_id\":\"{trace_id:032x}\",\"span_id\":\"{span_id:016x}\"");
        }
        line.push_str(&fields.rest);
        line
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    /// `,"name":value` for each field but the message.
    rest: String,
}

impl Fields {
    fn push(&mut self, field: &Field, value: impl fmt::Display) {
        let _ = write!(self.rest, ",{}:{value}", quoted(field.name()));
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        self.record_str(field, &text);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.push(field, quoted(value));
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON knows no infinity and no NaN.
        self.push(field, serde_json::Value::from(value));
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    fn lines(log: impl FnOnce()) -> Vec<serde_json::Value> {
        let (queue, received) = sync_channel(2);
        let layer = JsonLines {
            origin: ",\"instance\":\"orders-1\",\"service\":\"orders\"".to_owned(),
            queue,
            dropped: AtomicU64::new(0),
        };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        received
            .try_iter()
            .map(|message| match message {
                Message::Line(line) => serde_json::from_str(&line).expect("a line is a JSON object"),
                Message::Flush(_) => unreachable!("nobody flushes here"),
            })
            .collect()
    }

    #[test]
    fn a_line_is_flat_and_keeps_numbers() {
        let lines = lines(|| {
            tracing::info!(port = 8080_u16, ratio = f64::NAN, who = "a \"b\"\n", "listening");
        });
        let line = lines[0].as_object().unwrap();
        assert_eq!(
            (&line["message"], &line["level"]),
            (&"listening".into(), &"INFO".into())
        );
        assert_eq!(
            (&line["service"], &line["instance"]),
            (&"orders".into(), &"orders-1".into())
        );
        assert_eq!((&line["port"], &line["who"]), (&8080.into(), &"a \"b\"\n".into()));
        assert!(line["ratio"].is_null() && !line.contains_key("trace_id"));
        let keys: Vec<&str> = line.keys().map(String::as_str).collect();
        assert!(["timestamp", "target"].iter().all(|key| keys.contains(key)), "{keys:?}");
    }

    #[tokio::test]
    async fn a_line_within_a_request_names_its_trace() {
        let context = TraceContext::start();
        let lines = context.clone().scope(async { lines(|| tracing::warn!("slow")) }).await;
        assert_eq!(lines[0]["trace_id"], format!("{:032x}", context.trace_id));
        assert_eq!(lines[0]["span_id"], format!("{:016x}", context.span_id));
    }

    #[test]
    fn a_full_queue_loses_lines_and_says_how_many() {
        let (queue, received) = sync_channel(1);
        let layer = JsonLines {
            origin: String::new(),
            queue,
            dropped: AtomicU64::new(0),
        };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            for _ in 0..3 {
                tracing::info!("one of three");
            }
            assert!(received.try_recv().is_ok());
            tracing::info!("after");
        });
        let Ok(Message::Line(line)) = received.try_recv() else {
            panic!("a line")
        };
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (&line["message"], &line["lines_lost_before"]),
            (&"after".into(), &2.into())
        );
    }
}
