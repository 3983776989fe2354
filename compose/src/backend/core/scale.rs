//! Changing the number of instances while the system runs.

use std::cmp::Ordering;
use std::time::Duration;

use contract::UpstreamEntry;
use tokio::time::{Instant, sleep};

use super::front::Front;
use super::platform::Platform;
use super::slot::Slot;
use super::system::RunningSystem;
use crate::error::Error;
use crate::topology::{check_instances, instance_name};

/// How often a balancer is asked whether those that leave have finished.
const LOOK_EVERY: Duration = Duration::from_millis(10);

impl<C: Platform> RunningSystem<C> {
    pub(super) async fn scale_service(&self, service: &str, wanted: u32) -> Result<(), Error> {
        let _exclusive = self.exclusive("scale").await?;
        let present = {
            let state = self.state();
            let spec = state.service(service)?;
            check_instances(spec, wanted)?;
            spec.instances
        };
        if wanted == present && !self.has_beyond(service, present) {
            return Ok(());
        }
        let mut balancer = self.balancer_of(service)?;
        if self.has_beyond(service, present) {
            // The balancer may know those that an interrupted change left, and must not when they end.
            balancer
                .set_upstreams(&self.upstreams(service, present, present))
                .await?;
            self.drop_beyond(service, present).await?;
        }
        match wanted.cmp(&present) {
            Ordering::Equal => {}
            Ordering::Greater => self.grow(service, &mut balancer, present, wanted).await?,
            Ordering::Less => self.shrink(service, &mut balancer, wanted).await?,
        }
        self.tell_watchers().await;
        Ok(())
    }

    /// Whether there are instances above the number that is wanted: an interrupted change left them.
    fn has_beyond(&self, service: &str, last: u32) -> bool {
        self.state().instances_of(service).any(|slot| slot.index > last)
    }

    /// New instances are ready before the balancer hears of them; when one of them fails, none stays.
    async fn grow(&self, service: &str, balancer: &mut Front<'_, C>, present: u32, wanted: u32) -> Result<(), Error> {
        let indices: Vec<u32> = (present + 1..=wanted).collect();
        let grown = match self.start_instances(service, &indices).await {
            Ok(()) => balancer.set_upstreams(&self.upstreams(service, wanted, wanted)).await,
            failed => failed,
        };
        if let Err(error) = grown {
            self.drop_beyond(service, present).await?;
            return Err(error);
        }
        self.set_instances(service, wanted)
    }

    /// Those that leave get no new requests, finish the ones they have, and are then asked to end.
    async fn shrink(&self, service: &str, balancer: &mut Front<'_, C>, wanted: u32) -> Result<(), Error> {
        let leaving: Vec<String> = {
            let state = self.state();
            let beyond = state.instances_of(service).filter(|slot| slot.index > wanted);
            beyond.map(|slot| slot.name.clone()).collect()
        };
        balancer
            .set_upstreams(&self.upstreams(service, wanted, u32::MAX))
            .await?;
        self.set_instances(service, wanted)?;
        let deadline = Instant::now() + self.stop_timeout;
        while balancer.is_busy(&leaving).await? && Instant::now() < deadline {
            sleep(LOOK_EVERY).await;
        }
        balancer.set_upstreams(&self.upstreams(service, wanted, wanted)).await?;
        self.drop_beyond(service, wanted).await
    }

    /// The list for the balancer: instances up to `listed`, of which those up to `healthy` get requests.
    pub(super) fn upstreams(&self, service: &str, healthy: u32, listed: u32) -> Vec<UpstreamEntry> {
        let state = self.state();
        let spec = state.record.spec.service(service);
        let balancer = spec.and_then(|spec| spec.balancer.as_ref());
        let slots = state.instances_of(service).filter(|slot| slot.index <= listed);
        let upstream = |slot: &Slot<C::Handle>| {
            let url = self.platform.inner_url(&slot.name, slot.program, slot.port)?;
            Some(UpstreamEntry {
                name: instance_name(service, slot.index),
                url: url.as_str().trim_end_matches('/').to_owned(),
                weight: balancer.map_or(1, |balancer| balancer.weight(slot.index)),
                healthy: slot.index <= healthy,
            })
        };
        slots.filter_map(upstream).collect()
    }

    /// Ends and forgets the instances numbered above `last`: those that left, and what an interrupted operation left.
    async fn drop_beyond(&self, service: &str, last: u32) -> Result<(), Error> {
        let beyond: Vec<Slot<C::Handle>> = {
            let state = self.state();
            state
                .instances_of(service)
                .filter(|slot| slot.index > last)
                .cloned()
                .collect()
        };
        if beyond.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = beyond.iter().map(|slot| slot.name.clone()).collect();
        self.stop(beyond.clone(), Instant::now() + self.stop_timeout).await?;
        for slot in &beyond {
            self.platform.forget(&slot.handle).await?;
        }
        let mut state = self.state();
        state.slots.retain(|slot| !names.contains(&slot.name));
        self.persist(&mut state)
    }

    fn set_instances(&self, service: &str, instances: u32) -> Result<(), Error> {
        let mut state = self.state();
        if let Some(spec) = state.service_mut(service) {
            spec.instances = instances;
        }
        self.persist(&mut state)
    }
}
