//! From what a client or a script sends to the command that is run.

use crate::arguments::Arguments;
use crate::command::{Command, Run};
use crate::commands::{all, named};
use crate::protocol::Answer;
use crate::protocol::{Failure, Reply, Room};
use crate::server::{Databases, Server};
use crate::session::Session;

/// How much of unknown names and of what follows them is told.
const TOLD_BYTES: usize = 128;

/// Does what a client asks for, or puts it off until EXEC.
pub(crate) fn answer(server: &mut Server, session: &mut Session, arguments: Vec<Vec<u8>>) -> Reply {
    server.commands += 1;
    // A browser that was led here sends words of HTTP, of which the next may be a command in disguise.
    if [&b"post"[..], b"host:"]
        .iter()
        .any(|word| arguments[0].eq_ignore_ascii_case(word))
    {
        session.is_ending = true;
    }
    let command = match find(&arguments) {
        Ok(command) => command,
        Err(failure) => {
            if let Some(transaction) = &mut session.transaction {
                transaction.is_broken = true;
            }
            return Reply::Error(failure);
        }
    };
    let is_put_off = !matches!(command.run, Run::AtOnce(_) | Run::Queued);
    match &mut session.transaction {
        Some(transaction) if is_put_off => {
            if transaction.queue(arguments) {
                Reply::status("QUEUED")
            } else {
                Reply::Error(Failure::of("ERR the commands of this transaction are too long"))
            }
        }
        _ => {
            server.pass_time();
            run(server, session, command, &arguments).into()
        }
    }
}

fn find(arguments: Arguments<'_>) -> Result<&'static Command, Failure> {
    let command = named(&arguments[0]).ok_or_else(|| unknown(arguments))?;
    command.check(arguments.len())?;
    Ok(command)
}

fn unknown(arguments: Arguments<'_>) -> Failure {
    let shown = |text: &[u8], most: usize| String::from_utf8_lossy(&text[..text.len().min(most)]).into_owned();
    let mut told = String::new();
    for argument in &arguments[1..] {
        if told.len() >= TOLD_BYTES {
            break;
        }
        told += &format!("'{}' ", shown(argument, TOLD_BYTES - told.len()));
    }
    let name = shown(&arguments[0], TOLD_BYTES);
    Failure::new(format!(
        "ERR unknown command '{name}', with args beginning with: {told}"
    ))
}

fn run(server: &mut Server, session: &mut Session, command: &Command, arguments: Arguments<'_>) -> Answer {
    match command.run {
        Run::Keys(run) => run(&mut server.databases.borrow_mut()[session.database], arguments),
        Run::Server(run) | Run::AtOnce(run) => run(server, session, arguments),
        Run::Commands(run) => run(all(), arguments),
        Run::Queued => exec(server, session),
    }
}

/// Runs what was queued, unless something that is watched has changed. Nothing comes between.
fn exec(server: &mut Server, session: &mut Session) -> Answer {
    let transaction = session
        .transaction
        .take()
        .ok_or(Failure::of("ERR EXEC without MULTI"))?;
    let has_changed = session.changed.get();
    server.unwatch(session);
    if transaction.is_broken {
        return Err(Failure::of(
            "EXECABORT Transaction discarded because of previous errors.",
        ));
    }
    if has_changed {
        return Ok(Reply::NoArray);
    }
    let mut room = Room::default();
    let run_one = |arguments: &Vec<Vec<u8>>| -> Reply {
        let answer = find(arguments).and_then(|command| run(server, session, command, arguments));
        let reply = Reply::from(answer);
        // Each command is done, whether there is room for its answer or not.
        match room.take(reply.bytes()) {
            Ok(()) => reply,
            Err(failure) => Reply::Error(failure),
        }
    };
    Ok(Reply::Array(transaction.commands.iter().map(run_one).collect()))
}

/// Runs a command for a script.
pub(crate) fn call(databases: &Databases, database: usize, arguments: Arguments<'_>) -> Answer {
    let Some(command) = named(&arguments[0]) else {
        return Err(Failure::of("ERR Unknown Redis command called from script"));
    };
    if command.check(arguments.len()).is_err() {
        return Err(Failure::of(
            "ERR Wrong number of args calling Redis command from script",
        ));
    }
    match command.run {
        Run::Keys(run) => run(&mut databases.borrow_mut()[database], arguments),
        _ => Err(Failure::of("ERR This Redis command is not allowed from script")),
    }
}
