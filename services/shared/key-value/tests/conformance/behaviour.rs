//! What no single answer shows: time, several clients, long values, and bytes that are no command.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use crate::servers::{Client, Server, command, until};

/// The number in an answer such as `:5`.
#[track_caller]
fn number(answer: &str) -> i64 {
    let number = answer.strip_prefix(':').and_then(|rest| rest.trim_end().parse().ok());
    number.unwrap_or_else(|| panic!("{answer:?} is not a number"))
}

/// The texts in an answer that is an array of texts.
fn texts(answer: &str) -> Vec<&str> {
    answer
        .split("\r\n")
        .filter(|line| !line.is_empty() && !line.starts_with(['*', '$', '~']))
        .collect()
}

pub fn a_key_lives_as_long_as_it_was_told_to(server: &Server) {
    let mut client = server.client();
    for (key, set) in [
        ("px", "SET px v PX 150"),
        ("psetex", "PSETEX psetex 150 v"),
        ("ex", "SET ex v EX 1"),
        ("lock", "SET lock v NX PX 150"),
    ] {
        let start = Instant::now();
        assert_eq!(client.tell(set), "+OK\r\n");
        let left = number(&client.tell(&format!("PTTL {key}")));
        assert!((1..=1_000).contains(&left), "{key}: {left}");
        assert_eq!(client.tell(&format!("GET {key}")), "$1\r\nv\r\n");
        until("it expires", || client.tell(&format!("GET {key}")) == "$-1\r\n");
        let lived = start.elapsed();
        let told = Duration::from_millis(if key == "ex" { 1_000 } else { 150 });
        assert!(lived + Duration::from_millis(2) >= told, "{key} lived only {lived:?}");
        assert_eq!(client.tell(&format!("TTL {key}")), ":-2\r\n");
    }
    client.tell("SET quiet v PX 20");
    until("what nobody asks for expires, too", || {
        client.tell("DBSIZE") == ":0\r\n"
    });
    assert_eq!(client.tell("SET lock w NX PX 100000"), "+OK\r\n", "it is free again");
}

pub fn a_deadline_of_the_calendar_is_kept(server: &Server) {
    let mut client = server.client();
    let now = client.tell("TIME");
    let seconds: i64 = texts(&now)[0].parse().unwrap();
    assert_eq!(client.tell(&format!("SET a v EXAT {}", seconds + 100)), "+OK\r\n");
    let left = number(&client.tell("PTTL a"));
    assert!((98_000..=100_000).contains(&left), "{left}");
    let told = number(&client.tell("EXPIRETIME a"));
    assert!((told - seconds - 100).abs() <= 1, "{told}");
}

pub fn time_stands_still_in_a_script_and_in_a_transaction(server: &Server) {
    let mut client = server.client();
    let slow = "redis.call('SET', 'a', 'v', 'PX', 1) local n = 0 \
                for i = 1, 3000000 do n = n + i end return redis.call('GET', 'a')";
    assert_eq!(client.ask(&["EVAL", slow, "0"]), b"$1\r\nv\r\n");
    until("it expires afterwards", || client.tell("GET a") == "$-1\r\n");
}

pub fn watching_sees_what_other_clients_do(server: &Server) {
    let (mut client, mut other) = (server.client(), server.client());
    let attempt = |client: &mut Client, meanwhile: &mut dyn FnMut()| {
        client.tell("SET a 1");
        assert_eq!(client.tell("WATCH a b"), "+OK\r\n");
        meanwhile();
        client.tell("MULTI");
        assert_eq!(client.tell("INCR a"), "+QUEUED\r\n");
        client.tell("EXEC")
    };
    assert_eq!(attempt(&mut client, &mut || {}), "*1\r\n:2\r\n");
    for change in [
        "SET a 5",
        "INCR a",
        "DEL a",
        "EXPIRE a 100",
        "LPUSH b x",
        "RENAME a c",
        "FLUSHDB",
    ] {
        let told = attempt(&mut client, &mut || {
            other.tell("DEL b");
            other.tell(change);
        });
        assert_eq!(told, "*-1\r\n", "{change}");
    }
    let told = attempt(&mut client, &mut || {
        other.tell("SET elsewhere 1");
        other.tell("GET a");
        other.tell("SELECT 1");
        other.tell("SET a 1");
        other.tell("SELECT 0");
    });
    assert_eq!(told, "*1\r\n:2\r\n", "nothing that is watched has changed");
    client.tell("SET short v PX 30");
    client.tell("WATCH short");
    until("it expires", || other.tell("EXISTS short") == ":0\r\n");
    client.tell("MULTI");
    assert_eq!(client.tell("EXEC"), "*-1\r\n", "what expires has changed");
}

