//! What a system has on servers that the user named: where they are, what it keeps there, and how that goes away.

use contract::Program;
use url::Url;

use super::record::{Sources, SystemRecord};
use crate::servers::{self, Found, Server, Tenant};
use crate::topology::ServiceSpec;

impl SystemRecord {
    /// Writes down where the servers of others come from.
    pub(super) fn note(&mut self, sources: Sources) {
        for (program, found) in sources {
            let noted = servers::of(program).map_or_else(Vec::new, |server| server.noted(&found));
            for service in self.spec.services.iter_mut().filter(|spec| spec.service == program) {
                let noted = noted.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
                service.env.extend(noted);
            }
            if let Found::Named(address) = found {
                self.external.insert(program, address);
            }
        }
    }

    /// The address of a service that somebody else runs; of several brokers the first.
    pub(in crate::backend) fn external(&self, service: &ServiceSpec) -> Option<Url> {
        self.externals(service).into_iter().next()
    }

    /// All addresses of a service that somebody else runs; none of one that the system has to itself.
    pub(super) fn externals(&self, service: &ServiceSpec) -> Vec<Url> {
        let backing = servers::of(service.service).and_then(Server::backing);
        match (backing, self.external.get(&service.service)) {
            (Some(backing), Some(address)) => backing.urls(address),
            _ => Vec::new(),
        }
    }

    /// The system as a server of this kind sees it.
    pub(super) fn tenant(&self, program: Program) -> Tenant {
        Tenant {
            token: self.token(),
            named: self.external.get(&program).cloned(),
        }
    }

    /// The services that use the one with this alias.
    pub(super) fn callers_of(&self, callee: &str) -> Vec<String> {
        let ways = self.spec.ways().unwrap_or_default().into_iter();
        ways.filter(|(_, to)| *to == callee)
            .map(|(from, _)| from.to_owned())
            .collect()
    }

    /// Removes what the system kept on servers of somebody else.
    pub(in crate::backend) async fn forget_elsewhere(&self) {
        for service in &self.spec.services {
            let backing = servers::of(service.service).and_then(Server::backing);
            let (Some(backing), Some(url)) = (backing, self.external(service)) else {
                continue;
            };
            let (tenant, callers) = (self.tenant(service.service), self.callers_of(&service.name));
            // Not worth failing for: nothing of anybody else is named like this, and a server that is gone keeps nothing.
            if let Err(reason) = backing.forget(&tenant, &url, &callers).await {
                tracing::warn!(reason, "what {} kept in {} stays there", self.run_id, service.name);
            }
        }
    }
}
