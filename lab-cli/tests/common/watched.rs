//! A run under way, seen through its events, and what its report must say of a disturbance.

use std::path::{Path, PathBuf};

use rustix::process::Pid;
use serde_json::Value;

use super::{Lab, Lines, Running, json_file, pid};

pub struct Watched<'a> {
    lab: &'a Lab,
    pub running: Running,
    pub lines: Lines,
    pub out: PathBuf,
}

impl<'a> Watched<'a> {
    pub fn start(lab: &'a Lab, scenario: &Path) -> Self {
        Self::start_with(lab, scenario, &[], &[])
    }

    /// The same with more arguments, and variables in the lab's environment.
    pub fn start_with(lab: &'a Lab, scenario: &Path, more: &[&str], variables: &[(&str, &str)]) -> Self {
        let out = lab.folder().join("out");
        let arguments = ["run".as_ref(), scenario.as_os_str(), "--out".as_ref(), out.as_os_str()];
        let rest = ["--ui", "json", "--quick", "--yes"]
            .iter()
            .chain(more)
            .map(AsRef::as_ref);
        let mut command = lab.command(arguments.into_iter().chain(rest));
        for name in ["REDIS_URL", "POSTGRES_URL", "KAFKA_BROKERS", "KAFKA_HOME"] {
            command.env_remove(name);
        }
        command.envs(variables.iter().copied());
        let mut running = lab.spawn_command(command);
        let lines = running.lines();
        Self {
            lab,
            running,
            lines,
            out,
        }
    }

    /// The process of an instance, as the lab tells it.
    #[track_caller]
    pub fn instance(&self, name: &str) -> Pid {
        let systems = self.lab.say("ps --json").code(0).json();
        let instances = systems[0]["instances"].as_array().unwrap();
        let found = instances.iter().find(|instance| instance["name"] == name);
        let found = found.unwrap_or_else(|| panic!("no {name} in {instances:#?}"));
        pid(u32::try_from(found["pid"].as_u64().unwrap()).unwrap())
    }

    /// Reads to the end, and gives the report and the exit code.
    #[track_caller]
    pub fn finish(mut self) -> (Value, Option<i32>) {
        self.lines.rest();
        let status = self.running.wait();
        (json_file(&self.out.join("report.json")), status.code())
    }
}

pub fn is_stopped(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap();
    stat[stat.rfind(')').unwrap()..].starts_with(") T")
}

/// The one check of a tiny scenario, and the one of the lab's own that names what happened.
#[track_caller]
pub fn assert_undecided(report: &Value, code: Option<i32>, names: &str) {
    let checks = report["checks"].as_array().unwrap();
    let check = |name: &str| {
        let found = checks.iter().find(|check| check["name"] == name);
        found.unwrap_or_else(|| panic!("no check {name:?} in {checks:#?}"))
    };
    let own = check("requests were sent");
    assert_eq!(own["verdict"], "inconclusive", "{own:#}");
    assert!(own["why"].as_str().unwrap().contains(names), "{own:#}");
    let disturbed = check("nothing disturbed the measurement");
    assert!(disturbed["why"].as_str().unwrap().contains(names), "{disturbed:#}");
    assert_told(report, names);
    assert_eq!((report["verdict"].as_str(), code), (Some("inconclusive"), Some(3)));
}

/// A disturbance that may not be the first one.
#[track_caller]
pub fn assert_told(report: &Value, words: &str) {
    let told = report["disturbances"].as_array().unwrap();
    let tells = |told: &Value| told["words"].as_str().unwrap().contains(words);
    assert!(told.iter().any(tells), "{told:#?}");
}
