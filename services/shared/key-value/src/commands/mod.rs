//! All commands, in one table.

mod about;
mod connection;
mod deadline;
mod hashes;
mod keys;
mod lists;
mod scripting;
mod sets;
mod sorted_ranges;
mod sorted_sets;
mod strings;
mod subcommand;
mod transactions;

use std::collections::HashMap;
use std::sync::LazyLock;

pub(crate) use about::VERSION;

use crate::command::{Command, Run};

const READ: &[&str] = &["readonly", "fast"];
const READ_MANY: &[&str] = &["readonly"];
const WRITE: &[&str] = &["write", "denyoom", "fast"];
const WRITE_MANY: &[&str] = &["write", "denyoom"];
const REMOVE: &[&str] = &["write", "fast"];
const REMOVE_MANY: &[&str] = &["write"];
const SCRIPT: &[&str] = &["noscript", "movablekeys"];
const TALK: &[&str] = &["noscript", "loading", "stale", "fast"];
const ASK: &[&str] = &["loading", "stale", "fast"];

const NONE: [i64; 3] = [0, 0, 0];
const ONE: [i64; 3] = [1, 1, 1];
const TWO: [i64; 3] = [1, 2, 1];
const ALL: [i64; 3] = [1, -1, 1];
const PAIRS: [i64; 3] = [1, -1, 2];

macro_rules! table {
    ($($group:literal { $($name:literal $arity:literal $flags:ident $keys:ident $run:expr;)+ })+) => {
        static TABLE: &[Command] = &[$($(
            Command { name: $name, arity: $arity, flags: $flags, keys: $keys, group: $group, run: $run },
        )+)+];
    };
}

use Run::{AtOnce, Commands, Keys, Queued, Server};

