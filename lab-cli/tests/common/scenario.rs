//! Scenarios small enough for a test: a second of light load on one instance, bounds that no noise decides.

use std::path::{Path, PathBuf};

/// A scenario file in parts that a test may replace.
pub struct Tiny {
    pub name: &'static str,
    pub duration_s: f64,
    /// The system under test, its entry first.
    pub system: &'static str,
    /// Pace and further keys of the one load, class `read`.
    pub load: &'static str,
    /// Path that is read.
    pub path: &'static str,
    /// Whatever else: actions, probes, further checks.
    pub more: &'static str,
}

impl Default for Tiny {
    fn default() -> Self {
        Self {
            name: "tiny",
            duration_s: 0.5,
            system: ONE_USERS,
            load: "rate_per_s = 60",
            path: "/users",
            more: "",
        }
    }
}

/// One instance of users.
pub const ONE_USERS: &str = "entry = \"users\"\n[[system.service]]\nname = \"users\"";
/// Two gateways behind a balancer.
pub const TWO_GATEWAYS: &str =
    "entry = \"gateway\"\n[[system.service]]\nname = \"gateway\"\ninstances = 2\nbalancer = \"round_robin\"";

/// Asks for a number that is always ten.
pub const ASKING: Tiny = Tiny {
    name: "asking",
    duration_s: 0.5,
    system: ONE_USERS,
    load: "rate_per_s = 60",
    path: "/users",
    more: "[predict]\nquestion = \"How many fingers?\"\nvalue = \"2.0 * 5.0\"\nmax = 100",
};

impl Tiny {
    /// The text of `scenario.toml`.
    pub fn text(&self) -> String {
        let Self {
            name,
            duration_s,
            system,
            load,
            path,
            more,
        } = self;
        format!(
            r#"schema = 1
name = "{name}"
phase = 0
title = "A scenario of a test"
question = "Is every request answered?"

[run]
rounds = 1
quick_rounds = 1
duration_s = {duration_s:?}
lateness_p99_ms_max = 10000
error_share_max = 1

[system]
{system}

[[arm]]
name = "one"
label = "the only arm"

[[load]]
class = "read"
request = {{ path = "{path}" }}
{load}

[[check]]
name = "requests were sent"
value = "one.read.sent"
at_least = 1

{more}
"#
        )
    }

    /// Writes the scenario into a folder of its name within `within`.
    pub fn write(&self, within: &Path) -> PathBuf {
        write(within, self.name, &self.text(), &lesson())
    }
}

/// Writes a scenario folder from its two texts.
pub fn write(within: &Path, name: &str, scenario: &str, lesson: &str) -> PathBuf {
    let folder = within.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("scenario.toml"), scenario).unwrap();
    std::fs::write(folder.join("lesson.md"), lesson).unwrap();
    folder
}

/// The smallest sound lesson.
pub fn lesson() -> String {
    scenarios::lesson::HEADINGS
        .map(|heading| format!("## {heading}\n\nWords.\n"))
        .join("\n")
}
