//! `lab watch`: the dashboard on a running system, or on any Prometheus metrics.

use std::path::Path;

use reqwest::Certificate;
use scenarios::engine::Sink;
use scenarios::event::{EventKind, RunEvent};
use scenarios::format::text_of;
use scenarios::state::RunState;
use tokio_util::sync::CancellationToken;

use super::system;
use crate::arguments::{Ui, Watch};
use crate::display::{self, JsonLines};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::tui::{self, Session};
use crate::watch::{CLASS, Targets, Wanted, Watcher};
use crate::{home, output, text};

/// Far more than the certificates of all authorities take, bytes.
const CERTIFICATES_BYTES_MAX: u64 = 16 << 20;

/// Watches until it is left.
///
/// # Errors
/// When nothing is up, nobody answers, or the metrics hold no durations of requests.
pub async fn run(arguments: Watch) -> Result<Exit, Failure> {
    let authorities = arguments.ca.as_deref().map(authorities).transpose()?;
    let targets = if arguments.urls.is_empty() {
        Targets::System(system::attach(&arguments.of).await?)
    } else {
        Targets::Addresses(arguments.urls)
    };
    let watcher = Watcher {
        targets,
        wanted: Wanted {
            metric: arguments.metric,
            unit: arguments.unit,
            status_label: arguments.status_label,
        },
        authorities: authorities.unwrap_or_default(),
        for_s: arguments.r#for,
    };
    if display::is_tui(arguments.ui) {
        let runtime = tokio::runtime::Handle::current();
        let begin = move |screen| Session::watch(watcher, &runtime, screen);
        return tui::watch(begin, home::state_folder()?).await;
    }
    let display: Box<dyn Sink> = match arguments.ui {
        Ui::Json => Box::new(JsonLines),
        _ => Box::new(Lines::default()),
    };
    let stop = CancellationToken::new();
    let mut interrupts = Interrupts::listen()?;
    let watching = watcher.run(display, &stop);
    tokio::pin!(watching);
    tokio::select! {
        ended = &mut watching => ended.map(|_| Exit::Pass),
        () = interrupts.next() => {
            stop.cancel();
            watching.await?;
            Ok(Exit::Interrupted)
        }
    }
}

/// A line a second.
#[derive(Default)]
struct Lines(RunState);

impl Sink for Lines {
    fn name(&self) -> String {
        "stdout".to_owned()
    }

    fn take(&mut self, event: &RunEvent) -> std::io::Result<()> {
        self.0.apply(event);
        match &event.kind {
            EventKind::Warning { text } => output::warn(text),
            EventKind::Note { text } => errln!("{}", text::visible(text)),
            _ => {}
        }
        if let EventKind::Sample(sample) = &event.kind
            && let Some(class) = sample
                .classes
                .iter()
                .find(|class| class.class == CLASS && !class.slices.is_empty())
        {
            let mut latencies = load::Histogram::new();
            class.slices.iter().for_each(|slice| latencies.merge(&slice.response));
            let ms = |q: f64| {
                latencies.quantile_ms(q).map_or_else(
                    || "–".to_owned(),
                    |ms| scenarios::unit::in_unit(ms, scenarios::unit::Unit::Ms),
                )
            };
            let failed: u64 = class.errors.values().sum();
            let shares: Vec<String> = class
                .by_instance
                .iter()
                .map(|instance| format!("{} {}", instance.instance, instance.requests))
                .collect();
            outln!(
                "{}",
                text::wrapped(
                    &format!(
                        "{:>5.0} s  {} answered, {failed} failed, p50 {}, p99 {}  ({})",
                        sample.at_s,
                        class.ok,
                        ms(0.5),
                        ms(0.99),
                        shares.join(", ")
                    ),
                    0
                )
            );
        }
        Ok(())
    }
}

/// The certificates in a file.
fn authorities(file: &Path) -> Result<Vec<Certificate>, Failure> {
    let wrong = |reason: String| Failure::usage(format!("--ca {}: {reason}", file.display()));
    let text = text_of(file, CERTIFICATES_BYTES_MAX).map_err(|error| wrong(error.to_string()))?;
    let found = Certificate::from_pem_bundle(text.as_bytes()).map_err(|error| wrong(error.to_string()))?;
    if found.is_empty() {
        return Err(wrong("it holds no certificate".to_owned()).hint("it starts with -----BEGIN CERTIFICATE-----"));
    }
    Ok(found)
}
