//! How fast and how punctual the generator is, beside wrk and oha, against the same nginx.
//!
//! `cargo bench -p load`. The arms are interleaved and every figure is the median of the rounds of this one run. nginx
//! and wrk have to be installed; oha takes part when it is.

use std::error::Error;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use load::{Arrivals, LoadPlan, Pace, Request, Stage, Stream, Totals};
use url::Url;

const ROUNDS: usize = 5;
const ROUND_S: u32 = 3;
const CONNECTIONS: usize = 64;
/// About half of what wrk reaches on a slow machine of two cores, requests per second.
const FIXED_PER_S: f64 = 40_000.0;
const OPEN_S: f64 = 2.0;
const OPEN_ROUNDS: usize = 7;
/// More than are ever needed at half of the highest rate; a server that pauses must not be answered with a storm of
/// new connections, whose opening would take longer than its pause.
const OPEN_CONNECTIONS_MAX: usize = 128;

type Outcome<T> = Result<T, Box<dyn Error>>;

struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its worker on SIGTERM; SIGKILL would leave it behind.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

fn nginx(folder: &Path) -> Outcome<(Nginx, Url)> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let folder_name = folder.display();
    let configuration = format!(
        "daemon off; worker_processes 1; pid {folder_name}/pid; error_log {folder_name}/error.log;\n\
         events {{ worker_connections 8192; }}\n\
         http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {folder_name}/b;\n\
         proxy_temp_path {folder_name}/p; fastcgi_temp_path {folder_name}/f; uwsgi_temp_path {folder_name}/u; scgi_temp_path {folder_name}/s;\n\
         server {{ listen 127.0.0.1:{port}; location / {{ return 200 'ok'; }} }} }}\n"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, configuration)?;
    let child = Command::new("nginx")
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(&file)
        .stderr(Stdio::null())
        .spawn()?;
    let server = Nginx(child);
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if started.elapsed() > Duration::from_secs(5) {
            return Err("nginx did not begin to listen within 5 s".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok((server, Url::parse(&format!("http://127.0.0.1:{port}"))?))
}

fn output(command: &mut Command) -> Outcome<String> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn after<'a>(text: &'a str, label: &str) -> Outcome<&'a str> {
    let rest = text
        .split_once(label)
        .ok_or_else(|| format!("no {label:?} in {text}"))?
        .1;
    Ok(rest.split_whitespace().next().unwrap_or_default())
}

fn wrk(target: &Url) -> Outcome<f64> {
    let (connections, seconds) = (format!("-c{CONNECTIONS}"), format!("-d{ROUND_S}s"));
    let text = output(Command::new("wrk").args(["-t1", &connections, &seconds, target.as_str()]))?;
    Ok(after(&text, "Requests/sec:")?.parse()?)
}

fn oha(target: &Url) -> Outcome<f64> {
    let (connections, seconds) = (CONNECTIONS.to_string(), format!("{ROUND_S}s"));
    let arguments = ["--no-tui", "-c", &connections, "-z", &seconds, target.as_str()];
    let text = output(Command::new("oha").args(arguments).env("TOKIO_WORKER_THREADS", "1"))?;
    Ok(after(&text, "Requests/sec:")?.parse()?)
}

fn run(target: &Url, pace: Pace) -> Outcome<Totals> {
    let stream = Stream {
        class: "all".into(),
        target: target.clone(),
        request: Request::get("/"),
        pace,
        timeout: Duration::from_secs(5),
        slow_over_ms: None,
        collect: None,
        seed: 1,
        start_s: 0.0,
    };
    let totals = load::start(LoadPlan::new(vec![stream]))?.join();
    let all = totals.class("all").ok_or("no results")?;
    if all.ok != all.scheduled {
        return Err(format!("{} scheduled, {} ok, errors {:?}", all.scheduled, all.ok, all.errors).into());
    }
    Ok(totals)
}

