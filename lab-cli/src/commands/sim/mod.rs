//! `lab sim`: load balancing in virtual time.

mod page;
mod show;

use std::io::IsTerminal;
use std::path::Path;
use std::thread::available_parallelism;
use std::time::Instant;

use balance::{PolicyKind, REGISTRY};
use indicatif::{ProgressBar, ProgressDrawTarget};
use scenarios::format::text_of;
use sim::{Cost, Empirical, Information, Model, ServiceTime, sweep};

use crate::arguments::{Sim, SimFormat};
use crate::failure::{Exit, Failure};
use crate::{browser, display, output};

/// Of so many requests one is warm-up.
const WARMUP_PART: u64 = 10;
/// Simulations that one sweep may hold.
const MODELS_MAX: usize = 100_000;
/// What is simulated without --large: memory in bytes, and requests (about an hour of them).
const BYTES_MAX: f64 = 1024.0 * 1024.0 * 1024.0;
const STEPS_MAX: f64 = 2e10;
/// From so many bytes on it is said before how many it will be.
const BYTES_TOLD: f64 = BYTES_MAX / 4.0;
/// The largest table of a measured service time, bytes.
const TABLE_MAX: u64 = 16 * 1024 * 1024;

/// Simulates what the arguments say and shows the outcome.
///
/// # Errors
/// When an argument makes no system, or a histogram cannot be read.
pub fn run(arguments: &Sim) -> Result<Exit, Failure> {
    let models = models(arguments)?;
    let threads = arguments
        .threads
        .map_or_else(|| available_parallelism().map_or(1, usize::from), usize::from);
    afford(Cost::of(&models, threads), arguments.large)?;
    let total = models.iter().map(|model| model.requests).sum();
    let bar = progress_bar(total);
    let began = Instant::now();
    let outcomes =
        sweep(&models, threads, |requests| bar.inc(requests)).map_err(|error| Failure::usage(error.to_string()))?;
    let elapsed_s = began.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let shown = show::render(arguments, &models, &outcomes)?;
    match &arguments.output {
        None if arguments.shown_as() == SimFormat::Text => out!("{shown}"),
        None => output::data(shown.as_bytes()),
        Some(file) => write(file, &shown, arguments.open)?,
    }
    errln!(
        "{total} requests in {elapsed_s:.1} s: {:.1} million a second",
        total as f64 / elapsed_s.max(1e-9) / 1e6
    );
    Ok(Exit::Pass)
}

/// Says before what takes much memory, and refuses what takes more than anybody expects.
fn afford(cost: Cost, large: bool) -> Result<(), Failure> {
    let gib = cost.bytes / BYTES_MAX;
    if !large && cost.bytes > BYTES_MAX {
        return Err(Failure::usage(format!("this takes about {gib:.1} GiB of memory"))
            .hint("simulate fewer servers or balancers, or fewer at once with --threads 1; --large allows it"));
    }
    if !large && cost.steps > STEPS_MAX {
        return Err(
            Failure::usage(format!("this takes about {:.0} billion steps", cost.steps / 1e9))
                .hint("simulate fewer requests, or write the board less often; --large allows it"),
        );
    }
    if cost.bytes > BYTES_TOLD {
        errln!("this takes about {gib:.1} GiB of memory");
    }
    Ok(())
}

fn write(file: &Path, shown: &str, open: bool) -> Result<(), Failure> {
    std::fs::write(file, shown)
        .map_err(|error| Failure::environment(format!("cannot write {}: {error}", file.display())))?;
    outln!("{}", file.display());
    if open && !browser::open(file) {
        outln!("No program to open it with was found; open the file above in a browser.");
    }
    Ok(())
}

fn progress_bar(total: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = display::bar("{bar:40} {percent:>3} %  {human_pos} of {human_len} requests  {eta} left");
    ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr()).with_style(style)
}

