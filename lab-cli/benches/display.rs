//! Whether looking changes what is measured: `cargo bench -p lab-cli --bench display`.
//!
//! Runs `open-vs-closed` by turns with lines of text and with the dashboard on a pseudo-terminal (A B B A …), and prints
//! for each class of requests the medians of both and their ratio. Also prints how much of a core the screen's thread took.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use serde_json::Value;

const LAB: &str = env!("CARGO_BIN_EXE_lab");
const SCENARIO: &str = "open-vs-closed";
/// Pairs of runs.
const PAIRS: usize = 5;
/// The longest that one run may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a run is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Ticks of the processor clock in a second, as Linux counts them for programs.
const TICKS_PER_S: f64 = 100.0;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;
/// Arm, class and figure → the values of all runs.
type Figures = BTreeMap<String, Vec<f64>>;

fn main() -> Outcome<()> {
    let work = tempfile::tempdir()?;
    let (mut plain, mut tui) = (Figures::new(), Figures::new());
    let mut shares = Vec::new();
    for pair in 0..PAIRS {
        // What drifts with time touches both alike.
        for first in [pair % 2 == 0, pair % 2 != 0] {
            let out = work.path().join(format!("{pair}-{first}"));
            if first {
                with_lines(work.path(), &out)?;
                read(&out, &mut plain)?;
            } else {
                shares.push(with_dashboard(work.path(), &out)?);
                read(&out, &mut tui)?;
            }
        }
    }
    println!("{SCENARIO} --quick, {PAIRS} runs of each: median (lowest to highest), and the ratio of the medians");
    println!("{:<26} {:>32} {:>32} {:>7}  ranges", "", "plain", "dashboard", "ratio");
    for (name, values) in &mut plain {
        let Some(others) = tui.get_mut(name) else { continue };
        let ratio = median(others) / median(values);
        let apart = values[values.len() - 1] < others[0] || others[others.len() - 1] < values[0];
        println!(
            "{name:<26} {:>32} {:>32} {ratio:>7.3}  {}",
            told(values),
            told(others),
            if apart { "apart" } else { "overlap" }
        );
    }
    println!(
        "the screen's thread took {:.2} % of a core (median)",
        median(&mut shares) * 100.0
    );
    Ok(())
}

fn arguments(out: &Path, ui: &str) -> Vec<String> {
    let out = out.display().to_string();
    [
        "run", SCENARIO, "--quick", "--yes", "--seed", "7", "--ui", ui, "--out", &out,
    ]
    .map(str::to_owned)
    .into()
}

fn with_lines(state: &Path, out: &Path) -> Outcome<()> {
    // The verdict is the exit code, and of no concern here.
    Command::new(LAB)
        .args(arguments(out, "plain"))
        .env("LAB_STATE", state.join("state"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    Ok(())
}

/// Gives the share of a core that the screen's thread took.
fn with_dashboard(state: &Path, out: &Path) -> Outcome<f64> {
    let size = PtySize {
        rows: 40,
        cols: 140,
        pixel_width: 0,
        pixel_height: 0,
    };
    let pty = native_pty_system().openpty(size)?;
    let mut command = CommandBuilder::new(LAB);
    command.args(arguments(out, "tui"));
    command.env("LAB_STATE", state.join("state"));
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    let mut child = pty.slave.spawn_command(command)?;
    drop(pty.slave);
    let mut reader = pty.master.try_clone_reader()?;
    let mut writer = pty.master.take_writer()?;
    // Somebody must read the screen, or the program would wait for its terminal.
    std::thread::spawn(move || {
        let mut buffer = [0; 65536];
        while matches!(reader.read(&mut buffer), Ok(1..)) {}
    });
    let pid = child.process_id().ok_or("the process has no id")?;
    let begun = Instant::now();
    let (mut ticks, mut seconds) = (0.0, 1.0);
    while child.try_wait()?.is_none() {
        if begun.elapsed() > PATIENCE {
            child.kill()?;
            return Err("the run did not end".into());
        }
        if out.join("report.json").exists() {
            writer.write_all(b"q")?;
        } else if let Some(now) = screen_ticks(pid) {
            (ticks, seconds) = (now, begun.elapsed().as_secs_f64());
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(ticks / TICKS_PER_S / seconds)
}

/// Processor time of the thread that draws, in ticks.
fn screen_ticks(pid: u32) -> Option<f64> {
    let threads = std::fs::read_dir(PathBuf::from(format!("/proc/{pid}/task"))).ok()?;
    threads
        .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("stat")).ok())
        .find(|stat| stat.contains("(screen)"))
        .and_then(|stat| {
            // User and system time are the 14th and 15th fields; the name in brackets is the second.
            let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
            Some(fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?)
        })
}

fn read(out: &Path, figures: &mut Figures) -> Outcome<()> {
    let report: Value = serde_json::from_str(&std::fs::read_to_string(out.join("report.json"))?)?;
    for arm in report["arms"].as_array().ok_or("no arms")? {
        for class in arm["classes"].as_array().ok_or("no classes")? {
            let name = format!(
                "{} {}",
                arm["name"].as_str().unwrap_or(""),
                class["name"].as_str().unwrap_or("")
            );
            for (figure, value) in [
                ("requests/s", &class["rate_per_s"]),
                ("p50 ms", &class["response_ms"]["p50"]),
                ("p99 ms", &class["response_ms"]["p99"]),
            ] {
                if let Some(value) = value.as_f64() {
                    figures.entry(format!("{name}, {figure}")).or_default().push(value);
                }
            }
        }
    }
    Ok(())
}

/// The median and the range of sorted values.
fn told(values: &mut [f64]) -> String {
    let median = median(values);
    match values {
        [] => "nothing".to_owned(),
        values => format!("{median:.3} ({:.3} to {:.3})", values[0], values[values.len() - 1]),
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
