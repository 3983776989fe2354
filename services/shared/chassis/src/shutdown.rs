//! The request to end, as a value that may be cloned into every task.

use std::sync::Arc;

use tokio::sync::watch;

/// Asks every holder of the matching [`Shutdown`] to end.
#[derive(Debug, Clone)]
pub struct ShutdownTrigger(Arc<watch::Sender<bool>>);

/// Tells when to end.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// A trigger and what it triggers.
    #[must_use]
    pub fn new() -> (ShutdownTrigger, Self) {
        let (sender, receiver) = watch::channel(false);
        (ShutdownTrigger(Arc::new(sender)), Self(receiver))
    }

    /// One that never asks to end.
    #[must_use]
    pub fn never() -> Self {
        Self::new().1
    }

    /// Waits until the end is asked for; for ever, if the trigger was dropped without that.
    pub async fn requested(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|requested| *requested).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl ShutdownTrigger {
    /// Asks to end.
    pub fn request(&self) {
        self.0.send_replace(true);
    }
}
