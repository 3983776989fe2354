//! Many models, on all cores.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::model::ModelError;
use crate::{Event, Model, SimFigures, run_with};

/// Requests between two reports of progress.
const REPORT_EVERY: u64 = 1 << 16;

/// Plays every model, as many at once as `threads` says, and gives the outcomes in the order of the models. `progress` is told
/// every now and then how many requests were placed since the last time; in the end that sums up to those of all models.
///
/// # Errors
/// Before anything is played, the first model whose numbers make no system.
pub fn sweep(models: &[Model], threads: usize, progress: impl Fn(u64) + Sync) -> Result<Vec<SimFigures>, ModelError> {
    models.iter().try_for_each(Model::check)?;
    let next = AtomicUsize::new(0);
    let outcomes: Vec<Mutex<Option<Result<SimFigures, ModelError>>>> =
        models.iter().map(|_| Mutex::new(None)).collect();
    thread::scope(|scope| {
        for _ in 0..threads.clamp(1, models.len().max(1)) {
            scope.spawn(|| {
                while let Some((place, model)) = claim(&next, models) {
                    let outcome = play(model, &progress);
                    *outcomes[place].lock().expect("nobody panics while holding it") = Some(outcome);
                }
            });
        }
    });
    outcomes
        .into_iter()
        .map(|outcome| {
            let outcome = outcome.into_inner().expect("nobody panicked while holding it");
            outcome.expect("every model was claimed by a thread that ended")
        })
        .collect()
}

fn claim<'a>(next: &AtomicUsize, models: &'a [Model]) -> Option<(usize, &'a Model)> {
    let place = next.fetch_add(1, Ordering::Relaxed);
    Some((place, models.get(place)?))
}

fn play(model: &Model, progress: impl Fn(u64)) -> Result<SimFigures, ModelError> {
    let mut unreported = 0;
    let outcome = run_with(model, |event| {
        if let Event::Picked { .. } = event {
            unreported += 1;
            if unreported == REPORT_EVERY {
                progress(unreported);
                unreported = 0;
            }
        }
    });
    progress(unreported);
    outcome
}
