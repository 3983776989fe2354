//! The balancer against nginx, side by side: `cargo bench -p balancer --bench throughput`.
//!
//! Three nginx backends that answer `return 200`; before them, in turn, nginx with one worker and upstream keep-alive, and this
//! balancer with one event loop. `wrk -t1 -c64` loads each for a second in the order A B B A …, so that a drift of the machine
//! falls on both: many short runs tell more than a few long ones. Medians are printed, and the quartiles of the ratios of the pairs.
//! Skipped, loudly, where nginx or wrk is not installed.
//!
//! `BENCH_SECONDS` (default 1) is the length of one run, `BENCH_ROUNDS` (default 30) the number of runs of each. `BALANCER_COMMAND`
//! (such as `lab serve balancer`) runs another program instead of the library in a child process; it gets `PORT`, `UPSTREAMS` and
//! `POLICY` and must print a JSON line with `"message":"listening"` and `port`.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Set in the child process that is the balancer.
const CHILD: &str = "BALANCER_BENCH_CHILD";
const BACKENDS: usize = 3;
const START_MAX: Duration = Duration::from_secs(5);

/// As in the program that carries the balancer.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    if env::var_os(CHILD).is_some() {
        return serve();
    }
    let missing: Vec<_> = ["nginx", "wrk"]
        .into_iter()
        .filter(|program| !is_installed(program))
        .collect();
    if !missing.is_empty() {
        let missing = missing.join(" and ");
        eprintln!("SKIPPED: {missing} not installed, so there is nothing to compare with");
        return Ok(());
    }
    let seconds = number("BENCH_SECONDS", 1)?;
    let rounds = number("BENCH_ROUNDS", 30)?;
    let folder = Folder::create()?;

    let mut backends = Vec::new();
    let mut backend_ports = Vec::new();
    for index in 0..BACKENDS {
        let port = free_port()?;
        let name = format!("backend-{index}");
        backends.push(nginx(&folder.0, &name, &backend_config(port))?);
        backend_ports.push(port);
    }
    let port = free_port()?;
    let process = nginx(&folder.0, "balancer", &balancer_config(port, &backend_ports))?;
    for port in backend_ports.iter().chain([&port]) {
        wait_for(*port)?;
    }
    let worker = child_of(process.0.id());
    let theirs = Contender {
        name: "nginx",
        port,
        worker,
        _process: process,
    };
    let ours = start_balancer(&backend_ports)?;
    compare(seconds, rounds, &theirs, &ours)
}

/// A name and what it stands for.
type Figure = (&'static str, fn(&Sample) -> f64);

/// One of the two that are compared.
struct Contender {
    name: &'static str,
    port: u16,
    /// The process whose main thread does the work, where that can be told.
    worker: Option<u32>,
    _process: Running,
}

fn compare(seconds: u64, rounds: u64, theirs: &Contender, ours: &Contender) -> Result<()> {
    // One second each to fill connection pools and caches.
    wrk(theirs, 1)?;
    wrk(ours, 1)?;
    let (mut their_samples, mut our_samples) = (Vec::new(), Vec::new());
    println!(
        "{:<10} {:>12} {:>10} {:>18}",
        "", "requests/s", "p99 ms", "CPU us/request"
    );
    for round in 0..rounds {
        let mut pair = [(theirs, &mut their_samples), (ours, &mut our_samples)];
        if round % 2 == 1 {
            pair.reverse();
        }
        for (contender, samples) in pair {
            let sample = wrk(contender, seconds)?;
            let Sample {
                rate_per_s,
                p99_ms,
                cpu_us,
            } = sample;
            println!(
                "{:<10} {rate_per_s:>12.0} {p99_ms:>10.2} {cpu_us:>18.1}",
                contender.name
            );
            samples.push(sample);
        }
    }
    println!("medians of {rounds} runs of {seconds} s each, 64 connections, {BACKENDS} backends, round robin:");
    let figures: [Figure; 3] = [
        ("requests/s", |sample| sample.rate_per_s),
        ("p99 ms", |sample| sample.p99_ms),
        ("CPU us/request", |sample| sample.cpu_us),
    ];
    for (name, figure) in figures {
        let ours: Vec<_> = our_samples.iter().map(figure).collect();
        let theirs: Vec<_> = their_samples.iter().map(figure).collect();
        let ratios: Vec<_> = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect();
        let [low, middle, high] = [0.25, 0.5, 0.75].map(|share| quantile(&ratios, share));
        let (ours, theirs) = (quantile(&ours, 0.5), quantile(&theirs, 0.5));
        println!("  {name:<15} balancer {ours:>9.2}   nginx {theirs:>9.2}   ratio {middle:.2} ({low:.2} to {high:.2})");
    }
    Ok(())
}

/// The child process: the balancer as a service, on one event loop.
fn serve() -> Result<()> {
    let settings = chassis::Settings::from_env(contract::Program::Balancer)?;
    Ok(chassis::run(settings, balancer::serve)?)
}

fn start_balancer(backend_ports: &[u16]) -> Result<Contender> {
    let mut command = match env::var("BALANCER_COMMAND") {
        Ok(line) => {
            let mut words = line.split_whitespace();
            let mut command = Command::new(words.next().ok_or("BALANCER_COMMAND is empty")?);
            command.args(words);
            command
        }
        Err(_) => Command::new(env::current_exe()?),
    };
    let upstreams: Vec<_> = backend_ports
        .iter()
        .enumerate()
        .map(|(index, port)| format!("b{index}=http://127.0.0.1:{port}"))
        .collect();
    command
        .env(CHILD, "1")
        .env("PORT", "0")
        .env("POLICY", "round_robin")
        .env("UPSTREAMS", upstreams.join(","));
    let mut child = Running(command.stdout(Stdio::piped()).spawn()?);
    let stdout = child.0.stdout.take().ok_or("the balancer has no stdout")?;
    for line in BufReader::new(stdout).lines() {
        let Ok(line) = serde_json::from_str::<serde_json::Value>(&line?) else {
            continue;
        };
        if line["message"] == "listening" {
            let port = line["port"].as_u64().ok_or("the listening line has no port")?;
            let port = u16::try_from(port)?;
            let worker = Some(child.0.id());
            return Ok(Contender {
                name: "balancer",
                port,
                worker,
                _process: child,
            });
        }
    }
    Err("the balancer ended before it listened".into())
}

struct Sample {
    rate_per_s: f64,
    p99_ms: f64,
    /// CPU time of the balancing thread for each request; NaN where the system does not tell.
    cpu_us: f64,
}

fn wrk(contender: &Contender, seconds: u64) -> Result<Sample> {
    let port = contender.port;
    let cpu_before_us = contender.worker.map_or(f64::NAN, cpu_us);
    let output = Command::new("wrk")
        .args([
            "-t1",
            "-c64",
            "--latency",
            &format!("-d{seconds}s"),
            &format!("http://127.0.0.1:{port}/"),
        ])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    // A rate that counts errors as answers would flatter whoever fails fast.
    if text.contains("Non-2xx") || text.contains("Socket errors") || !output.status.success() {
        return Err(format!("requests failed, so the rate means nothing:\n{text}").into());
    }
    let after = |label: &str| {
        text.lines()
            .find_map(|line| line.trim().strip_prefix(label))
            .map(str::trim)
    };
    let requests = text.lines().find_map(|line| line.trim().split_once(" requests in "));
    let requests: f64 = requests.ok_or("wrk printed no count")?.0.parse()?;
    let cpu_us = contender.worker.map_or(f64::NAN, cpu_us) - cpu_before_us;
    Ok(Sample {
        rate_per_s: after("Requests/sec:").ok_or("wrk printed no rate")?.parse()?,
        p99_ms: milliseconds(after("99%").ok_or("wrk printed no p99")?)?,
        cpu_us: cpu_us / requests,
    })
}

/// CPU time of a process' main thread so far (Linux). Unlike the rate it hardly depends on what else the machine does.
fn cpu_us(process: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{process}/schedstat")).unwrap_or_default();
    let on_cpu_ns = text.split(' ').next().and_then(|field| field.parse::<f64>().ok());
    on_cpu_ns.map_or(f64::NAN, |on_cpu_ns| on_cpu_ns / 1_000.0)
}

/// The first child of a process: nginx's worker (Linux).
fn child_of(process: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).ok()?;
    children.split(' ').next()?.parse().ok()
}

