//! Redis, as the lab knows it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::Program;
use contract::environment::{REDIS_PREFIX, REDIS_URL};
use futures_util::future::BoxFuture;
use url::Url;

use super::{client, server, source};
use crate::error::Error;
use crate::host::Host;
use crate::servers::exported::words;
use crate::servers::image::{Contained, Image, Ingredients, Origin};
use crate::servers::watched::Marked;
use crate::servers::{
    Backing, Exported, Exporting, Found, Question, Seat, Server, ServerError, SignOfLife, Tenant, Watched,
};
use crate::wiring::Environment;

/// The port of a Redis whose address does not name one.
const PORT: u16 = 6379;

/// How long the removal of a system's keys may take.
const FORGET_TIMEOUT: Duration = Duration::from_secs(2);

const IMAGE: Image = Image {
    what: "Redis",
    official: "redis:7.4.2",
    packed: "lab-redis",
    ingredients: |program| Ok(Ingredients::of_program(program, "usr/bin/redis-server")),
    absent: "this machine has no redis-server",
    how: "install one that is packed instead (apt-get install redis-server, or apt-get install valkey-server)",
};

/// Redis: remembers locks and counters for all instances of all services.
pub struct Redis;

impl Server for Redis {
    fn program(&self) -> Program {
        Program::Redis
    }

    fn name(&self) -> &'static str {
        "Redis"
    }

    fn purpose(&self) -> &'static str {
        "for locks and shared state"
    }

    fn find(&self, host: &Host) -> Result<PathBuf, ServerError> {
        source::program(host)
    }

    fn version<'a>(&'a self, found: &'a Path) -> BoxFuture<'a, Option<String>> {
        Box::pin(server::version(found))
    }

    fn stands_in(&self, host: &Host, told: &Environment) -> Result<bool, ServerError> {
        source::stands_in(host, told)
    }

    fn prefers_image(&self, host: &Host, told: &Environment) -> Result<bool, ServerError> {
        Ok(source::Kind::of(host, told)? == source::Kind::Any)
    }

    fn noted(&self, found: &Found) -> Vec<(&'static str, String)> {
        source::noted(found)
    }

    fn sentence(&self, told: &Environment) -> Option<String> {
        Some(source::sentence(told))
    }

    fn port(&self) -> u16 {
        PORT
    }

    fn address(&self, host: &str, port: u16) -> String {
        format!("redis://{host}:{port}")
    }

    fn sign_of_life(&self) -> SignOfLife {
        SignOfLife::Ping("PING")
    }

    fn question(&self) -> Question {
        Question {
            words: b"PING\r\n",
            judge: |answer| Question::said(answer, "+PONG"),
        }
    }

    fn backing(&self) -> Option<&'static dyn Backing> {
        Some(&Self)
    }

    fn take_over(&self, host: &Host, seat: &Seat<'_>) -> Error {
        match self.find(host) {
            Ok(program) => server::become_server(&program, seat),
            Err(absent) => absent.into(),
        }
    }

    fn image(&self) -> &'static Image {
        &IMAGE
    }

    fn contained(&self, origin: &Origin, _instance: &str) -> Contained {
        if !origin.is_official() {
            return Contained::lab(self.program());
        }
        let port = PORT.to_string();
        let listening = ["redis-server", "--port", &port, "--protected-mode", "no"];
        let command = [&listening[..], &server::NOTHING_ON_DISK].concat();
        Contained::official(&command, &["redis-cli", "-p", &port, "PING"])
    }

    fn exported(&self, _exporting: &Exporting<'_>) -> Option<Exported> {
        let open = ["redis-server", "--protected-mode", "no"];
        Some(Exported {
            command: words(&[&open[..], &server::NOTHING_ON_DISK].concat()),
            asks: words(&["redis-cli", "PING"]),
            confined: true,
            ..Exported::default()
        })
    }
}

/// What all keys of a system start with.
fn prefix(tenant: &Tenant) -> String {
    format!("lab:{}:", tenant.token)
}

impl Backing for Redis {
    fn variable(&self) -> &'static str {
        REDIS_URL
    }

    fn address(&self, text: &str) -> Result<String, String> {
        source::address(text)
    }

    fn remedy(&self) -> &'static str {
        "start it, or set REDIS_URL=redis://host:port, or unset REDIS_URL: then the lab runs one of its own"
    }

    fn told(&self, tenant: &Tenant, _service: &str, door: &Url) -> Vec<(&'static str, String)> {
        vec![(REDIS_URL, Tenant::written(door)), (REDIS_PREFIX, prefix(tenant))]
    }

    fn forget<'a>(
        &'a self,
        tenant: &'a Tenant,
        url: &'a Url,
        _services: &'a [String],
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move { client::forget(url, &prefix(tenant), FORGET_TIMEOUT).await })
    }

    fn ping<'a>(&'a self, url: &'a Url, wait: Duration) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(client::ping(url, wait))
    }

    fn watched(&self, url: Url) -> Box<dyn Watched> {
        Box::new(Marked {
            url,
            birth: |url, wait| Box::pin(client::birth(url, wait)),
            ping: |url, wait| Box::pin(client::ping(url, wait)),
        })
    }
}
