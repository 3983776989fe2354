//! A service as a whole process.

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;
use std::{io, panic, process, thread};

use observability::{LogGuard, init_logs};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::server::GRACE;
use crate::{ServeError, Settings, Shutdown, ShutdownTrigger};

/// How long a runtime that has ended may take to be taken down.
const TEARDOWN: Duration = Duration::from_millis(20);
/// Bound of the threads for blocking work, each of which has a stack.
const BLOCKING_THREADS_MAX: usize = 64;

/// Runs a service to its end: logs, the runtime that the settings ask for, and SIGTERM and SIGINT.
///
/// `serve` is the service, such as `orders::serve`. After a signal it has a little less than a second to finish what
/// was begun; then the process ends, even when its event loop is busy and does not look up. A second signal ends it at
/// once.
///
/// # Errors
/// When the service does not come up.
pub fn run<F, S>(mut settings: Settings, serve: S) -> Result<(), ServeError>
where
    F: Future<Output = Result<(), ServeError>>,
    S: FnOnce(Settings) -> F,
{
    let logs = Arc::new(init_logs(
        settings.service.as_str(),
        &settings.instance,
        settings.log_level,
    ));
    log_panics();
    let (trigger, shutdown) = Shutdown::new();
    settings.shutdown = shutdown;
    watch_signals(trigger, Arc::clone(&logs)).map_err(ServeError::Runtime)?;
    let runtime = runtime(settings.workers).map_err(ServeError::Runtime)?;
    let result = runtime.block_on(serve(settings));
    runtime.shutdown_timeout(TEARDOWN);
    logs.flush();
    result
}

/// One event loop on this thread, or several on threads of their own.
fn runtime(workers: usize) -> io::Result<Runtime> {
    let mut builder = if workers > 1 {
        Builder::new_multi_thread()
    } else {
        Builder::new_current_thread()
    };
    if workers > 1 {
        builder.worker_threads(workers);
    }
    builder.enable_all().max_blocking_threads(BLOCKING_THREADS_MAX).build()
}

/// Waits for signals on a thread of its own, which a busy event loop cannot hold up.
fn watch_signals(trigger: ShutdownTrigger, logs: Arc<LogGuard>) -> io::Result<()> {
    let (ready, installed) = sync_channel(1);
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let handlers = runtime(1).and_then(|runtime| {
            let _within = runtime.enter();
            let signals = Signals {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            };
            drop(_within);
            Ok((runtime, signals))
        });
        let (runtime, mut signals) = match handlers {
            Ok(handlers) => handlers,
            Err(error) => return drop(ready.send(Err(error))),
        };
        if ready.send(Ok(())).is_err() {
            return;
        }
        runtime.block_on(async {
            let name = signals.next().await;
            tracing::info!(signal = name, "ending");
            trigger.request();
            // The service ends the process itself before this, unless it cannot.
            let _second = tokio::time::timeout(GRACE + TEARDOWN, signals.next()).await;
        });
        logs.flush();
        process::exit(0);
    })?;
    installed
        .recv()
        .unwrap_or_else(|_| Err(io::Error::other("the thread for signals ended")))
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Panics become log lines, which carry the trace id of the request.
fn log_panics() {
    panic::set_hook(Box::new(|info| {
        let message = info.payload_as_str().unwrap_or("not a text");
        let location = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(panic = message, location, "panicked");
    }));
}
