//! Ending instances, and the whole system.

use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::record::KILL_TIMEOUT;
use super::slot::Slot;
use super::system::ProcessSystem;
use crate::backend::{InstanceEventKind, Role};
use crate::error::Error;
use crate::topology::StartPlan;

impl ProcessSystem {
    /// Ends everything, front first, so that nobody loses those it calls while it finishes its work. The deadline is
    /// one for all.
    pub(super) async fn bring_down(&self) -> Result<(), Error> {
        self.check_not_owned("end")?;
        if self.over.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let _exclusive = match self.exclusive("end").await {
            Err(Error::Gone { .. }) => return Ok(()),
            exclusive => exclusive?,
        };
        let plan = StartPlan::new(&self.state().record.spec)?;
        let services = self.state().record.spec.services.clone();
        let deadline = Instant::now() + self.stop_timeout;
        for level in plan.levels.iter().rev() {
            let of_level = |slot: &&Slot| level.iter().any(|&index| services[index].name == slot.service);
            for role in [Role::Balancer, Role::Instance] {
                let slots = self
                    .state()
                    .slots
                    .iter()
                    .filter(of_level)
                    .filter(|slot| slot.role == role)
                    .cloned()
                    .collect();
                self.stop(slots, deadline).await?;
            }
        }
        let record = self.state().record.clone();
        record.forget_keys().await;
        record.remove()
    }

    /// Ends a system that did not come up, at once.
    pub(super) async fn abandon(&self) {
        self.over.store(true, Ordering::Release);
        let slots = self.state().slots.clone();
        // The error that made the start fail is the one to tell of; what cannot be ended here dies with the lab.
        let _ = self.stop(slots, Instant::now()).await;
        let record = self.state().record.clone();
        record.forget_keys().await;
        let _ = record.remove();
    }

    /// Asks processes to end, waits until the deadline, and kills those that are left.
    pub(super) async fn stop(&self, slots: Vec<Slot>, deadline: Instant) -> Result<(), Error> {
        let running: Vec<Slot> = slots.into_iter().filter(|slot| slot.state().is_running()).collect();
        if deadline > Instant::now() {
            for slot in &running {
                self.emit(slot, InstanceEventKind::Stopping);
                slot.handle.terminate().map_err(failed(slot, "stop"))?;
            }
        }
        let mut stubborn = Vec::new();
        for slot in &running {
            if !slot.handle.exited_by(deadline).await {
                slot.handle.kill().map_err(failed(slot, "kill"))?;
                stubborn.push(slot);
            }
        }
        let deadline = Instant::now() + KILL_TIMEOUT;
        for slot in stubborn {
            if !slot.handle.exited_by(deadline).await {
                return Err(failed(slot, "kill")(std::io::ErrorKind::TimedOut.into()));
            }
        }
        Ok(())
    }
}

/// Makes an [`Error::Process`]; for `map_err`.
pub(super) fn failed(slot: &Slot, action: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    let (instance, pid) = (slot.name.clone(), slot.handle.stamp().pid);
    move |source| Error::Process {
        instance,
        pid,
        action,
        source,
    }
}
