//! Taking up a system that another lab started, and keeping labs that work on the same one from colliding.

use std::fs::{File, TryLockError};
use std::time::Duration;

use tokio::sync::MutexGuard;
use tokio::time::{Instant, sleep};

use super::platform::{Handle, Platform, Shared};
use super::record::SystemRecord;
use super::slot::Slot;
use super::system::RunningSystem;
use crate::error::Error;

/// How long to wait for another lab to finish what it does to the same system.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Held during an operation that must not overlap with another on the same system.
pub(super) struct Exclusive<'a> {
    _operation: MutexGuard<'a, ()>,
    /// Unlocked when it is closed.
    _record: Option<File>,
}

impl<C: Platform> RunningSystem<C> {
    pub(in crate::backend) async fn attach(platform: Shared<C>, record: SystemRecord) -> Result<Self, Error> {
        if platform.running(&record).await?.is_empty() {
            return Err(Error::Gone { run_id: record.run_id });
        }
        let system = Self::new(platform, record.clone(), true);
        system.load(record).await;
        Ok(system)
    }

    /// An error when the system belongs to a run that another lab is driving right now.
    pub(super) fn check_not_owned(&self, action: &'static str) -> Result<(), Error> {
        let state = self.state();
        let record = &state.record;
        if self.attached && !self.detached && record.lab.is_alive() {
            return Err(Error::OwnedByRun {
                run_id: record.run_id.clone(),
                lab_pid: record.lab.pid,
                action,
            });
        }
        Ok(())
    }

    /// Waits until nobody else changes the system, here or in another lab.
    pub(super) async fn exclusive(&self, action: &'static str) -> Result<Exclusive<'_>, Error> {
        self.check_not_owned(action)?;
        let operation = self.operation.lock().await;
        Ok(Exclusive {
            _operation: operation,
            _record: self.lock_record().await?,
        })
    }

    /// Only a detached system has more than one lab that writes its record; for it, takes the lock and the record as
    /// it stands.
    pub(super) async fn lock_record(&self) -> Result<Option<File>, Error> {
        if !self.detached {
            return Ok(None);
        }
        let path = self.state().record.lock_path();
        let file = File::create(&path).map_err(Error::file("open", &path))?;
        let deadline = Instant::now() + LOCK_TIMEOUT;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    sleep(LOOK_EVERY).await;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::file("lock", &path)(std::io::ErrorKind::TimedOut.into()));
                }
                Err(TryLockError::Error(error)) => return Err(Error::file("lock", &path)(error)),
            }
        }
        let record_path = self.state().record.path();
        if !record_path.exists() {
            // Somebody brought it down meanwhile; our creating the lock file anew must not stay either.
            let _ = std::fs::remove_file(&path);
            return Err(Error::Gone {
                run_id: self.state().record.run_id.clone(),
            });
        }
        self.reload(SystemRecord::read(&record_path)?).await;
        Ok(Some(file))
    }

    /// Sees what another lab has changed, as far as it can be seen.
    pub(super) async fn refresh(&self) {
        if !self.attached && !self.detached {
            return;
        }
        let path = self.state().record.path();
        // No record: the system was brought down, and the processes that we know show that they ended.
        if let Ok(record) = SystemRecord::read(&path) {
            self.reload(record).await;
        }
    }

    async fn reload(&self, record: SystemRecord) {
        let known = self.state().record.revision;
        if record.revision > known {
            self.load(record).await;
        }
    }

    /// Takes the record as the truth, and keeps what is known beyond it of instances that are still the same.
    async fn load(&self, record: SystemRecord) {
        let known = self.state().slots.clone();
        let mut slots = Vec::with_capacity(record.instances.len());
        for instance in &record.instances {
            let same = known
                .iter()
                .find(|known| known.handle.platform_id() == instance.platform_id);
            let handle = match same {
                Some(known) => known.handle.clone(),
                None => self.platform.take_up(&record, instance).await,
            };
            let is_paused = handle.is_paused().await;
            let mut slot = Slot::from_record(instance, &record.folder, handle, is_paused);
            if let Some(known) = same {
                slot.launched = known.launched;
            }
            slots.push(slot);
        }
        let mut state = self.state();
        // Somebody else may have read a later record meanwhile.
        if record.revision >= state.record.revision {
            state.slots = slots;
            state.record = record;
        }
    }
}
