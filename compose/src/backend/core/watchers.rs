//! Servers that watch a system: they are told of every instance that has metrics.

use contract::Program;

use super::platform::Platform;
use super::renewal::{Renewal, stamp};
use super::system::{RunningSystem, State};
use crate::scraped::{SCRAPED, Scraped};
use crate::servers;
use crate::topology::{ServiceSpec, balancer_name};
use crate::wiring::Environment;

impl<C: Platform> RunningSystem<C> {
    /// The instances that have metrics, in words for a server that watches the system. Those whose address nobody knows yet
    /// are left out.
    pub(super) fn scraped(&self, state: &State<C::Handle>) -> String {
        let spec = &state.record.spec;
        let scraped = |name: String, service: &ServiceSpec, program: Program| {
            let port = state.slot(&name).ok().and_then(|slot| slot.port);
            let url = self.platform.inner_url(&name, program, port)?;
            Scraped::new(&name, &service.name, program, &url)
        };
        let mut all = Vec::new();
        for service in &spec.services {
            let instances = service.instance_names().map(|name| (name, service.service));
            let balancer = service.balancer.as_ref();
            let balancer = balancer.map(|balancer| (balancer_name(&service.name), balancer.kind.program()));
            let links = spec
                .links_from(&service.name)
                .map(|(_, link)| (link.name(), Program::Link));
            let of_service = instances.chain(balancer).chain(links);
            all.extend(of_service.filter_map(|(name, program)| scraped(name, service, program)));
        }
        Scraped::list(all)
    }

    /// Tells the servers that watch the system who there is now. One that cannot be told is told when it is started again, and
    /// stops nobody.
    pub(super) async fn tell_watchers(&self) {
        let renewals: Vec<_> = {
            let state = self.state();
            let running = state.slots.iter().filter(|slot| slot.state().is_running());
            let watchers = running.filter_map(|slot| Some((slot, servers::of(slot.program)?)));
            watchers
                .filter(|(_, server)| server.watches())
                .map(|(slot, server)| {
                    let renewal = Renewal {
                        record: state.record.clone(),
                        name: slot.name.clone(),
                        server,
                        port: slot.port.unwrap_or_default(),
                        environment: Environment::from([(SCRAPED.to_owned(), self.scraped(&state))]),
                        stamp: stamp(),
                    };
                    (slot.handle.clone(), renewal)
                })
                .collect()
        };
        for (handle, renewal) in renewals {
            if let Err(error) = self.platform.renew(&handle, &renewal).await {
                tracing::warn!(%error, "{} is not told who there is now", renewal.name);
            }
        }
    }
}
