//! Frames of strangers on the built-in broker, as a process of its own: it lives on, within its memory.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::process::Command;

use attack::Attack;
use common::kafka::Client;
use common::service::{self, Service};
use common::{LAB, Lab, PATIENCE, until};

/// Mutations that are thrown in a run of the tests.
const INPUTS: u64 = 60_000;
/// Inputs between two looks whether it lives and complains of nothing.
const LOOK_EVERY: usize = 200;
/// The most memory that it may ever have had.
const RESIDENT_KIB_MAX: u64 = 200 * 1024;

/// A broker whose complaints are kept.
struct Broker {
    service: Service,
    complaints: PathBuf,
}

impl Broker {
    fn start(lab: &Lab) -> Self {
        let complaints = lab.folder().join("complaints");
        let mut command = service::command("kafka", lab.folder(), &[]);
        command.stderr(std::fs::File::create(&complaints).unwrap());
        Self {
            service: Service::run("kafka", command),
            complaints,
        }
    }

    fn connect(&self) -> TcpStream {
        let connection = TcpStream::connect(("127.0.0.1", self.service.port)).unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        connection
    }

    /// Sends bytes on a connection of their own, and ends it.
    fn throw(&self, bytes: &[u8]) {
        let Ok(mut connection) = TcpStream::connect(("127.0.0.1", self.service.port)) else {
            return;
        };
        // It may close the connection at any moment, which is no fault.
        let _ = connection.write_all(bytes);
        let _ = connection.shutdown(Shutdown::Write);
        let _ = connection.read(&mut [0; 64]);
    }

    /// What is wrong with it: it ended, it panicked, it answers no more.
    fn trouble(&mut self) -> Option<String> {
        let complaints = std::fs::read_to_string(&self.complaints).unwrap();
        if !complaints.is_empty() || self.service.has_ended() {
            return Some(format!("it complains or has ended: {complaints}"));
        }
        (versions(&mut self.connect()) != Some(0)).then(|| "it tells no versions".to_owned())
    }

