//! The broker: what it keeps, and which part answers which request.

use std::cell::{Cell, RefCell};

use super::answer;
use super::api::{Api, Head};
use super::group::Groups;
use super::log::Log;
use super::memory::Memory;
use super::wire::Malformed;

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

    /// Answers a request; `None` where the client wants no answer. `host` is where it comes from.
    pub(super) async fn answer(&self, frame: &[u8], host: &str) -> Result<Option<Vec<u8>>, Refused> {
        let (head, body) = Head::read(frame).map_err(|why| Refused { api: None, why })?;
        let answer = match head.api {
            Api::Produce => answer::produce::answer(self, &head, body),
            Api::Fetch => answer::fetch::answer(self, &head, body).await.map(Some),
            Api::JoinGroup => answer::membership::join(self, &head, body, host).await.map(Some),
            Api::SyncGroup => answer::membership::sync(self, &head, body).await.map(Some),
            Api::ListOffsets => answer::extent::answer(self, &head, body).map(Some),
            Api::Metadata => answer::cluster::metadata(self, &head, body).map(Some),
            Api::FindCoordinator => answer::cluster::find_coordinator(self, &head, body).map(Some),
            Api::Versions => answer::cluster::versions(&head, body).map(Some),
            Api::InitProducerId => answer::produce::new_producer(self, &head, body).map(Some),
            Api::CreateTopics => answer::topics::create(self, &head, body).map(Some),
            Api::DeleteTopics => answer::topics::delete(self, &head, body).map(Some),
            Api::OffsetCommit => answer::committed::commit(self, &head, body).map(Some),
            Api::OffsetFetch => answer::committed::fetch(self, &head, body).map(Some),
            Api::Heartbeat => answer::membership::heartbeat(self, &head, body).map(Some),
            Api::LeaveGroup => answer::membership::leave(self, &head, body).map(Some),
            Api::DescribeGroups => answer::groups::describe(self, &head, body).map(Some),
            Api::ListGroups => answer::groups::list(self, &head, body).map(Some),
            Api::DeleteGroups => answer::groups::delete(self, &head, body).map(Some),
        };
        answer.map_err(|why| Refused {
            api: Some((head.api, head.version)),
            why,
        })
    }

    /// Whether the answer may take long, so that what was answered before should not wait for it.
    pub(super) fn may_wait(frame: &[u8]) -> bool {
        let waits = |api| matches!(api, Api::Fetch | Api::JoinGroup | Api::SyncGroup);
        Head::read(frame).is_ok_and(|(head, _)| waits(head.api))
    }
}

/// Why a request was refused together with its connection.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(super) struct Refused {
    api: Option<(Api, i16)>,
    #[source]
    why: Malformed,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.api {
            Some((api, version)) => write!(formatter, "{api:?} v{version}: {}", self.why),
            None => write!(formatter, "not a request that this broker speaks: {}", self.why),
        }
    }
}
