//! A lock between the tasks of one instance.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::{LockError, meter};

type Waiting = Arc<Mutex<HashMap<String, Arc<AsyncMutex<()>>>>>;

/// Locks by key, in the memory of this instance: other instances know nothing of them.
///
/// First come, first served. A key is remembered only while somebody holds or wants its lock.
#[derive(Debug, Clone, Default)]
pub struct LocalLocks {
    keys: Waiting,
}

/// A lock that is held until this is dropped.
#[must_use = "dropping it gives the lock back"]
#[derive(Debug)]
pub struct LocalGuard {
    since: Instant,
    // Fields are dropped in order: the lock is free before its key may be forgotten.
    _held: OwnedMutexGuard<()>,
    _interest: Interest,
}

/// Somebody's interest in a key; the last one's end forgets the key.
#[derive(Debug)]
struct Interest {
    keys: Waiting,
    key: String,
}

impl LocalLocks {
    /// Waits for the lock, for `wait` at most.
    ///
    /// # Errors
    /// [`LockError::Held`] when it did not become free.
    pub async fn acquire(&self, key: &str, wait: Duration) -> Result<LocalGuard, LockError> {
        let started = Instant::now();
        let outcome = self.win(key, wait).await;
        meter::acquisition(meter::LOCAL, outcome.as_ref().err(), started.elapsed());
        outcome
    }

    async fn win(&self, key: &str, wait: Duration) -> Result<LocalGuard, LockError> {
        // Declared before the lock, so that it ends after it wherever this future is dropped.
        let interest = Interest {
            keys: Arc::clone(&self.keys),
            key: key.to_owned(),
        };
        let lock = Arc::clone(lock_map(&self.keys).entry(key.to_owned()).or_default());
        let held = if let Ok(held) = Arc::clone(&lock).try_lock_owned() {
            held
        } else {
            meter::contended(meter::LOCAL);
            tokio::time::timeout(wait, lock.lock_owned())
                .await
                .map_err(|_| LockError::Held {
                    key: key.to_owned(),
                    waited: wait,
                })?
        };
        Ok(LocalGuard {
            since: Instant::now(),
            _held: held,
            _interest: interest,
        })
    }
}

impl Drop for Interest {
    fn drop(&mut self) {
        let mut keys = lock_map(&self.keys);
        // Whoever holds or wants the lock has a reference of its own; with the map's alone there is nobody.
        if keys.get(&self.key).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            keys.remove(&self.key);
        }
    }
}

impl Drop for LocalGuard {
    fn drop(&mut self) {
        meter::held(meter::LOCAL, self.since.elapsed());
    }
}

fn lock_map(keys: &Waiting) -> MutexGuard<'_, HashMap<String, Arc<AsyncMutex<()>>>> {
    keys.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn one_task_at_a_time_holds_a_key_and_other_keys_are_free() {
        let locks = LocalLocks::default();
        let first = locks.acquire("a", LONG).await.unwrap();
        let other = locks.acquire("b", LONG).await.unwrap();
        let error = locks.acquire("a", Duration::from_millis(1)).await.unwrap_err();
        assert!(matches!(error, LockError::Held { .. }), "{error}");
        drop(first);
        drop(locks.acquire("a", LONG).await.unwrap());
        drop(other);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn many_tasks_never_hold_a_key_together() {
        let locks = LocalLocks::default();
        let inside = Arc::new(Mutex::new(()));
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let (locks, inside) = (locks.clone(), Arc::clone(&inside));
                tokio::spawn(async move {
                    let held = locks.acquire("a", LONG).await.unwrap();
                    let alone = inside.try_lock().is_ok();
                    tokio::task::yield_now().await;
                    drop(held);
                    alone
                })
            })
            .collect();
        for task in tasks {
            assert!(task.await.unwrap());
        }
        assert!(lock_map(&locks.keys).is_empty());
    }

    #[tokio::test]
    async fn keys_are_forgotten_when_nobody_wants_them_any_more() {
        let locks = LocalLocks::default();
        for key in 0..100 {
            drop(locks.acquire(&key.to_string(), LONG).await.unwrap());
        }
        assert!(lock_map(&locks.keys).is_empty());
        let held = locks.acquire("a", LONG).await.unwrap();
        let waiting = tokio::spawn({
            let locks = locks.clone();
            async move { locks.acquire("a", LONG).await.map(drop) }
        });
        tokio::task::yield_now().await;
        waiting.abort();
        waiting.await.unwrap_err();
        assert_eq!(lock_map(&locks.keys).len(), 1);
        drop(held);
        assert!(lock_map(&locks.keys).is_empty());
        let given_up = locks.acquire("a", LONG).await.unwrap();
        locks.acquire("a", Duration::from_millis(1)).await.unwrap_err();
        drop(given_up);
        assert!(lock_map(&locks.keys).is_empty());
    }
}
