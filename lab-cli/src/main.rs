//! `lab`: the command line of the laboratory.

// All output goes through one place: see `output`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

#[macro_use]
mod output;

mod able;
mod arguments;
mod backends;
mod browser;
mod catalogue;
mod commands;
mod display;
mod failure;
mod guess;
#[cfg(test)]
mod handbook;
mod home;
mod in_progress;
mod interrupt;
mod job;
mod learner;
mod leftovers;
mod lengths;
mod machine;
mod needs;
mod recording;
mod report;
mod text;
mod tui;
mod up_folders;
mod watch;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use console::{set_colors_enabled, set_colors_enabled_stderr};
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};

use arguments::{Arguments, Color, Command};
use failure::{Exit, Failure};
use leftovers::SETTLE_TIMEOUT;

/// How long threads that cannot be interrupted may keep the lab from ending.
const TASKS_TIMEOUT: Duration = Duration::from_secs(2);

/// A request that is passed on is some twenty small allocations, made and freed by one thread, where nginx frees a whole pool
/// at once: an allocator that is made for small and short-lived pieces.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(answer) => return failure::at_the_end(arguments::answer(&answer)).into(),
    };
    if arguments.color != Color::Auto {
        let colored = arguments.color == Color::Always;
        set_colors_enabled(colored);
        set_colors_enabled_stderr(colored);
    }
    let result = match arguments.command {
        // A service brings its own runtime, with as many event loops as its settings say.
        Some(Command::Serve {
            service,
            die_with_parent,
            once_recorded,
        }) => commands::serve::run(&service, die_with_parent, once_recorded),
        // Like `serve`, the lab's own program for what a backend starts of it.
        Some(Command::Keep) => compose::keep(std::io::stdin())
            .map(|()| Exit::Pass)
            .map_err(Failure::from),
        Some(Command::Health { service }) => commands::serve::health(&service),
        command => on_a_runtime(command),
    };
    let exit = result.unwrap_or_else(|failure| {
        failure.print();
        failure.exit()
    });
    failure::at_the_end(exit).into()
}

fn on_a_runtime(command: Option<Command>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::unexpected(format!("cannot start the runtime: {error}")))?;
    // A file that must not grow any more makes a write fail, as a full disk does; without this it ends the program.
    let _handled = runtime.block_on(async { signal(SignalKind::from_raw(Signal::XFSZ.as_raw())) });
    let done = runtime.block_on(async {
        let done = commands::dispatch(command).await;
        job::settle(SETTLE_TIMEOUT).await;
        done
    });
    // Tasks that still run give up their systems as they are dropped. What was given up half-way is removed in the
    // background, which this process must not cut short.
    runtime.shutdown_timeout(TASKS_TIMEOUT);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::unexpected(format!("cannot start the runtime: {error}")))?;
    runtime.block_on(compose::settle(SETTLE_TIMEOUT));
    compose::dismiss();
    done
}
