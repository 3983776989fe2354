//! How the process backend starts instances.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use contract::Program;
use serde_json::Value;
use url::Url;

use super::handle::Handle;
use super::tools::{NAME, Tools};
use super::{cleanup, keeper, launch, recorded};
use crate::backend::core::record::{InstanceRecord, SystemRecord};
use crate::backend::core::{LaunchRequest, Launched, Platform, Renewal, Sources, remember};
use crate::error::Error;
use crate::servers::{self, Found, Place, address, configuration};
use crate::stamp::ProcessStamp;
use crate::topology::SystemSpec;
use crate::wiring::Environment;

/// How long a server that the user named may take to give a sign of life.
const EXTERNAL_TIMEOUT: Duration = Duration::from_secs(3);

impl Platform for Tools {
    type Handle = Handle;

    fn name(&self) -> &'static str {
        NAME
    }

    fn place(&self) -> Value {
        Value::Null
    }

    fn http(&self) -> &reqwest::Client {
        &self.http
    }

    async fn sources(&self, spec: &SystemSpec) -> Result<Sources, Error> {
        let mut sources = Sources::new();
        for (server, told) in servers::within(spec) {
            let found = servers::locate(server, &self.host, told)?;
            if let Found::Named(address) = &found {
                servers::answers(server, address, EXTERNAL_TIMEOUT).await?;
            }
            sources.insert(server.program(), found);
        }
        Ok(sources)
    }

    fn has_names(&self) -> bool {
        false
    }

    async fn prepare(&self, record: &SystemRecord) -> Result<(), Error> {
        keeper::entrust(&self.program, record);
        Ok(())
    }

    fn surroundings(&self, instance: &str, _program: Program, port: u16) -> Environment {
        launch::surroundings(instance, port)
    }

    /// From the run's folder, in which instances are started: whatever bytes lead there, none of them is in the address.
    fn database(&self, _record: &SystemRecord, service: &str) -> String {
        format!("sqlite://data/{service}.db")
    }

    fn inner_url(&self, _name: &str, program: Program, port: Option<u16>) -> Option<Url> {
        Some(address(program, "127.0.0.1", port?))
    }

    fn link_address(&self, _link: &str, port: Option<u16>) -> Option<(String, u16)> {
        Some(("127.0.0.1".to_owned(), port?))
    }

    async fn launch(&self, request: LaunchRequest) -> Result<Launched<Handle>, Error> {
        Ok(Launched {
            handle: Handle::Own(self.spawn(request)?),
            port: None,
        })
    }

    async fn renew(&self, handle: &Handle, renewal: &Renewal) -> Result<(), Error> {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, renewal.port));
        let (run, server) = (&renewal.record.folder, renewal.server);
        let folder = configuration::folder(run, server.program(), &renewal.name);
        let (place, stamp) = (Place::on_this_machine(listen), Some(renewal.stamp.as_str()));
        configuration::write(&folder, server, &renewal.name, &place, &renewal.environment, stamp)?;
        handle.reload(&renewal.name)
    }

    async fn running(&self, system: &SystemRecord) -> Result<Vec<String>, Error> {
        cleanup::running(system)
    }

    async fn take_up(&self, _system: &SystemRecord, record: &InstanceRecord) -> Handle {
        // No process of this machine has the id 0.
        let nobody = || ProcessStamp {
            pid: 0,
            started: String::new(),
        };
        Handle::Foreign(recorded::stamp_of(record).unwrap_or_else(|_| nobody()))
    }

    /// Processes write their logs themselves.
    async fn settle_log(&self, _handle: &Handle, _log: &Path, _log_start: u64) -> Result<(), Error> {
        Ok(())
    }

    async fn forget(&self, _handle: &Handle) -> Result<(), Error> {
        Ok(())
    }

    async fn finish(&self, record: &SystemRecord) -> Result<(), Error> {
        cleanup::forget(record).await
    }

    fn let_go(&self, record: SystemRecord, handles: Vec<Handle>) {
        for handle in handles {
            // Nobody is left to tell of an error; with the lab's own end the kernel ends the child.
            let _ = handle.end();
            if let Handle::Own(child) = handle {
                // The thread that waits for the child sees its end.
                remember(async move { child.exited().await });
            }
        }
        cleanup::forget_later(record);
    }
}
