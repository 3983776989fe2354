//! Ending instances, and the whole system.

use std::sync::atomic::Ordering;

use futures_util::future::try_join_all;
use tokio::time::Instant;

use super::platform::{Handle, Platform};
use super::slot::Slot;
use super::system::RunningSystem;
use crate::backend::{InstanceEventKind, Role};
use crate::error::Error;
use crate::topology::StartPlan;

impl<C: Platform> RunningSystem<C> {
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
            let of_level = |slot: &&Slot<C::Handle>| level.iter().any(|&index| services[index].name == slot.service);
            for role in [Role::Balancer, Role::Instance, Role::Link] {
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
        self.platform.finish(&record).await?;
        record.forget_elsewhere().await;
        record.remove()
    }

    /// Ends a system that did not come up, at once.
    pub(super) async fn abandon(&self) {
        self.over.store(true, Ordering::Release);
        let slots = self.state().slots.clone();
        // The error that made the start fail is the one to tell of. What cannot be ended here dies with the lab, or is
        // found by the next one through the record, which then stays.
        let _ = self.stop(slots, Instant::now()).await;
        let record = self.state().record.clone();
        record.forget_elsewhere().await;
        if self.platform.finish(&record).await.is_ok() && record.remove_files().is_ok() {
            let _ = record.remove();
        }
    }

    /// Asks instances to end, waits until the deadline, and kills those that are left.
    pub(super) async fn stop(&self, slots: Vec<Slot<C::Handle>>, deadline: Instant) -> Result<(), Error> {
        let running: Vec<_> = slots.into_iter().filter(|slot| slot.state().is_running()).collect();
        let patient = deadline > Instant::now();
        try_join_all(running.iter().map(async |slot| {
            if patient {
                self.emit(slot, InstanceEventKind::Stopping);
                slot.handle.terminate(&slot.name, slot.program).await?;
            }
            if !slot.handle.exited_by(deadline).await {
                slot.handle.kill(&slot.name).await?;
            }
            self.platform.settle_log(&slot.handle, &slot.log, slot.log_start).await
        }))
        .await?;
        Ok(())
    }
}
