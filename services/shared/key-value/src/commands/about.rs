//! Commands that ask the server about itself, and the one that empties it.

use crate::arguments::{Arguments, wrong_number};
use crate::command::Command;
use crate::glob::matches;
use crate::protocol::Answer;
use crate::protocol::{Reply, all, all_pairs};
use crate::server::{DATABASES, Server};
use crate::session::Session;

use super::keys::may_flush;
use super::subcommand;

/// The Redis whose commands and texts these are.
pub(crate) const VERSION: &str = "7.0.15";

pub(super) fn flushall(server: &mut Server, _: &mut Session, arguments: Arguments<'_>) -> Answer {
    may_flush(&arguments[1..])?;
    for keys in server.databases.borrow_mut().iter_mut() {
        keys.clear();
    }
    Ok(Reply::OK)
}

pub(super) fn info(server: &mut Server, _: &mut Session, arguments: Arguments<'_>) -> Answer {
    let asked: Vec<Vec<u8>> = arguments[1..]
        .iter()
        .map(|section| section.to_ascii_lowercase())
        .collect();
    let everything = ["all", "everything", "default"].map(str::as_bytes);
    let wants = |name: &str| {
        let is_it = |section: &Vec<u8>| everything.contains(&section.as_slice()) || section == name.as_bytes();
        asked.is_empty() || asked.iter().any(is_it)
    };
    let sections = sections(server)
        .into_iter()
        .filter(|(name, _)| wants(&name.to_ascii_lowercase()));
    let texts = sections.map(|(name, lines)| {
        let lines: String = lines.iter().map(|(key, value)| format!("{key}:{value}\r\n")).collect();
        format!("# {name}\r\n{lines}")
    });
    Ok(Reply::text(texts.collect::<Vec<_>>().join("\r\n")))
}

type Section = (&'static str, Vec<(String, String)>);

fn sections(server: &Server) -> Vec<Section> {
    let line = |key: &str, value: &dyn ToString| (key.to_owned(), value.to_string());
    let databases = server.databases.borrow();
    let expired: u64 = databases.iter().map(crate::keyspace::Keyspace::expired).sum();
    let filled = databases.iter().enumerate().filter(|(_, keys)| keys.len() > 0);
    let keyspace = filled.map(|(number, keys)| {
        (
            format!("db{number}"),
            format!("keys={},expires={},avg_ttl=0", keys.len(), keys.expiring()),
        )
    });
    vec![
        (
            "Server",
            vec![
                line("redis_version", &VERSION),
                line("server_name", &"lab"),
                line("redis_mode", &"standalone"),
                line("os", &std::env::consts::OS),
                line("arch_bits", &usize::BITS),
                line("process_id", &std::process::id()),
                line("run_id", &server.run_id),
                line("tcp_port", &server.port),
                line("uptime_in_seconds", &(server.clock.now().passed_ms / 1_000)),
            ],
        ),
        ("Clients", vec![line("connected_clients", &server.clients.len())]),
        (
            "Stats",
            vec![
                line("total_connections_received", &server.connections),
                line("total_commands_processed", &server.commands),
                line("expired_keys", &expired),
            ],
        ),
        (
            "Replication",
            vec![line("role", &"master"), line("connected_slaves", &0)],
        ),
        ("Keyspace", keyspace.collect()),
    ]
}

/// What CONFIG GET tells: what clients ask before they begin, and it cannot be changed.
pub(super) fn config(_: &mut Server, _: &mut Session, arguments: Arguments<'_>) -> Answer {
    let subcommand = arguments[1].to_ascii_lowercase();
    match (subcommand.as_slice(), &arguments[2..]) {
        (b"get", patterns @ [_, ..]) => {
            let databases = DATABASES.to_string();
            let all = [
                ("save", ""),
                ("appendonly", "no"),
                ("maxmemory", "0"),
                ("databases", databases.as_str()),
            ];
            let asked = all.into_iter().filter(|(name, _)| {
                patterns
                    .iter()
                    .any(|pattern| matches(&pattern.to_ascii_lowercase(), name.as_bytes()))
            });
            Ok(Reply::Map(
                asked
                    .map(|(name, value)| (Reply::text(name), Reply::text(value)))
                    .collect(),
            ))
        }
        (b"get", []) => Err(subcommand::wrong_number("config", &subcommand)),
        _ => Err(subcommand::unknown("CONFIG", &arguments[1])),
    }
}

/// COMMAND and its subcommands.
pub(super) fn command(commands: &'static [Command], arguments: Arguments<'_>) -> Answer {
    let subcommand = arguments.get(1).map(|word| word.to_ascii_lowercase());
    let named = |name: &Vec<u8>| {
        commands
            .iter()
            .find(|command| name.eq_ignore_ascii_case(command.name.as_bytes()))
    };
    match (subcommand.as_deref(), arguments.get(2..).unwrap_or_default()) {
        (None, _) | (Some(b"info"), []) => Ok(Reply::Array(commands.iter().map(described).collect())),
        (Some(b"info"), names) => {
            let told = names.iter().map(|name| named(name).map_or(Reply::Nothing, described));
            all(told).map(Reply::Array)
        }
        (Some(b"count"), []) => Ok(Reply::count(commands.len())),
        (Some(b"list"), []) => Reply::texts(commands.iter().map(|command| command.name)),
        (Some(b"docs"), []) => Ok(Reply::Map(commands.iter().map(documented).collect())),
        (Some(b"docs"), names) => {
            let told = names.iter().filter_map(named).map(documented);
            all_pairs(told).map(Reply::Map)
        }
        (Some(b"count" | b"list"), _) => Err(wrong_number("command")),
        _ => Err(subcommand::unknown("COMMAND", &arguments[1])),
    }
}

fn described(command: &Command) -> Reply {
    let nothing = || Reply::Array(Vec::new());
    let flags = command.flags.iter().map(|flag| Reply::status(flag));
    let mut told = vec![
        Reply::text(command.name),
        Reply::Integer(command.arity),
        Reply::Set(flags.collect()),
    ];
    told.extend(command.keys.map(Reply::Integer));
    // Categories of rights, hints, details on keys, subcommands.
    told.extend([nothing(), nothing(), nothing(), nothing()]);
    Reply::Array(told)
}

fn documented(command: &Command) -> (Reply, Reply) {
    let group = vec![(Reply::text("group"), Reply::text(command.group))];
    (Reply::text(command.name), Reply::Map(group))
}