    /// The most memory that it had so far, in KiB.
    fn resident_kib_max(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.service.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

/// Asks which versions are spoken; gives Kafka's code, or nothing where the connection was closed instead.
fn versions(connection: &mut TcpStream) -> Option<i16> {
    connection
        .write_all(&framed(&[0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff]))
        .ok()?;
    let mut length = [0; 4];
    heard(connection.read_exact(&mut length))?;
    let mut answer = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
    heard(connection.read_exact(&mut answer))?;
    assert_eq!(answer[..4], [0, 0, 0, 7]);
    Some(i16::from_be_bytes([answer[4], answer[5]]))
}

/// What came; nothing where the connection was closed. A connection on which nothing happens is not closed.
#[track_caller]
fn heard<T>(read: std::io::Result<T>) -> Option<T> {
    match read {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            panic!("neither an answer nor an end came: {error}")
        }
        read => read.ok(),
    }
}

/// A frame with its length before it.
fn framed(frame: &[u8]) -> Vec<u8> {
    let length = u32::try_from(frame.len()).unwrap();
    [&length.to_be_bytes(), frame].concat()
}

/// Requests that real clients sent, one of each kind and version (hexadecimal, without their lengths).
fn good_frames() -> Vec<Vec<u8>> {
    let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let frame = |line: &str| line.as_bytes().chunks(2).map(digits).collect();
    include_str!("clients/frames.hex").lines().map(frame).collect()
}

fn attack() -> Attack {
    let mut attack = Attack::new("kafka-frames", env!("CARGO_MANIFEST_DIR"));
    for frame in good_frames() {
        attack = attack.input(frame);
    }
    let numbers = [i32::MAX, i32::MIN, -1, -2, 0x7f7f_0000, 0x00ff_ffff].map(i32::to_be_bytes);
    for word in [
        &[0xff, 0xff][..],
        &[0x7f, 0xff],
        &[0xff, 0xff, 0xff, 0xff, 0x0f],
        b"..",
        b"java-orders",
    ] {
        attack = attack.word(word);
    }
    numbers.into_iter().fold(attack, Attack::word)
}

/// What is sent for an input: mostly a frame of the right length, now and then the bare bytes.
fn sent(number: usize, input: &[u8]) -> Vec<u8> {
    if number % 16 == 15 {
        input.to_vec()
    } else {
        framed(input)
    }
}

#[test]
fn damaged_frames_neither_end_it_nor_fill_its_memory() {
    let lab = Lab::new();
    let mut broker = Broker::start(&lab);
    let attack = attack();
    let inputs: Vec<Vec<u8>> = attack.inputs(INPUTS).collect();
    for (number, inputs) in inputs.chunks(LOOK_EVERY).enumerate() {
        for (at, input) in inputs.iter().enumerate() {
            broker.throw(&sent(number * LOOK_EVERY + at, input));
        }
        if let Some(trouble) = broker.trouble() {
            let kept: Vec<PathBuf> = culprits(inputs).map(|input| attack.keep(input)).collect();
            panic!("{trouble}\ninputs that break it alone are kept: {kept:?}");
        }
    }
    let peak = broker.resident_kib_max();
    eprintln!("{} inputs; at most {} MiB resident", inputs.len(), peak / 1024);
    assert!(peak < RESIDENT_KIB_MAX, "{peak} KiB");
    // Whoever speaks Kafka may have published, or removed topics: what matters is that it goes on.
    let client = Client::of(broker.service.port);
    client.publish(1);
    let before = client.events();
    client.publish(2);
    assert_eq!(client.events(), before + 1);
}

/// Those of these inputs that break a broker that has seen nothing else.
fn culprits(inputs: &[Vec<u8>]) -> impl Iterator<Item = &[u8]> {
    inputs.iter().map(Vec::as_slice).filter(|input| {
        let lab = Lab::new();
        let mut broker = Broker::start(&lab);
        broker.throw(&framed(input));
        broker.throw(input);
        broker.trouble().is_some()
    })
}

#[test]
fn what_is_announced_takes_no_memory_and_topics_are_bounded() {
    let lab = Lab::new();
    let mut broker = Broker::start(&lab);
    let before = broker.resident_kib_max();
    // Lengths that are refused, and such as are not, each with three bytes of what was announced.
    let mut held = Vec::new();
    for announced in [95 << 20, 15 << 20] {
        for _ in 0..20 {
            let mut connection = broker.connect();
            connection.write_all(&u32::to_be_bytes(announced)).unwrap();
            let _ = connection.write_all(&[0; 3]);
            held.push(connection);
        }
    }
    let closed = held[..20]
        .iter_mut()
        .all(|connection| matches!(heard(connection.read(&mut [0])), Some(0) | None));
    assert!(closed, "what is too long is refused at once");
    // A topic with some two thousand million partitions.
    let mut create = vec![0, 19, 0, 0, 0, 0, 0, 7, 0xff, 0xff, 0, 0, 0, 1, 0, 1, b't'];
    create.extend([0x7f, 0x7f, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0]);
    let mut connection = broker.connect();
    connection.write_all(&framed(&create)).unwrap();
    let mut answer = [0; 17];
    connection.read_exact(&mut answer).unwrap();
    // Its number, one topic of this name, and that this is against the rules.
    assert_eq!(answer[4..], [0, 0, 0, 7, 0, 0, 0, 1, 0, 1, b't', 0, 44]);
    assert_eq!(broker.trouble(), None);
    let grown = broker.resident_kib_max() - before;
    assert!(grown < 16 * 1024, "{grown} KiB");
}

#[test]
fn connections_are_bounded_and_those_that_are_refused_do_not_flood_the_log() {
    let lab = Lab::new();
    let mut command = Command::new("sh");
    // So few descriptors leave it 36 connections.
    command.args(["-c", &format!("ulimit -n 100 && exec {LAB} serve kafka")]);
    command.current_dir(lab.folder()).env_clear();
    let broker = Service::run("kafka", command);
    let connect = || {
        let connection = TcpStream::connect(("127.0.0.1", broker.port)).unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        connection
    };
    let mut open: Vec<TcpStream> = Vec::new();
    let mut refused = 0;
    for _ in 0..300 {
        let mut connection = connect();
        match versions(&mut connection) {
            Some(0) => open.push(connection),
            _ => refused += 1,
        }
    }
    assert_eq!((open.len(), refused), (36, 264));
    let complaints = || broker.log().iter().filter(|line| line["level"] == "WARN").count();
    until("it complains", || complaints() > 0);
    assert!(complaints() < 30, "{} lines", complaints());
    // Those that are open are served, and one that ends makes room.
    assert_eq!(versions(&mut open[0]), Some(0));
    open.pop();
    until("there is room", || versions(&mut connect()) == Some(0));
}

#[test]
fn whoever_ends_its_connection_while_it_waits_makes_room() {
    let lab = Lab::new();
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n 74 && exec {LAB} serve kafka")]);
    command.current_dir(lab.folder()).env_clear();
    let broker = Service::run("kafka", command);
    // So few descriptors leave it 10 connections. Somebody was promised a place in a group, and never comes.
    let mut first = TcpStream::connect(("127.0.0.1", broker.port)).unwrap();
    first.write_all(&framed(&join(4))).unwrap();
    first.read_exact(&mut [0; 4]).unwrap();
    drop(first);
    // So all others would wait for half an hour.
    for _ in 0..10 {
        let mut connection = TcpStream::connect(("127.0.0.1", broker.port)).unwrap();
        connection.write_all(&framed(&join(1))).unwrap();
    }
    until("there is room", || {
        let mut connection = TcpStream::connect(("127.0.0.1", broker.port)).unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        versions(&mut connection) == Some(0)
    });
}

/// A request to join a group that waits for its members for half an hour. From version 4 on its answer is an id.
fn join(version: u8) -> Vec<u8> {
    let half_an_hour = 1_800_000_i32.to_be_bytes();
    let mut frame = vec![0, 11, 0, version, 0, 0, 0, 7, 0xff, 0xff, 0, 1, b'g'];
    frame.extend(half_an_hour);
    frame.extend(half_an_hour);
    // No id, the protocol's type, one protocol and nothing to say for it.
    frame.extend([0, 0, 0, 1, b'c', 0, 0, 0, 1, 0, 1, b'r', 0, 0, 0, 0]);
    frame
}
