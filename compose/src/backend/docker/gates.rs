//! What is begun for a system while it is being given up must not outlive it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedRwLockReadGuard, RwLock};

use crate::error::Error;

/// Open while a system may still get new parts. Whoever makes one stays within until it is there.
#[derive(Default)]
pub(super) struct Gate(Arc<RwLock<bool>>);

impl Gate {
    /// Enters, unless the system is over.
    pub(super) async fn enter(&self, run_id: &str) -> Result<OwnedRwLockReadGuard<bool>, Error> {
        let is_over = Arc::clone(&self.0).read_owned().await;
        if *is_over {
            return Err(Error::Gone {
                run_id: run_id.to_owned(),
            });
        }
        Ok(is_over)
    }

    /// Lets nobody in any more, and waits for those who are within.
    pub(super) async fn close(&self) {
        *self.0.write().await = true;
    }
}

/// The gates of a backend's systems.
#[derive(Clone, Default)]
pub(super) struct Gates(Arc<Mutex<HashMap<String, Arc<Gate>>>>);

impl Gates {
    pub(super) fn of(&self, token: &str) -> Arc<Gate> {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry(token.to_owned()).or_default())
    }

    /// Forgets a gate that nobody asks for any more.
    pub(super) fn forget(&self, token: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn closing_waits_for_those_within_and_keeps_the_others_out() {
        let gate = Arc::new(Gate::default());
        let within = gate.enter("run").await.unwrap();
        let closing = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.close().await }
        });
        // Once the other task waits, readers queue up behind it, so this cannot enter before it has closed.
        tokio::task::yield_now().await;
        assert!(!closing.is_finished());
        drop(within);
        closing.await.unwrap();
        assert!(matches!(gate.enter("run").await, Err(Error::Gone { .. })));
    }
}
