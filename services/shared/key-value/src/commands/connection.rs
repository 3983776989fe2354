//! Commands on the connection.

use crate::arguments::{Arguments, SYNTAX, integer, is, wrong_number};
use crate::keyspace::Keyspace;
use crate::protocol::Answer;
use crate::protocol::{Failure, Protocol, Reply, integer_of};
use crate::server::{Client, DATABASES, Server};
use crate::session::Session;

use super::about::VERSION;
use super::subcommand;

pub(super) fn ping(_: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    match &arguments[1..] {
        [] => Ok(Reply::status("PONG")),
        [text] => Ok(Reply::text(text.clone())),
        _ => Err(wrong_number("ping")),
    }
}

pub(super) fn echo(_: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    Ok(Reply::text(arguments[1].clone()))
}

pub(super) fn time(keys: &mut Keyspace, _: Arguments<'_>) -> Answer {
    let now = keys.now().calendar;
    Reply::texts([now.as_secs().to_string(), now.subsec_micros().to_string()])
}

pub(super) fn select(_: &mut Server, session: &mut Session, arguments: Arguments<'_>) -> Answer {
    let database = usize::try_from(integer(&arguments[1])?)
        .ok()
        .filter(|database| *database < DATABASES);
    session.database = database.ok_or(Failure::of("ERR DB index is out of range"))?;
    Ok(Reply::OK)
}

pub(super) fn quit(_: &mut Server, session: &mut Session, _: Arguments<'_>) -> Answer {
    session.is_ending = true;
    Ok(Reply::OK)
}

pub(super) fn reset(server: &mut Server, session: &mut Session, _: Arguments<'_>) -> Answer {
    server.unwatch(session);
    session.transaction = None;
    session.database = 0;
    session.protocol = Protocol::Two;
    if let Some(client) = server.clients.get_mut(&session.id) {
        client.name.clear();
    }
    Ok(Reply::status("RESET"))
}

/// There are no passwords here, so whoever gives one has come to the wrong server.
pub(super) fn auth(_: &mut Server, _: &mut Session, arguments: Arguments<'_>) -> Answer {
    match &arguments[1..] {
        [_] => Err(Failure::of(
            "ERR AUTH <password> called without any password configured for the default user. Are you sure your \
             configuration is correct?",
        )),
        [user, _] if user == b"default" => Ok(Reply::OK),
        [_, _] => Err(Failure::of(
            "WRONGPASS invalid username-password pair or user is disabled.",
        )),
        _ => Err(SYNTAX),
    }
}

pub(super) fn hello(server: &mut Server, session: &mut Session, arguments: Arguments<'_>) -> Answer {
    let protocol = match arguments.get(1) {
        None => session.protocol,
        Some(version) => match integer_of(version) {
            Some(2) => Protocol::Two,
            Some(3) => Protocol::Three,
            Some(_) => return Err(Failure::of("NOPROTO unsupported protocol version")),
            None => return Err(Failure::of("ERR Protocol version is not an integer or out of range")),
        },
    };
    let mut rest = arguments.get(2..).unwrap_or_default();
    let mut name = None;
    while let [option, after @ ..] = rest {
        rest = match after {
            [user, password, after @ ..] if is(option, "AUTH") => {
                let credentials = [option.clone(), user.clone(), password.clone()];
                auth(server, session, &credentials)?;
                after
            }
            [chosen, after @ ..] if is(option, "SETNAME") => {
                name = Some(chosen);
                after
            }
            _ => {
                let told = String::from_utf8_lossy(option);
                return Err(Failure::new(format!("ERR Syntax error in HELLO option '{told}'")));
            }
        };
    }
    if let Some(name) = name {
        set_name(server, session, name)?;
    }
    session.protocol = protocol;
    let version = if protocol == Protocol::Two { 2 } else { 3 };
    Ok(Reply::Map(vec![
        (Reply::text("server"), Reply::text("redis")),
        (Reply::text("version"), Reply::text(VERSION)),
        (Reply::text("proto"), Reply::Integer(version)),
        (Reply::text("id"), id(session)),
        (Reply::text("mode"), Reply::text("standalone")),
        (Reply::text("role"), Reply::text("master")),
        (Reply::text("modules"), Reply::Array(Vec::new())),
    ]))
}

fn id(session: &Session) -> Reply {
    Reply::Integer(i64::try_from(session.id).unwrap_or(i64::MAX))
}

pub(super) fn client(server: &mut Server, session: &mut Session, arguments: Arguments<'_>) -> Answer {
    let subcommand = arguments[1].to_ascii_lowercase();
    match (subcommand.as_slice(), &arguments[2..]) {
        (b"id", []) => Ok(id(session)),
        (b"getname", []) => {
            let client = server.clients.get(&session.id);
            Ok(Reply::maybe(
                client.map(|client| client.name.clone()).filter(|name| !name.is_empty()),
            ))
        }
        (b"setname", [name]) => set_name(server, session, name),
        // What a client says of itself has no use here.
        (b"setinfo", [_, _]) => Ok(Reply::OK),
        (b"no-evict" | b"no-touch", [switch]) if is(switch, "ON") || is(switch, "OFF") => Ok(Reply::OK),
        (b"no-evict" | b"no-touch", [_]) => Err(SYNTAX),
        (b"info", []) => Ok(Reply::maybe(
            server
                .clients
                .get(&session.id)
                .map(|client| line(server, session.id, client)),
        )),
        (b"list", []) => {
            let lines = server.clients.iter().map(|(id, client)| line(server, *id, client));
            Ok(Reply::text(lines.collect::<Vec<_>>().concat()))
        }
        (b"id" | b"getname" | b"setname" | b"setinfo" | b"no-evict" | b"no-touch" | b"info" | b"list", _) => {
            Err(subcommand::wrong_number("client", &subcommand))
        }
        _ => Err(subcommand::unknown("CLIENT", &arguments[1])),
    }
}

fn line(server: &Server, id: u64, client: &Client) -> Vec<u8> {
    let age = (server.clock.now().passed_ms - client.since.passed_ms) / 1_000;
    let name = String::from_utf8_lossy(&client.name);
    format!("id={id} addr={} name={name} age={age} user=default\n", client.address).into_bytes()
}

fn set_name(server: &mut Server, session: &Session, name: &[u8]) -> Answer {
    if !name.iter().all(u8::is_ascii_graphic) {
        return Err(Failure::of(
            "ERR Client names cannot contain spaces, newlines or special characters.",
        ));
    }
    if let Some(client) = server.clients.get_mut(&session.id) {
        client.name = name.to_vec();
    }
    Ok(Reply::OK)
}

/// There are no replicas: none has any command.
pub(super) fn wait(_: &mut Server, _: &mut Session, arguments: Arguments<'_>) -> Answer {
    integer(&arguments[1])?;
    integer(&arguments[2])?;
    Ok(Reply::Integer(0))
}