/// Every policy with every number of servers under every load.
fn models(arguments: &Sim) -> Result<Vec<Model>, Failure> {
    let first = base(arguments)?;
    let mut models = Vec::new();
    for load in &arguments.load {
        for servers in &arguments.servers {
            for policy in policies(&arguments.policies)? {
                let model = Model {
                    policy,
                    servers: *servers,
                    load: *load,
                    ..first.clone()
                };
                model.check().map_err(|error| Failure::usage(error.to_string()))?;
                models.push(model);
                if models.len() > MODELS_MAX {
                    return Err(Failure::usage(format!(
                        "the lists make more than {MODELS_MAX} simulations"
                    )));
                }
            }
        }
    }
    Ok(models)
}

fn policies(names: &[String]) -> Result<Vec<PolicyKind>, Failure> {
    if names.is_empty() {
        return Ok(REGISTRY.to_vec());
    }
    let parse = |name: &String| {
        name.parse()
            .map_err(|error: balance::UnknownPolicy| Failure::usage(error.to_string()))
    };
    names.iter().map(parse).collect()
}

/// All that the simulations of a sweep have in common.
fn base(arguments: &Sim) -> Result<Model, Failure> {
    let usage = |error: sim::ParseError| Failure::usage(error.to_string());
    let requests = count(&arguments.requests)?;
    let slow = arguments.slow.as_deref().map(str::parse).transpose().map_err(usage)?;
    let failing = arguments
        .failing
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(usage)?;
    Ok(Model {
        slots: arguments.slots,
        service: service(&arguments.service)?,
        arrivals: arguments.arrivals.parse().map_err(usage)?,
        slow: slow.unwrap_or_default(),
        failing: failing.unwrap_or_default(),
        weighs: arguments.weighs,
        balancers: arguments.balancers,
        information: match (arguments.stale_ms, arguments.probe_ms) {
            (Some(every_ms), _) => Information::Board {
                every_s: every_ms / 1e3,
            },
            (None, Some(rtt_ms)) => Information::Probe { rtt_s: rtt_ms / 1e3 },
            (None, None) => Information::Own,
        },
        timeout_s: arguments.timeout_ms.map(|ms| ms / 1e3),
        keys: arguments.keys.parse().map_err(usage)?,
        queue_max: arguments.queue_max,
        requests,
        warmup: requests / WARMUP_PART,
        seed: arguments.seed,
        ..Model::new(REGISTRY[0])
    })
}

fn service(text: &str) -> Result<ServiceTime, Failure> {
    let Some(file) = text.strip_prefix("hgrm:") else {
        return text
            .parse()
            .map_err(|error: sim::ParseError| Failure::usage(error.to_string()));
    };
    let table = text_of(Path::new(file), TABLE_MAX).map_err(|error| {
        Failure::usage(error.to_string())
            .hint("a recorded run has its histograms in hist/ARM.CLASS.hgrm; lab runs shows the runs")
    })?;
    let empirical = Empirical::from_hgrm(&table).map_err(|error| Failure::usage(format!("{file}: {error}")))?;
    Ok(ServiceTime::Empirical(empirical))
}

/// A number such as 500000, 500k, 10M or 1G.
fn count(text: &str) -> Result<u64, Failure> {
    let (digits, factor) = match text.strip_suffix(['k', 'M', 'G']) {
        Some(digits) if text.ends_with('k') => (digits, 1e3),
        Some(digits) if text.ends_with('M') => (digits, 1e6),
        Some(digits) => (digits, 1e9),
        None => (text, 1.0),
    };
    let number = digits.parse::<f64>().ok().map(|number| number * factor);
    number
        .filter(|number| (1.0..=1e13).contains(number))
        .map(|number| number as u64)
        .ok_or_else(|| Failure::usage(format!("--requests {text}: write a number such as 500k, 10M or 1G")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_may_be_short() {
        for (text, expected) in [("7", 7), ("500k", 500_000), ("1.5M", 1_500_000), ("2G", 2_000_000_000)] {
            assert_eq!(count(text).ok(), Some(expected));
        }
        for text in ["", "M", "-1", "0", "1T", "NaN", "inf"] {
            assert!(count(text).is_err(), "{text}");
        }
    }
}
