//! Prometheus, as the lab knows it.

use std::path::{Path, PathBuf};

use contract::Program;
use futures_util::future::BoxFuture;

use super::config::render;
use super::server;
use crate::error::Error;
use crate::host::Host;
use crate::servers::image::{Contained, DATA, Image, Ingredients, Origin, configuration_file};
use crate::servers::{
    Configured, Exported, Exporting, Place, Question, ReadFile, Seat, Server, ServerError, SignOfLife,
};
use crate::wiring::Environment;

const PORT: u16 = 9090;
/// Answers 200 once it serves what it has kept.
const READY: &str = "/-/ready";

const IMAGE: Image = Image {
    what: "Prometheus",
    official: "prom/prometheus:v3.1.0",
    packed: "lab-prometheus",
    ingredients: |program| Ok(Ingredients::of_program(program, "usr/bin/prometheus")),
    absent: "this machine has no prometheus",
    how: "install one that is packed instead (apt-get install prometheus)",
};

/// Prometheus: collects the metrics of every instance of a system.
pub struct Prometheus;

impl Server for Prometheus {
    fn program(&self) -> Program {
        Program::Prometheus
    }

    fn name(&self) -> &'static str {
        "Prometheus"
    }

    fn purpose(&self) -> &'static str {
        "for lab up --with prometheus"
    }

    fn find(&self, host: &Host) -> Result<PathBuf, ServerError> {
        server::program(host)
    }

    fn version<'a>(&'a self, found: &'a Path) -> BoxFuture<'a, Option<String>> {
        Box::pin(server::version(found))
    }

    fn port(&self) -> u16 {
        PORT
    }

    fn sign_of_life(&self) -> SignOfLife {
        SignOfLife::Http(READY)
    }

    fn question(&self) -> Question {
        Question::http("GET /-/ready HTTP/1.0\r\n\r\n")
    }

    fn watches(&self) -> bool {
        true
    }

    fn data_source(&self) -> Option<&'static str> {
        Some("prometheus")
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

    fn image(&self) -> &'static Image {
        &IMAGE
    }

    fn contained(&self, origin: &Origin, instance: &str) -> Contained {
        let (program, lab) = match origin {
            Origin::Official(_) => ("/bin/prometheus", None),
            Origin::Packed(_) => ("/usr/bin/prometheus", Some(Contained::lab(self.program()))),
        };
        let within = |name: &str| Path::new(DATA).join(name);
        let (configuration, data) = (within(&configuration_file(instance)), within(instance));
        let arguments = server::arguments(&configuration, &data, &format!("0.0.0.0:{PORT}"));
        let command: Vec<&str> = std::iter::once(program)
            .chain(arguments.iter().map(String::as_str))
            .collect();
        let ready = format!("http://127.0.0.1:{PORT}{READY}");
        let official = Contained::official(&command, &["wget", "-q", "--spider", &ready]);
        match lab {
            Some(lab) => Contained {
                command: official.command,
                ..lab
            },
            None => official,
        }
    }

    fn exported(&self, exporting: &Exporting<'_>) -> Option<Exported> {
        Some(Exported {
            asks: ["wget", "-q", "--spider", &format!("http://127.0.0.1:{PORT}{READY}")]
                .map(str::to_owned)
                .to_vec(),
            file: Some(ReadFile {
                name: "prometheus.yml",
                folder: "/etc/prometheus",
                inner: "prometheus.yml",
                text: render(exporting.told).ok()?,
            }),
            published: true,
            ..Exported::default()
        })
    }
}

impl Configured for Prometheus {
    fn render(&self, _place: &Place<'_>, environment: &Environment, _stamp: Option<&str>) -> Result<String, String> {
        render(environment)
    }
}
