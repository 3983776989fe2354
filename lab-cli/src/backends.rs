//! The backends, and making ready what they need.

use std::sync::Arc;
use std::time::Duration;

use compose::{Backend, BackendRegistry, Progress, ProgressSink, SystemSpec};
use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::display;
use crate::failure::Failure;

/// The backends there are, which run this very program for every service.
///
/// # Errors
/// When it cannot be told which program this is.
pub fn registry() -> Result<BackendRegistry, Failure> {
    BackendRegistry::of_current_program()
        .map_err(|error| Failure::unexpected(format!("cannot tell which program this is: {error}")))
}

/// The backend of this name.
///
/// # Errors
/// When there is none of that name.
pub fn backend(name: &str) -> Result<Arc<dyn Backend>, Failure> {
    Ok(registry()?.get(name)?)
}

/// Makes ready what systems need, with a bar on stderr for what takes a while.
///
/// # Errors
/// When something is missing.
pub async fn prepare(backend: &dyn Backend, specs: &[SystemSpec]) -> Result<(), Failure> {
    // Hidden by itself where stderr is no terminal.
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    bar.set_style(display::bar("{spinner} {msg} {bar:24} {bytes}/{total_bytes}"));
    let shown = bar.clone();
    let progress: ProgressSink = Arc::new(move |progress: Progress| {
        shown.enable_steady_tick(Duration::from_millis(120));
        shown.set_message(progress.what);
        if let Some(total) = progress.total_bytes {
            shown.set_length(total);
        }
        shown.set_position(progress.done_bytes);
    });
    let prepared = backend.prepare(specs, Some(progress)).await;
    bar.finish_and_clear();
    Ok(prepared?)
}
