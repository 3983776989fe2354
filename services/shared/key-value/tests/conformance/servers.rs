//! The servers under test: the one of this crate, and a real Redis.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use chassis::Shutdown;
use store::testing::RedisServer;

/// How long an answer, or something that is to happen, is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that tests talk to.
pub struct Server {
    address: SocketAddr,
    /// Ends with this value, where it is a process.
    _process: Option<RedisServer>,
}

impl Server {
    /// The one of this crate.
    pub fn built_in() -> Option<Self> {
        let (told, address) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
                told.send(listener.local_addr().unwrap()).unwrap();
                key_value::run(listener, &Shutdown::never()).await.unwrap();
            });
        });
        let address = address.recv().expect("it listens");
        Some(Self {
            address,
            _process: None,
        })
    }

    /// A real one; none, and that is said, where none is installed.
    #[track_caller]
    pub fn real() -> Option<Self> {
        let process = RedisServer::start()?;
        let url = process.url();
        let address = url.strip_prefix("redis://").unwrap().parse().unwrap();
        Some(Self {
            address,
            _process: Some(process),
        })
    }

    pub fn client(&self) -> Client {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client(BufReader::new(stream))
    }
}

/// A connection.
pub struct Client(BufReader<TcpStream>);

impl Client {
    pub fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    /// Sends a command, and gives the answer as it was sent.
    pub fn ask<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Vec<u8> {
        self.send(&command(words));
        self.answer()
    }

    /// The same for words that are split at spaces, and with an answer that is text.
    #[track_caller]
    pub fn tell(&mut self, line: &str) -> String {
        let answer = self.ask(&line.split(' ').collect::<Vec<_>>());
        String::from_utf8(answer).expect("the answer is text")
    }

    /// The next answer.
    pub fn answer(&mut self) -> Vec<u8> {
        let mut read = Vec::new();
        self.read_into(&mut read);
        read
    }

    fn read_into(&mut self, read: &mut Vec<u8>) {
        let from = read.len();
        self.0.read_until(b'\n', read).unwrap();
        let line = std::str::from_utf8(&read[from..]).unwrap().trim_end();
        assert!(
            !line.is_empty(),
            "the connection was closed after {:?}",
            String::from_utf8_lossy(read)
        );
        let count = |text: &str| {
            text.parse::<i64>()
                .map_or(0, |count| usize::try_from(count).unwrap_or(0))
        };
        match line.split_at(1) {
            ("$", "-1") => {}
            ("$", length) => {
                let end = read.len() + count(length) + 2;
                let from = read.len();
                read.resize(end, 0);
                self.0.read_exact(&mut read[from..]).unwrap();
            }
            ("*" | "~", length) => (0..count(length)).for_each(|_| self.read_into(read)),
            ("%", length) => (0..2 * count(length)).for_each(|_| self.read_into(read)),
            _ => {}
        }
    }

    /// Everything up to the end of the connection, which the server has to bring about.
    pub fn rest(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        rest
    }
}

/// A command as clients send it.
pub fn command<W: AsRef<[u8]>>(words: &[W]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words.iter().map(AsRef::as_ref) {
        bytes.extend(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// Waits until something is so.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}
