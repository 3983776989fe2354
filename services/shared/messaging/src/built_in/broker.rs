//! The broker: what it keeps.

use std::cell::{Cell, RefCell};

use super::group::Groups;
use super::log::Log;
use super::memory::Memory;

/// The number of the one broker.
pub(super) const NODE: i32 = 1;
/// What connections may use for requests and answers, all together.
const CONNECTION_BYTES_MAX: usize = 48 * 1024 * 1024;

/// Where clients are told to go.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: i32,
}

/// Everything that the broker knows. It lives on one thread, and nothing is borrowed across a wait.
#[derive(Debug)]
pub(super) struct Broker {
    pub(super) address: Address,
    pub(super) log: RefCell<Log>,
    pub(super) groups: RefCell<Groups>,
    pub(super) memory: Memory,
    next_producer: Cell<i64>,
}

impl Broker {
    pub(super) fn new(host: String, port: u16) -> Self {
        Self {
            address: Address {
                host,
                port: i32::from(port),
            },
            log: RefCell::default(),
            groups: RefCell::new(Groups::new()),
            memory: Memory::of(CONNECTION_BYTES_MAX),
            // Producers live longer than a broker that is started again, which must not give their numbers to others.
            next_producer: Cell::new(i64::from(rand::random::<u32>()) << 30),
        }
    }

    /// A number for an idempotent producer.
    pub(super) fn new_producer(&self) -> i64 {
        let number = self.next_producer.get();
        self.next_producer.set(number + 1);
        number
    }
}