table! {
    "string" {
        "get" 2 READ ONE Keys(strings::get);
        "set" -3 WRITE_MANY ONE Keys(strings::set);
        "setnx" 3 WRITE ONE Keys(strings::setnx);
        "setex" 4 WRITE_MANY ONE Keys(strings::setex);
        "psetex" 4 WRITE_MANY ONE Keys(strings::psetex);
        "getset" 3 WRITE ONE Keys(strings::getset);
        "getdel" 2 REMOVE ONE Keys(strings::getdel);
        "getex" -2 REMOVE ONE Keys(strings::getex);
        "mget" -2 READ ALL Keys(strings::mget);
        "mset" -3 WRITE_MANY PAIRS Keys(strings::mset);
        "msetnx" -3 WRITE_MANY PAIRS Keys(strings::msetnx);
        "append" 3 WRITE ONE Keys(strings::append);
        "strlen" 2 READ ONE Keys(strings::strlen);
        "getrange" 4 READ_MANY ONE Keys(strings::getrange);
        "setrange" 4 WRITE_MANY ONE Keys(strings::setrange);
        "incr" 2 WRITE ONE Keys(strings::incr);
        "decr" 2 WRITE ONE Keys(strings::decr);
        "incrby" 3 WRITE ONE Keys(strings::incrby);
        "decrby" 3 WRITE ONE Keys(strings::decrby);
        "incrbyfloat" 3 WRITE ONE Keys(strings::incrbyfloat);
    }
    "generic" {
        "del" -2 REMOVE_MANY ALL Keys(keys::del);
        "unlink" -2 REMOVE ALL Keys(keys::del);
        "exists" -2 READ ALL Keys(keys::exists);
        "touch" -2 READ ALL Keys(keys::exists);
        "type" 2 READ ONE Keys(keys::kind);
        "rename" 3 REMOVE_MANY TWO Keys(keys::rename);
        "renamenx" 3 REMOVE TWO Keys(keys::renamenx);
        "randomkey" 1 READ_MANY NONE Keys(keys::randomkey);
        "keys" 2 READ_MANY NONE Keys(keys::keys);
        "scan" -2 READ_MANY NONE Keys(keys::scan);
        "expire" -3 REMOVE ONE Keys(deadline::expire);
        "pexpire" -3 REMOVE ONE Keys(deadline::pexpire);
        "expireat" -3 REMOVE ONE Keys(deadline::expireat);
        "pexpireat" -3 REMOVE ONE Keys(deadline::pexpireat);
        "persist" 2 REMOVE ONE Keys(deadline::persist);
        "ttl" 2 READ ONE Keys(deadline::ttl);
        "pttl" 2 READ ONE Keys(deadline::pttl);
        "expiretime" 2 READ ONE Keys(deadline::expiretime);
        "pexpiretime" 2 READ ONE Keys(deadline::pexpiretime);
        "wait" 3 TALK NONE Server(connection::wait);
    }
    "list" {
        "lpush" -3 WRITE ONE Keys(lists::lpush);
        "rpush" -3 WRITE ONE Keys(lists::rpush);
        "lpushx" -3 WRITE ONE Keys(lists::lpushx);
        "rpushx" -3 WRITE ONE Keys(lists::rpushx);
        "lpop" -2 REMOVE ONE Keys(lists::lpop);
        "rpop" -2 REMOVE ONE Keys(lists::rpop);
        "llen" 2 READ ONE Keys(lists::llen);
        "lrange" 4 READ_MANY ONE Keys(lists::lrange);
        "lindex" 3 READ_MANY ONE Keys(lists::lindex);
        "lset" 4 WRITE_MANY ONE Keys(lists::lset);
        "ltrim" 4 REMOVE_MANY ONE Keys(lists::ltrim);
        "lrem" 4 REMOVE_MANY ONE Keys(lists::lrem);
    }
    "hash" {
        "hset" -4 WRITE ONE Keys(hashes::hset);
        "hmset" -4 WRITE ONE Keys(hashes::hmset);
        "hsetnx" 4 WRITE ONE Keys(hashes::hsetnx);
        "hget" 3 READ ONE Keys(hashes::hget);
        "hmget" -3 READ ONE Keys(hashes::hmget);
        "hdel" -3 REMOVE ONE Keys(hashes::hdel);
        "hexists" 3 READ ONE Keys(hashes::hexists);
        "hlen" 2 READ ONE Keys(hashes::hlen);
        "hgetall" 2 READ_MANY ONE Keys(hashes::hgetall);
        "hkeys" 2 READ_MANY ONE Keys(hashes::hkeys);
        "hvals" 2 READ_MANY ONE Keys(hashes::hvals);
        "hincrby" 4 WRITE ONE Keys(hashes::hincrby);
        "hscan" -3 READ_MANY ONE Keys(keys::hscan);
    }
    "set" {
        "sadd" -3 WRITE ONE Keys(sets::sadd);
        "srem" -3 REMOVE ONE Keys(sets::srem);
        "scard" 2 READ ONE Keys(sets::scard);
        "sismember" 3 READ ONE Keys(sets::sismember);
        "smismember" -3 READ ONE Keys(sets::smismember);
        "smembers" 2 READ_MANY ONE Keys(sets::smembers);
        "spop" -2 REMOVE ONE Keys(sets::spop);
        "srandmember" -2 READ_MANY ONE Keys(sets::srandmember);
        "sscan" -3 READ_MANY ONE Keys(keys::sscan);
    }
    "sorted-set" {
        "zadd" -4 WRITE ONE Keys(sorted_sets::zadd);
        "zincrby" 4 WRITE ONE Keys(sorted_sets::zincrby);
        "zrem" -3 REMOVE ONE Keys(sorted_sets::zrem);
        "zremrangebyscore" 4 REMOVE_MANY ONE Keys(sorted_sets::zremrangebyscore);
        "zremrangebyrank" 4 REMOVE_MANY ONE Keys(sorted_sets::zremrangebyrank);
        "zpopmin" -2 REMOVE ONE Keys(sorted_sets::zpopmin);
        "zpopmax" -2 REMOVE ONE Keys(sorted_sets::zpopmax);
        "zscore" 3 READ ONE Keys(sorted_sets::zscore);
        "zcard" 2 READ ONE Keys(sorted_sets::zcard);
        "zrank" 3 READ ONE Keys(sorted_sets::zrank);
        "zrevrank" 3 READ ONE Keys(sorted_sets::zrevrank);
        "zcount" 4 READ ONE Keys(sorted_ranges::zcount);
        "zrange" -4 READ_MANY ONE Keys(sorted_ranges::zrange);
        "zrevrange" -4 READ_MANY ONE Keys(sorted_ranges::zrevrange);
        "zrangebyscore" -4 READ_MANY ONE Keys(sorted_ranges::zrangebyscore);
        "zrevrangebyscore" -4 READ_MANY ONE Keys(sorted_ranges::zrevrangebyscore);
        "zscan" -3 READ_MANY ONE Keys(keys::zscan);
    }
    "scripting" {
        "eval" -3 SCRIPT NONE Server(scripting::eval);
        "evalsha" -3 SCRIPT NONE Server(scripting::evalsha);
        "script" -2 TALK NONE Server(scripting::script);
    }
    "transactions" {
        "multi" 1 TALK NONE AtOnce(transactions::multi);
        "exec" 1 TALK NONE Queued;
        "discard" 1 TALK NONE AtOnce(transactions::discard);
        "watch" -2 TALK ALL AtOnce(transactions::watch);
        "unwatch" 1 TALK NONE Server(transactions::unwatch);
    }
    "connection" {
        "ping" -1 ASK NONE Keys(connection::ping);
        "echo" 2 ASK NONE Keys(connection::echo);
        "select" 2 ASK NONE Server(connection::select);
        "auth" -2 TALK NONE Server(connection::auth);
        "hello" -1 TALK NONE Server(connection::hello);
        "client" -2 TALK NONE Server(connection::client);
        "quit" -1 TALK NONE AtOnce(connection::quit);
        "reset" 1 TALK NONE AtOnce(connection::reset);
    }
    "server" {
        "time" 1 ASK NONE Keys(connection::time);
        "dbsize" 1 READ NONE Keys(keys::dbsize);
        "flushdb" -1 REMOVE_MANY NONE Keys(keys::flushdb);
        "flushall" -1 REMOVE_MANY NONE Server(about::flushall);
        "info" -1 ASK NONE Server(about::info);
        "config" -2 TALK NONE Server(about::config);
        "command" -1 ASK NONE Commands(about::command);
    }
}

/// All of them.
pub(crate) fn all() -> &'static [Command] {
    TABLE
}

/// The command of a name, in capitals or not.
pub(crate) fn named(name: &[u8]) -> Option<&'static Command> {
    static NAMED: LazyLock<HashMap<&'static [u8], &'static Command>> =
        LazyLock::new(|| TABLE.iter().map(|command| (command.name.as_bytes(), command)).collect());
    let mut lower = [0; 24];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    NAMED.get(&*lower).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_found_by_its_name_in_any_letters() {
        for command in all() {
            let found = named(command.name.to_ascii_uppercase().as_bytes()).unwrap();
            assert!(std::ptr::eq(found, command), "{} is there twice", command.name);
        }
        assert!(named(b"nosuch").is_none() && named(&[b'a'; 100]).is_none());
    }
}
