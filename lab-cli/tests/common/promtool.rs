//! What Prometheus' own tool says of metrics.

use std::io::Write;
use std::process::{Command, Stdio};

const PROMTOOL: &str = "promtool";

/// Whether it is there; says so loudly where it is not, and fails where all tests are required.
#[track_caller]
pub fn is_installed() -> bool {
    let asked = Command::new(PROMTOOL).arg("--version").output();
    let Err(none) = asked else { return true };
    super::skip(format_args!(
        "there is no promtool (apt-get install prometheus): {none}"
    ));
    false
}

/// What it complains of in this text; nothing if all is well.
#[track_caller]
pub fn complaints(text: &str) -> String {
    let mut child = Command::new(PROMTOOL)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = child.wait_with_output().unwrap();
    let complaints = [said.stdout, said.stderr].concat();
    let complaints = String::from_utf8(complaints).unwrap();
    assert_eq!(said.status.success(), complaints.is_empty(), "{complaints}");
    complaints
}
