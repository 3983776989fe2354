//! Mutated commands of every kind, one after the other on one server: whatever they say, each has an answer.

use attack::Attack;

use crate::clock::Clock;
use crate::dispatch::answer;
use crate::protocol::{Reply, Requests};
use crate::server;

/// Commands with their answers, as the suite of conformance holds both servers to them.
const KNOWN: &str = include_str!("../tests/conformance/replies.txt");
/// How many commands that follow one another are one input.
const TOGETHER: usize = 8;

/// Numbers at the edges of what commands take, and words that mean something to them.
const WORDS: [&str; 24] = [
    " 9223372036854775807",
    " -9223372036854775808",
    " 18446744073709551616",
    " -1",
    " 0",
    " 1e308",
    " inf",
    " nan",
    " 4294967296",
    " 536870912",
    " *",
    " [a*",
    " (1",
    " -",
    " +",
    " WITHSCORES",
    " LIMIT 0 -1",
    " PX 1",
    " COUNT 1000000",
    "\r\nMULTI\r\n",
    "\r\nEXEC\r\n",
    "\r\nWATCH a\r\n",
    "\r\nHELLO 3\r\n",
    "\r\nSELECT 15\r\n",
];

#[test]
fn attack_commands_of_every_kind() {
    let commands: Vec<&str> = KNOWN.lines().filter_map(|line| line.strip_prefix("> ")).collect();
    let inputs = commands
        .chunks(TOGETHER)
        .map(|commands| commands.join("\r\n") + "\r\n")
        .fold(Attack::new("every-command", env!("CARGO_MANIFEST_DIR")), Attack::input);
    let attack = WORDS.into_iter().fold(inputs, Attack::word);
    let mut server = server(Clock::of_machine(), 0).unwrap();
    attack.run(20_000, |bytes| {
        let mut session = server.welcome("127.0.0.1:1".to_owned());
        let mut requests = Requests::default();
        requests.room().extend_from_slice(bytes);
        while let Ok(Some(arguments)) = requests.next() {
            if arguments.is_empty() {
                continue;
            }
            let reply = answer(&mut server, &mut session, arguments);
            // It can be told, too.
            assert!(reply.bytes() > 0);
        }
        server.part(&mut session);
        // What it left is not to pile up, and another client is answered as ever.
        let mut other = server.welcome("127.0.0.1:2".to_owned());
        let flushed = answer(&mut server, &mut other, vec![b"FLUSHALL".to_vec()]);
        assert_eq!(flushed, Reply::status("OK"));
        server.part(&mut other);
    });
}
