//! `lab doctor`: what this machine has, and how to get what it lacks.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use comfy_table::{Cell, Color};
use compose::servers::{self, Backing, Found, Server};
use compose::{BackendRegistry, Environment, Host};
use contract::redact;
use serde::Serialize;

use crate::failure::{Exit, Failure};
use crate::text::{table, wrapped};
use crate::{backends, home, machine, output, tui};

/// How long a server on the network may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// One thing that was looked for.
#[derive(Debug, Serialize)]
struct Finding {
    name: &'static str,
    /// Whether it is there.
    found: bool,
    /// Whether every scenario needs it.
    required: bool,
    /// What was found, or how to get it.
    detail: String,
}

/// Looks at the machine and says what it found. Only what every scenario needs makes it fail.
///
/// # Errors
/// When there is no state folder at all.
pub async fn run(as_json: bool) -> Result<Exit, Failure> {
    let registry = backends::registry()?;
    let mut findings = vec![cores(), state_folder()?, loopback()];
    findings.extend(requirements(&registry).await?);
    findings.push(signing(&registry).await?);
    let host = Host::of_process();
    for described in servers::ALL {
        findings.push(server(described, &host).await);
    }
    findings.push(terminal());
    let sound = findings.iter().all(|finding| finding.found || !finding.required);
    if as_json {
        output::json(&findings)?;
    } else {
        let mut table = table(&["", "what", "found, or how to get it"]);
        for finding in &findings {
            let (mark, color) = match (finding.found, finding.required) {
                (true, _) => ("✓", Color::Green),
                (false, true) => ("✗", Color::Red),
                (false, false) => ("–", Color::Yellow),
            };
            let mark = if console::colors_enabled() {
                Cell::new(mark).fg(color)
            } else {
                Cell::new(mark)
            };
            table.add_row(vec![mark, Cell::new(finding.name), Cell::new(&finding.detail)]);
        }
        outln!("{table}");
        outln!(
            "{}",
            wrapped("✓ there   – not there, needed by some scenarios only   ✗ missing", 0)
        );
    }
    Ok(if sound { Exit::Pass } else { Exit::Environment })
}

fn cores() -> Finding {
    let cores = machine::cores();
    let detail = if cores < 2 {
        "1 core: load and services share it, so CPU lessons will be inconclusive".to_owned()
    } else {
        format!("{cores} cores, {}", machine::describe().os)
    };
    Finding {
        name: "cores",
        found: true,
        required: true,
        detail,
    }
}

fn state_folder() -> Result<Finding, Failure> {
    let folder = home::state_folder()?;
    let written = compose::private::make_state_folder(&folder).and_then(|()| {
        let probe = folder.join(format!(".probe-{}", std::process::id()));
        std::fs::write(&probe, b"")?;
        std::fs::remove_file(probe)
    });
    Ok(Finding {
        name: "state folder",
        found: written.is_ok(),
        required: true,
        detail: match written {
            Ok(()) => folder.display().to_string(),
            Err(error) => format!(
                "{}: {error}; set LAB_STATE to a folder that you can write to",
                folder.display()
            ),
        },
    })
}

fn loopback() -> Finding {
    let bound = TcpListener::bind(("127.0.0.1", 0));
    let detail = match &bound {
        Ok(_) => "127.0.0.1 takes connections".to_owned(),
        Err(error) => format!("cannot listen on 127.0.0.1: {error}"),
    };
    Finding {
        name: "loopback",
        found: bound.is_ok(),
        required: true,
        detail,
    }
}

/// What backends need of the machine.
async fn requirements(registry: &BackendRegistry) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    for backend in registry.all()? {
        let Some(requirement) = backend.requirement().await else {
            continue;
        };
        let name = backend.name();
        findings.push(Finding {
            name: requirement.name,
            found: requirement.found.is_ok(),
            required: false,
            detail: match requirement.found {
                Ok(found) => format!("{found}, for --backend {name}"),
                Err(error) => format!("for --backend {name}: {error}"),
            },
        });
    }
    Ok(findings)
}

/// Whether a system that runs signs its tokens with the secret that everybody knows.
async fn signing(registry: &BackendRegistry) -> Result<Finding, Failure> {
    // A folder that cannot be read is told of as such.
    let records = compose::records(&home::state_folder()?).unwrap_or_default();
    let of_lab = records.systems.into_iter();
    let of_lab = of_lab
        .filter(compose::SystemRecord::signs_with_default_secret)
        .map(|record| record.run_id);
    let mut exported = Vec::new();
    for backend in registry.all()? {
        exported.extend(backend.exported_with_default_secret().await);
    }
    let (of_lab, exported): (Vec<String>, _) = (of_lab.collect(), exported.join(", "));
    let (found, detail) = match (of_lab.is_empty(), exported.is_empty()) {
        (true, true) => (true, "no system that runs signs with the default secret".to_owned()),
        (_, false) => (
            false,
            format!(
                "{exported}: an exported gateway signs with the default secret, which everybody knows; set JWT_SECRET"
            ),
        ),
        (false, true) => (
            false,
            format!(
                "{}: signed with the default secret, which everybody knows; reached from this machine only",
                of_lab.join(", ")
            ),
        ),
    };
    Ok(Finding {
        name: "JWT secret",
        found,
        required: false,
        detail,
    })
}

/// Where a system would get a server of others from, and whether one that the user named answers.
async fn server(server: &'static dyn Server, host: &Host) -> Finding {
    let (found, detail) = match servers::locate(server, host, &Environment::new()) {
        Ok(Found::Named(address)) => match servers::answers(server, &address, ANSWER_TIMEOUT).await {
            Ok(()) => {
                let variable = server.backing().map_or("", Backing::variable);
                (true, format!("{} answers ({variable})", redact(&address)))
            }
            Err(error) => (false, error.to_string()),
        },
        Ok(Found::StandIn) => {
            let real = match server.find(host) {
                Ok(program) => described(server, &program).await,
                Err(absent) => absent.to_string(),
            };
            (
                true,
                format!("the built-in one, on every backend; {}: {real}", server.purpose()),
            )
        }
        Ok(Found::Host(program)) => {
            let described = described(server, &program).await;
            (true, format!("{described}, {}", server.purpose()))
        }
        Ok(Found::Image(name)) => (true, format!("{name}, {}", server.purpose())),
        Err(absent) => (false, format!("{}: {absent}", server.purpose())),
    };
    Finding {
        name: server.name(),
        found,
        required: false,
        detail,
    }
}

/// The program of a server, with its version.
async fn described(server: &dyn Server, program: &Path) -> String {
    match server.version(program).await {
        Some(version) => format!("{}, version {version}", program.display()),
        None => format!("{}, of an unknown version", program.display()),
    }
}

fn terminal() -> Finding {
    let terminal = console::Term::stdout();
    let detail = match terminal.size_checked() {
        Some((rows, columns)) => tui::what_it_can(columns, rows),
        None => "stdout is not a terminal: progress goes to stderr, the report to stdout".to_owned(),
    };
    Finding {
        name: "terminal",
        found: true,
        required: false,
        detail,
    }
}
