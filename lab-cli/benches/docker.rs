//! How fast a whole system comes and goes on Docker: `cargo bench -p lab-cli --bench docker`.
//!
//! Prints, from one run on this machine and its engine: the time to load the image of the lab's own program, from the
//! command `lab up full --backend docker` to the first answer of the system with the image present, and of `lab down`. The
//! bars that they are to stay under stand beside them; they are meant for two cores with nothing else to do.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use compose::{Backend, DockerBackend};

const TIMES: usize = 5;
const LOAD_S_MAX: f64 = 1.0;
const UP_S_MAX: f64 = 5.0;
const DOWN_S_MAX: f64 = 3.0;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    println!("on Docker, {TIMES} times each");
    let mut loads = Vec::new();
    let mut program = PathBuf::new();
    for time in 0..TIMES {
        program = unknown_program(&folder.path().join(format!("lab-{time}")))?;
        let backend = DockerBackend::new(&program)?;
        backend.engine_version().await?;
        let began = Instant::now();
        backend.prepare(&[], None).await?;
        loads.push(began.elapsed());
    }
    show("image load", &mut loads, LOAD_S_MAX);

    let state = folder.path().join("state");
    let (mut ups, mut downs) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let began = Instant::now();
        let said = run(&program, &state, &["up", "full", "--backend", "docker"])?;
        first_answer(&said)?;
        ups.push(began.elapsed());
        let began = Instant::now();
        run(&program, &state, &["down"])?;
        downs.push(began.elapsed());
    }
    show("up, to the first 200", &mut ups, UP_S_MAX);
    show("down", &mut downs, DOWN_S_MAX);
    // The images of the programs that only this run knows have lost their name to the next, and nothing uses them.
    run(&program, &state, &["clean"]).map(drop)
}

/// The lab with something of this very moment behind it, so that no engine has its image.
fn unknown_program(path: &Path) -> Outcome<PathBuf> {
    let mut bytes = std::fs::read(env!("CARGO_BIN_EXE_lab"))?;
    bytes.extend(SystemTime::UNIX_EPOCH.elapsed()?.as_nanos().to_le_bytes());
    std::fs::write(path, bytes)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
    Ok(path.to_owned())
}

fn run(program: &Path, state: &Path, arguments: &[&str]) -> Outcome<String> {
    let output = Command::new(program).args(arguments).env("LAB_STATE", state).output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

fn first_answer(said: &str) -> Outcome<()> {
    let (_, door) = said.split_once("Front door: http://").ok_or("no front door")?;
    let address = door.split(['/', '\n']).next().unwrap_or_default().trim();
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(format!("GET /api/users HTTP/1.0\r\nhost: {address}\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.lines().next().is_some_and(|line| line.contains(" 200 ")) {
        Ok(())
    } else {
        Err(format!("the system answers {answer}").into())
    }
}

fn show(what: &str, times: &mut [Duration], bar_s: f64) {
    times.sort_unstable();
    let seconds = |index: usize| times[index].as_secs_f64();
    println!(
        "  {what:<22} median {:>5.2} s   worst {:>5.2} s   to stay under {bar_s} s",
        seconds(times.len() / 2),
        seconds(times.len() - 1)
    );
}
