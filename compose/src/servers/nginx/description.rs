//! nginx, as the lab knows it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use contract::Program;
use futures_util::future::BoxFuture;
use rustix::process::Signal;

use super::config::{READY, render};
use super::offer::lacking;
use super::{server, source};
use crate::error::Error;
use crate::host::Host;
use crate::servers::image::{Contained, DATA, Image, Ingredients, Origin, configuration_file};
use crate::servers::{Balancing, Configured, Place, Question, Seat, Server, ServerError, SignOfLife};
use crate::wiring::Environment;

const IMAGE: Image = Image {
    what: "nginx",
    official: "nginx:1.28.0",
    packed: "lab-nginx",
    ingredients: |program| Ok(Ingredients::of_program(program, "usr/sbin/nginx")),
    absent: "this machine has no nginx",
    how: "install one that is packed instead (apt-get install nginx-light)",
};

/// nginx: spreads requests over instances, as the lab's own balancer does.
pub struct Nginx;

impl Server for Nginx {
    fn program(&self) -> Program {
        Program::Nginx
    }

    fn name(&self) -> &'static str {
        "nginx"
    }

    fn purpose(&self) -> &'static str {
        "for --set balancer=nginx"
    }

    fn find(&self, host: &Host) -> Result<PathBuf, ServerError> {
        source::program(host)
    }

    fn version<'a>(&'a self, found: &'a Path) -> BoxFuture<'a, Option<String>> {
        Box::pin(server::version(found))
    }

    fn sign_of_life(&self) -> SignOfLife {
        SignOfLife::Http(READY)
    }

    fn question(&self) -> Question {
        Question::http("GET /_balancer/ready HTTP/1.0\r\n\r\n")
    }

    fn balances(&self) -> Option<&'static dyn Balancing> {
        Some(&Self)
    }

    fn configured(&self) -> Option<&'static dyn Configured> {
        Some(&Self)
    }

    fn take_over(&self, host: &Host, seat: &Seat<'_>) -> Error {
        match self.find(host) {
            Ok(program) => server::become_server(&program, self, seat),
            Err(absent) => absent.into(),
        }
    }

    /// TERM makes it drop what it has started.
    fn end_signal(&self) -> Signal {
        Signal::QUIT
    }

    /// Killed, it could not take its worker along.
    fn orphan_signal(&self) -> Signal {
        Signal::TERM
    }

    fn titled(&self) -> Option<&'static str> {
        Some("nginx")
    }

    fn needs_addresses(&self) -> bool {
        true
    }

    fn image(&self) -> &'static Image {
        &IMAGE
    }

    fn contained(&self, origin: &Origin, instance: &str) -> Contained {
        let configuration = format!("{DATA}/{}", configuration_file(instance));
        let command = ["nginx", "-p", "/tmp", "-c", &configuration];
        let ready = format!("http://127.0.0.1:{}{READY}", self.port());
        let official = Contained::official(&command, &["curl", "--fail", "--silent", &ready]);
        match origin {
            Origin::Official(_) => official,
            Origin::Packed(_) => Contained {
                command: official.command,
                ..Contained::lab(self.program())
            },
        }
    }
}

impl Balancing for Nginx {
    fn lacking(&self, policy: &str, env: &BTreeMap<String, String>) -> Option<String> {
        lacking(policy, env)
    }
}

impl Configured for Nginx {
    fn render(&self, place: &Place<'_>, environment: &Environment, stamp: Option<&str>) -> Result<String, String> {
        render(place, environment, stamp)
    }
}
