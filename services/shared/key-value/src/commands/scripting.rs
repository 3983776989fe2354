//! Commands around scripts.

use crate::arguments::{Arguments, integer, is};
use crate::protocol::Answer;
use crate::protocol::{Failure, Reply};
use crate::scripts::{Call, Origin, sha1_of};
use crate::server::Server;
use crate::session::Session;

use super::subcommand;

const NO_SCRIPT: Failure = Failure::of("NOSCRIPT No matching script. Please use EVAL.");

pub(super) fn eval(server: &mut Server, session: &mut Session, arguments: Arguments<'_>) -> Answer {
    let call = call(session, arguments)?;
    let sha = server.scripts.load(&arguments[1], Origin::Evaluated)?;
    server.scripts.run(&sha, &call)
}

pub(super) fn evalsha(server: &mut Server, session: &mut Session, arguments: Arguments<'_>) -> Answer {
    let call = call(session, arguments)?;
    let sha = known(server, &arguments[1]).ok_or(NO_SCRIPT)?;
    server.scripts.run(&sha, &call)
}

/// The keys and the other arguments of a script.
fn call<'a>(session: &Session, arguments: Arguments<'a>) -> Result<Call<'a>, Failure> {
    let given = &arguments[3..];
    let number = integer(&arguments[2])?;
    if number < 0 {
        return Err(Failure::of("ERR Number of keys can't be negative"));
    }
    let number = usize::try_from(number).ok().filter(|number| *number <= given.len());
    let number = number.ok_or(Failure::of("ERR Number of keys can't be greater than number of args"))?;
    let (keys, arguments) = given.split_at(number);
    Ok(Call {
        database: session.database,
        keys,
        arguments,
    })
}

/// The hash of a script that is kept, as it is written.
fn known(server: &Server, sha: &[u8]) -> Option<String> {
    let sha = String::from_utf8(sha.to_ascii_lowercase()).ok()?;
    server.scripts.has(&sha).then_some(sha)
}

pub(super) fn script(server: &mut Server, _: &mut Session, arguments: Arguments<'_>) -> Answer {
    let subcommand = arguments[1].to_ascii_lowercase();
    match (subcommand.as_slice(), &arguments[2..]) {
        (b"load", [body]) => {
            server.scripts.load(body, Origin::Loaded)?;
            Ok(Reply::text(sha1_of(body)))
        }
        (b"exists", hashes @ [_, ..]) => {
            let known = hashes
                .iter()
                .map(|sha| Reply::Integer(known(server, sha).is_some().into()));
            Ok(Reply::Array(known.collect()))
        }
        (b"flush", words) => {
            let may = words.is_empty() || matches!(words, [word] if is(word, "SYNC") || is(word, "ASYNC"));
            if !may {
                return Err(Failure::of("ERR SCRIPT FLUSH only support SYNC|ASYNC option"));
            }
            server.scripts.forget();
            Ok(Reply::OK)
        }
        // Nothing else runs while a script does, so nobody ever finds one that runs.
        (b"kill", []) => Err(Failure::of("NOTBUSY No scripts in execution right now.")),
        (b"load" | b"exists" | b"kill", _) => Err(subcommand::wrong_number("script", &subcommand)),
        _ => Err(subcommand::unknown("SCRIPT", &arguments[1])),
    }
}
