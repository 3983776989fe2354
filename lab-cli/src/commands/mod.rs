//! One file for each command, or for a family of them.

mod catalogue;
mod check;
mod clean;
mod compare;
mod doctor;
mod export;
mod learner;
mod picture;
mod play;
mod replay;
mod report;
mod run;
mod runs;
pub mod serve;
mod sim;
mod swap;
mod system;
mod watch;

use clap::CommandFactory;

use crate::arguments::{Arguments, Command, Ui};
use crate::failure::{Exit, Failure};
use crate::{display, home, leftovers, tui};

/// Does what the command says.
///
/// # Errors
/// Why it could not be done.
pub async fn dispatch(command: Option<Command>) -> Result<Exit, Failure> {
    let Some(command) = command else {
        return if display::is_tui(Ui::Auto) {
            let state = home::state_folder()?;
            leftovers::remove(&state).await?;
            tui::home(state).await
        } else {
            catalogue::list(false)
        };
    };
    match command {
        Command::List(json) => catalogue::list(json.json),
        Command::Explain { name } => catalogue::explain(&name),
        Command::Run(arguments) => run::run(arguments).await,
        Command::Sim(arguments) => sim::run(&arguments),
        Command::Replay { run, speed, ui } => replay::run(&run, speed, ui).await,
        Command::Play(arguments) => play::run(&arguments).await,
        Command::Watch(arguments) => watch::run(arguments).await,
        Command::Picture(arguments) => picture::run(&arguments),
        Command::Compare { first, second, json } => compare::run(&first, &second, json.json),
        Command::Runs(json) => runs::run(json.json),
        Command::Learner(json) => learner::run(json.json),
        Command::Report {
            run,
            format,
            output,
            open,
        } => report::run(&run, format, output, open),
        Command::Up {
            system,
            backend,
            scale,
            with,
            port,
            list,
        } => {
            if list {
                return Ok(system::list());
            }
            system::up(&system, &backend, &scale, &with, port).await
        }
        Command::Ps(json) => system::ps(json.json).await,
        Command::Logs { instance, follow, of } => system::logs(&instance, follow, &of).await,
        Command::Scale { to, of } => system::scale(&to, &of).await,
        Command::Pause(target) => system::act(system::Verb::Pause, &target).await,
        Command::Resume(target) => system::act(system::Verb::Resume, &target).await,
        Command::Kill(target) => system::act(system::Verb::Kill, &target).await,
        Command::Restart(target) => system::act(system::Verb::Restart, &target).await,
        Command::Down(of) => system::down(&of).await,
        Command::Serve { .. } | Command::Keep | Command::Health { .. } => {
            unreachable!("the program runs these without this runtime")
        }
        Command::Export { what, system, output } => export::run(what, &system, output.as_deref()).await,
        Command::Check(arguments) if arguments.swap => swap::run(&arguments).await,
        Command::Check(arguments) => check::run(&arguments),
        Command::Doctor(json) => doctor::run(json.json).await,
        Command::Clean { recordings } => clean::run(recordings).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "lab", &mut script);
            out!("{}", String::from_utf8_lossy(&script));
            Ok(Exit::Pass)
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Arguments::command()).render(&mut page)?;
            out!("{}", String::from_utf8_lossy(&page));
            Ok(Exit::Pass)
        }
    }
}