fn ours(target: &Url) -> Outcome<f64> {
    let pace = Pace::Closed {
        connections: CONNECTIONS,
        think_ms: 0.0,
        for_s: ROUND_S.into(),
        requests_max: None,
    };
    let totals = run(target, pace)?;
    Ok(totals.classes[0].ok as f64 / totals.elapsed_s)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Several short runs of an open loop; of each figure the median over the runs, since one pause of a shared machine
/// (some are tens of milliseconds long) would decide a single run.
fn open(target: &Url, rate_per_s: f64, arrivals: Arrivals) -> Outcome<()> {
    let mut runs = Vec::new();
    for _ in 0..OPEN_ROUNDS {
        let stages = vec![Stage::constant(rate_per_s, OPEN_S)];
        runs.push(run(
            target,
            Pace::Open {
                arrivals,
                stages,
                connections_max: OPEN_CONNECTIONS_MAX,
            },
        )?);
    }
    let alls: Vec<_> = runs.iter().map(|totals| totals.classes[0].all()).collect();
    println!(
        "open loop, {arrivals:?}, {rate_per_s:.0}/s, {OPEN_ROUNDS} runs of {OPEN_S} s, everything sent and answered; medians:"
    );
    type Pick = fn(&load::Slice) -> &load::Histogram;
    let figures: [(&str, Pick); 4] = [
        ("send lateness", |all| &all.lateness),
        ("of that, the generator's own", |all| &all.dispatch_lateness),
        ("response", |all| &all.response),
        ("service", |all| &all.service),
    ];
    for (name, pick) in figures {
        let at = |q| median(alls.iter().map(|all| pick(all).quantile_ms(q).unwrap_or(0.0)).collect());
        println!(
            "  {name:<30} p50 {:>7.3} ms   p99 {:>7.3} ms   p99.9 {:>7.3} ms   max {:>7.3} ms",
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0)
        );
    }
    let p99s: Vec<String> = alls
        .iter()
        .map(|all| format!("{:.3}", all.lateness.quantile_ms(0.99).unwrap_or(0.0)))
        .collect();
    println!("  p99 of send lateness, run by run: {}", p99s.join(" "));
    let cpu = median(
        runs.iter()
            .filter_map(|run| Some(100.0 * run.generator_cpu_s? / run.elapsed_s))
            .collect(),
    );
    println!("  generator CPU {cpu:.0} % of a core");
    Ok(())
}

fn main() -> Outcome<()> {
    // `cargo test --benches` runs this too, without `--bench`; there is nothing to check in it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (_server, target) = nginx(folder.path())?;
    type Arm = (&'static str, fn(&Url) -> Outcome<f64>);
    let mut arms: Vec<Arm> = vec![("wrk", wrk), ("lab", ours)];
    if Command::new("oha").arg("--version").output().is_ok() {
        arms.push(("oha", oha));
    } else {
        println!("oha is not installed and takes no part");
    }
    let mut rates = vec![Vec::new(); arms.len()];
    for round in 0..ROUNDS {
        let mut order: Vec<usize> = (0..arms.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for at in order {
            rates[at].push(arms[at].1(&target)?);
        }
    }
    println!(
        "closed loop, {CONNECTIONS} connections, one thread, {ROUNDS} interleaved rounds of {ROUND_S} s; medians:"
    );
    let medians: Vec<f64> = rates.iter().cloned().map(median).collect();
    for (at, (name, _)) in arms.iter().enumerate() {
        let rounds: Vec<String> = rates[at].iter().map(|rate| format!("{rate:.0}")).collect();
        println!(
            "  {name:<4} {:>7.0}/s   {:.2} of wrk   rounds {}",
            medians[at],
            medians[at] / medians[0],
            rounds.join(" ")
        );
    }
    let half = (medians[0] / 2.0).round();
    // A rate that does not depend on the machine, too: the faster the server, the sooner a pause of it takes up all
    // connections, and what waits for one counts as late.
    for rate_per_s in [FIXED_PER_S, half] {
        open(&target, rate_per_s, Arrivals::Constant)?;
        open(&target, rate_per_s, Arrivals::Poisson)?;
    }
    Ok(())
}