pub fn clients_that_count_together_lose_nothing(server: &Server) {
    const CLIENTS: i64 = 8;
    const TIMES: i64 = 250;
    let script = "local n = tonumber(redis.call('GET', KEYS[1]) or 0) return redis.call('SET', KEYS[1], n + 1)";
    let count = |mut client: Client| {
        for _ in 0..TIMES {
            client.tell("INCR a");
            client.ask(&["EVAL", script, "1", "b"]);
            // Optimistic, until nobody came between.
            loop {
                client.tell("WATCH c");
                let n = client.tell("GET c");
                let n: i64 = texts(&n).first().map_or(0, |text| text.parse().unwrap());
                client.tell("MULTI");
                client.tell(&format!("SET c {}", n + 1));
                if client.tell("EXEC") != "*-1\r\n" {
                    break;
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let client = server.client();
            scope.spawn(move || count(client));
        }
    });
    let mut client = server.client();
    let all = (CLIENTS * TIMES).to_string();
    for key in ["a", "b", "c"] {
        assert_eq!(
            client.tell(&format!("GET {key}")),
            format!("${}\r\n{all}\r\n", all.len()),
            "{key}"
        );
    }
}

pub fn commands_that_come_together_are_answered_in_their_order(server: &Server) {
    let mut client = server.client();
    let together: Vec<u8> = (0..5_000).flat_map(|_| command(&["INCR", "n"])).collect();
    client.send(&together);
    for expected in 1..=5_000 {
        assert_eq!(client.answer(), format!(":{expected}\r\n").into_bytes());
    }
    // An error in the middle stops nothing, and it matters not how the bytes are cut.
    for piece in b"SET a 1\r\n*1\r\n$6\r\nNOSUCH\r\n\r\nGET a\r\n*1\r\n$4\r\nPING\r\n".chunks(3) {
        client.send(piece);
    }
    assert_eq!(client.answer(), b"+OK\r\n");
    assert!(client.answer().starts_with(b"-ERR unknown command 'NOSUCH'"));
    assert_eq!(client.answer(), b"$1\r\n1\r\n");
    assert_eq!(client.answer(), b"+PONG\r\n");
}

pub fn long_values_come_back_whole(server: &Server) {
    let mut client = server.client();
    let long: Vec<u8> = (0..8 * 1024 * 1024)
        .map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    assert_eq!(client.ask(&[&b"SET"[..], b"a", &long]), b"+OK\r\n");
    let answer = client.ask(&["GET", "a"]);
    assert!(
        answer == [b"$8388608\r\n", long.as_slice(), b"\r\n"].concat(),
        "it came back changed"
    );
    let script: &[u8] = b"return redis.call('GET', 'a') == ARGV[1]";
    assert_eq!(client.ask(&[&b"EVAL"[..], script, b"0", &long]), b":1\r\n");
    let many: Vec<String> = (0..100_000).map(|n| format!("element-{n}")).collect();
    let push: Vec<&str> = ["RPUSH", "l"]
        .into_iter()
        .chain(many.iter().map(String::as_str))
        .collect();
    assert_eq!(client.ask(&push), b":100000\r\n");
    let told = client.tell("LRANGE l 0 -1");
    assert_eq!(texts(&told), many);
}

pub fn bytes_that_are_no_command_are_answered_and_the_connection_is_closed(server: &Server) {
    let long = [b"*1\r\n$".to_vec(), vec![b'1'; 70_000]].concat();
    for (bytes, answer) in [
        (&b"*abc\r\n"[..], "invalid multibulk length"),
        (b"*1\r\n:1\r\n", "expected '$', got ':'"),
        (b"*1\r\nPING\r\n", "expected '$', got 'P'"),
        (b"*1\r\n$-5\r\n", "invalid bulk length"),
        (b"*1\r\n$999999999999\r\n", "invalid bulk length"),
        (b"*1\r\n$abc\r\n", "invalid bulk length"),
        (b"SET a 'open\r\n", "unbalanced quotes in request"),
        (&[b'a'; 70_000], "too big inline request"),
        (&[b'*'; 70_000], "too big mbulk count string"),
        (&long, "too big bulk count string"),
    ] {
        let mut client = server.client();
        client.send(b"PING\r\n");
        assert_eq!(client.answer(), b"+PONG\r\n");
        client.send(bytes);
        let rest = String::from_utf8(client.rest()).unwrap();
        assert_eq!(rest, format!("-ERR Protocol error: {answer}\r\n"));
    }
    let mut client = server.client();
    client.send(b"\r\n\r\n*0\r\n*-1\r\nPING\r\n");
    assert_eq!(client.answer(), b"+PONG\r\n", "what is empty is passed over");
    client.send(b"QUIT\r\nPING\r\n");
    assert_eq!(client.rest(), b"+OK\r\n");
}

pub fn a_browser_that_was_led_here_reaches_nothing(server: &Server) {
    let mut client = server.client();
    client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET a 1\r\n");
    let _ = client.rest();
    assert_eq!(server.client().tell("GET a"), "$-1\r\n");
}

pub fn the_newer_protocol_is_spoken_where_it_is_asked_for(server: &Server) {
    let mut client = server.client();
    let greeting = client.tell("HELLO 3 AUTH default any SETNAME me");
    assert!(
        greeting.starts_with("%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n"),
        "{greeting:?}"
    );
    assert!(greeting.contains("$5\r\nproto\r\n:3\r\n") && greeting.contains("$4\r\nrole\r\n$6\r\nmaster\r\n"));
    assert_eq!(client.tell("CLIENT GETNAME"), "$2\r\nme\r\n");
    for (asked, answer) in [
        ("GET nokey", "_\r\n"),
        ("HSET h a 1", ":1\r\n"),
        ("HGETALL h", "%1\r\n$1\r\na\r\n$1\r\n1\r\n"),
        ("SADD s a", ":1\r\n"),
        ("SMEMBERS s", "~1\r\n$1\r\na\r\n"),
        ("ZADD z 1.5 a", ":1\r\n"),
        ("ZSCORE z a", ",1.5\r\n"),
        ("ZRANGE z 0 -1 WITHSCORES", "*1\r\n*2\r\n$1\r\na\r\n,1.5\r\n"),
        ("ZPOPMIN z", "*2\r\n$1\r\na\r\n,1.5\r\n"),
        ("ZPOPMIN z 2", "*0\r\n"),
        ("MULTI", "+OK\r\n"),
        ("WATCH a", "-ERR WATCH inside MULTI is not allowed\r\n"),
        ("DISCARD", "+OK\r\n"),
        ("CONFIG GET appendonly", "%1\r\n$10\r\nappendonly\r\n$2\r\nno\r\n"),
        ("RESET", "+RESET\r\n"),
        ("GET nokey", "$-1\r\n"),
    ] {
        assert_eq!(client.tell(asked), answer, "{asked}");
    }
}

pub fn a_scan_tells_every_key_that_stays(server: &Server) {
    let mut client = server.client();
    for n in 0..500 {
        client.tell(&format!("SET stays-{n} v"));
        client.tell(&format!("SET goes-{n} v"));
    }
    let (mut seen, mut cursor, mut step) = (BTreeSet::new(), "0".to_owned(), 0);
    loop {
        let told = client.tell(&format!("SCAN {cursor} COUNT 7 MATCH stays-*"));
        let (next, keys) = texts(&told)
            .split_first()
            .map(|(next, keys)| (next.to_string(), keys.to_vec()))
            .unwrap();
        seen.extend(keys.into_iter().map(str::to_owned));
        cursor = next;
        // Meanwhile keys come and go.
        client.tell(&format!("DEL goes-{step} goes-{}", 499 - step));
        client.tell(&format!("SET new-{step} v"));
        step += 1;
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(seen.len(), 500);
}

pub fn what_it_tells_of_itself_is_what_tools_read(server: &Server) {
    let mut client = server.client();
    client.tell("SET a v EX 100");
    let info = client.tell("INFO");
    for line in [
        "# Server\r\n",
        "\r\nredis_version:7.",
        "\r\nredis_mode:standalone\r\n",
        "\r\nrole:master\r\n",
        "\r\ndb0:keys=1,expires=1,avg_ttl=",
    ] {
        assert!(info.contains(line), "{line:?} is not in {info}");
    }
    let server_section = client.tell("INFO server");
    let id = server_section
        .lines()
        .find_map(|line| line.strip_prefix("run_id:"))
        .unwrap()
        .trim();
    assert!(
        id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{id}"
    );
    assert!(!server_section.contains("# Clients"));
    let count = number(&client.tell("COMMAND COUNT"));
    assert!(count > 100, "{count}");
    let get = client.tell("COMMAND INFO get");
    assert!(
        get.starts_with("*1\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n"),
        "{get}"
    );
    let docs = client.tell("COMMAND DOCS get");
    assert!(
        docs.starts_with("*2\r\n$3\r\nget\r\n") && docs.contains("$5\r\ngroup\r\n$6\r\nstring\r\n"),
        "{docs}"
    );
    let id = number(&client.tell("CLIENT ID"));
    let list = client.tell("CLIENT LIST");
    assert!(list.contains(&format!("id={id} addr=127.0.0.1:")), "{list}");
    let other = number(&server.client().tell("CLIENT ID"));
    assert!(other > id, "{other} after {id}");
}
