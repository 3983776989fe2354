//! A Docker engine, and what of a lab it has, as its own tool tells it.

use std::process::Command;

use super::{Lab, skip};

/// Whether an engine answers; says so loudly where none does, and fails where all tests are required.
#[track_caller]
pub fn has_engine() -> bool {
    let findings = Lab::new().say("doctor --json").json();
    let mut findings = findings.as_array().unwrap().iter();
    let docker = findings.find(|finding| finding["name"] == "Docker").unwrap();
    if docker["found"] == true {
        return true;
    }
    skip(&docker["detail"]);
    false
}

/// How many containers, networks and volumes of this lab the engine has.
#[track_caller]
pub fn left(lab: &Lab) -> usize {
    let listings: [&[&str]; 3] = [&["ps", "-aq"], &["network", "ls", "-q"], &["volume", "ls", "-q"]];
    listings.into_iter().map(|listing| ids(lab, listing, &[]).len()).sum()
}

/// The id of the container of an instance.
#[track_caller]
pub fn container(lab: &Lab, instance: &str) -> String {
    let found = ids(lab, &["ps", "-q"], &[&format!("label=lab.instance={instance}")]);
    found.into_iter().next().expect("there is a container of this name")
}

#[track_caller]
fn ids(lab: &Lab, listing: &[&str], filters: &[&str]) -> Vec<String> {
    let own = format!("label=lab.state={}", lab.state().display());
    let mut command = Command::new("docker");
    command.args(listing).args(["--filter", &own]);
    for filter in filters {
        command.args(["--filter", filter]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}
