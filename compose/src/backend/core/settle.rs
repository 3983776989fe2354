//! Endings that were begun when systems were given up, and that nobody waits for yet.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{Instant, timeout_at};

type Ending = Pin<Box<dyn Future<Output = ()> + Send>>;

static PENDING: Mutex<Vec<Ending>> = Mutex::new(Vec::new());

/// Remembers an ending for [`settle`]. It must go on by itself: this only looks at it.
pub(in crate::backend) fn remember(ending: impl Future<Output = ()> + Send + 'static) {
    let mut pending = PENDING.lock().unwrap_or_else(PoisonError::into_inner);
    pending.retain_mut(|earlier| earlier.now_or_never().is_none());
    pending.push(Box::pin(ending));
}

/// Waits until all that was given up has ended, at most for `patience`. What has not by then, the next clean-up ends.
pub async fn settle(patience: Duration) {
    let pending = std::mem::take(&mut *PENDING.lock().unwrap_or_else(PoisonError::into_inner));
    let deadline = Instant::now() + patience;
    for ending in pending {
        let _ = timeout_at(deadline, ending).await;
    }
}
