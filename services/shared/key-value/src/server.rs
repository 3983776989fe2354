//! The server: what it keeps, and what it knows of itself.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::clock::{Clock, Now};
use crate::keyspace::Keyspace;
use crate::scripts::Scripts;
use crate::session::Session;

/// How many databases there are, as with Redis.
pub(crate) const DATABASES: usize = 16;

/// What clients and scripts work on. It lives on one thread, and no command waits, so each is done as a whole.
pub(crate) type Databases = Rc<RefCell<[Keyspace; DATABASES]>>;

/// What CLIENT tells of a client.
#[derive(Debug, Default)]
pub(crate) struct Client {
    pub(crate) address: String,
    pub(crate) name: Vec<u8>,
    pub(crate) since: Now,
}

pub(crate) struct Server {
    pub(crate) databases: Databases,
    pub(crate) scripts: Scripts,
    pub(crate) clients: BTreeMap<u64, Client>,
    pub(crate) clock: Clock,
    /// Another one at every start.
    pub(crate) run_id: String,
    pub(crate) port: u16,
    /// How many commands were done, and how many connections accepted.
    pub(crate) commands: u64,
    pub(crate) connections: u64,
}

impl Server {
    pub(crate) fn new(databases: Databases, scripts: Scripts, clock: Clock, port: u16) -> Self {
        Self {
            databases,
            scripts,
            clients: BTreeMap::new(),
            clock,
            run_id: format!("{:032x}{:08x}", rand::random::<u128>(), rand::random::<u32>()),
            port,
            commands: 0,
            connections: 0,
        }
    }

    /// Lets the time of all databases pass up to now.
    pub(crate) fn pass_time(&self) {
        let now = self.clock.now();
        for keys in self.databases.borrow_mut().iter_mut() {
            keys.pass_time(now);
        }
    }

    /// Greets a client.
    pub(crate) fn welcome(&mut self, address: String) -> Session {
        self.connections += 1;
        let client = Client {
            address,
            since: self.clock.now(),
            ..Client::default()
        };
        self.clients.insert(self.connections, client);
        Session {
            id: self.connections,
            ..Session::default()
        }
    }

    /// Forgets a client that has gone.
    pub(crate) fn part(&mut self, session: &mut Session) {
        self.unwatch(session);
        self.clients.remove(&session.id);
    }

    /// Ends all watching of a client.
    pub(crate) fn unwatch(&self, session: &mut Session) {
        let mut databases = self.databases.borrow_mut();
        for (database, key) in session.watched.drain(..) {
            databases[database].unwatch(&key, &session.changed);
        }
        session.changed.set(false);
    }
}
