//! A real terminal of a given width, by `script` of util-linux.

use std::process::Command;

use super::{LAB, Lab, Said, finish, skip};

/// Runs the program on a terminal; none when this machine has no `script`, unless tests may not be skipped.
#[track_caller]
pub fn say(lab: &Lab, columns: u16, environment: &[(&str, &str)], arguments: &str) -> Option<Said> {
    if Command::new("script").arg("--version").output().is_err() {
        skip("there is no program `script`");
        return None;
    }
    let mut command = Command::new("script");
    command
        .args(["--quiet", "--return", "--command"])
        .arg(format!("stty columns {columns} rows 40; exec '{LAB}' {arguments}"))
        .arg("/dev/null")
        .current_dir(lab.folder())
        .env("LAB_STATE", lab.state())
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .envs(environment.iter().copied());
    Some(finish(command))
}

/// The widths of all lines, without the marks of colour, with the lines.
pub fn widths(text: &str) -> Vec<(usize, String)> {
    text.lines()
        .map(|line| console::strip_ansi_codes(line.trim_end_matches('\r')).into_owned())
        .map(|line| (console::measure_text_width(&line), line))
        .collect()
}