fn milliseconds(text: &str) -> Result<f64> {
    for (unit, factor) in [("us", 0.001), ("ms", 1.0), ("s", 1000.0)] {
        if let Some(value) = text.strip_suffix(unit) {
            return Ok(value.parse::<f64>()? * factor);
        }
    }
    Err(format!("wrk printed the duration {text:?}").into())
}

/// The value below which this share of the values lies, between two of them where it falls there.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let place = share * (values.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = place.ceil() as usize;
    values[below] + (values[above] - values[below]) * (place - below as f64)
}

const COMMON: &str = "worker_processes 1; daemon off; pid nginx.pid; error_log stderr crit;
events { worker_connections 1024; }";

fn backend_config(port: u16) -> String {
    format!(
        "{COMMON}
http {{ access_log off; keepalive_requests 100000000;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 'hello'; }} }} }}"
    )
}

fn balancer_config(port: u16, backend_ports: &[u16]) -> String {
    let servers: String = backend_ports
        .iter()
        .map(|port| format!("server 127.0.0.1:{port}; "))
        .collect();
    format!(
        "{COMMON}
http {{ access_log off; keepalive_requests 100000000;
  upstream instances {{ {servers} keepalive 64; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://instances; proxy_http_version 1.1;
    proxy_set_header Connection ''; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme; }} }} }}"
    )
}

fn nginx(folder: &Path, name: &str, config: &str) -> Result<Running> {
    let prefix = folder.join(name);
    fs::create_dir(&prefix)?;
    fs::write(prefix.join("nginx.conf"), config)?;
    let child = Command::new("nginx")
        .arg("-p")
        .arg(&prefix)
        .args(["-c", "nginx.conf"])
        .stderr(Stdio::null())
        .spawn()?;
    Ok(Running(child))
}

/// A child process that ends with the benchmark.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // SIGTERM, not SIGKILL: nginx's master has to take its worker along.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

struct Folder(PathBuf);

impl Folder {
    fn create() -> Result<Self> {
        let path = env::temp_dir().join(format!("balancer-bench-{}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn is_installed(program: &str) -> bool {
    Command::new(program)
        .arg("-v")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Waits until an answer comes: nginx takes connections before its worker is there.
fn wait_for(port: u16) -> Result<()> {
    let begun = Instant::now();
    while !answers(port) {
        if begun.elapsed() > START_MAX {
            return Err(format!("nobody answers on port {port} after {START_MAX:?}").into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    let request = b"GET / HTTP/1.0\r\n\r\n";
    stream.set_read_timeout(Some(START_MAX)).is_ok()
        && stream.write_all(request).is_ok()
        && stream.read_exact(&mut [0]).is_ok()
}

fn number(variable: &str, default: u64) -> Result<u64> {
    match env::var(variable) {
        Err(_) => Ok(default),
        Ok(value) => match value.parse() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(format!("{variable} is {value:?}; write a whole number above 0").into()),
        },
    }
}
