//! A member of a group.

use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::built_in::code::Code;
use crate::built_in::memory::Charge;

/// What a member costs beside its texts.
const OVERHEAD_BYTES: usize = 512;

/// A way to share partitions that a member knows, and what it has to say for it.
pub(in crate::built_in) type Protocol<'a> = (&'a str, &'a [u8]);

/// What somebody who joins says of itself.
#[derive(Debug, Clone)]
pub(in crate::built_in) struct JoinRequest<'a> {
    /// Silent for longer than this, it is taken for dead.
    pub(in crate::built_in) session: Duration,
    /// How long it may take to join again when the group shares anew.
    pub(in crate::built_in) rebalance: Duration,
    /// Its id, or nothing if it has none yet.
    pub(in crate::built_in) member: &'a str,
    /// A name that it keeps when it is started again.
    pub(in crate::built_in) instance: Option<&'a str>,
    pub(in crate::built_in) protocol_type: &'a str,
    pub(in crate::built_in) protocols: Vec<Protocol<'a>>,
    pub(in crate::built_in) client: &'a str,
    pub(in crate::built_in) host: &'a str,
    /// It wants to be told its id first, and joins with that.
    pub(in crate::built_in) asks_for_id: bool,
    /// A leader of this version may be told to assign nothing.
    pub(in crate::built_in) may_skip_assignment: bool,
}

/// The answer to somebody who joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::built_in) struct Joined {
    pub(in crate::built_in) code: Code,
    pub(in crate::built_in) generation: i32,
    pub(in crate::built_in) protocol_type: String,
    pub(in crate::built_in) protocol: String,
    pub(in crate::built_in) leader: String,
    pub(in crate::built_in) skip_assignment: bool,
    pub(in crate::built_in) member: String,
    /// Everybody, for the leader.
    pub(in crate::built_in) members: Vec<Listed>,
}

/// A member as its leader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::built_in) struct Listed {
    pub(in crate::built_in) id: String,
    pub(in crate::built_in) instance: Option<String>,
    pub(in crate::built_in) metadata: Rc<[u8]>,
}

impl Joined {
    pub(in crate::built_in) fn refused(code: Code, member: &str) -> Self {
        Self {
            code,
            generation: -1,
            protocol_type: String::new(),
            protocol: String::new(),
            leader: String::new(),
            skip_assignment: false,
            member: member.to_owned(),
            members: Vec::new(),
        }
    }
}

/// The answer to a member that asks for its share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::built_in) struct Synced {
    pub(in crate::built_in) code: Code,
    pub(in crate::built_in) protocol_type: String,
    pub(in crate::built_in) protocol: String,
    pub(in crate::built_in) assignment: Rc<[u8]>,
}

impl Synced {
    pub(in crate::built_in) fn refused(code: Code) -> Self {
        Self {
            code,
            protocol_type: String::new(),
            protocol: String::new(),
            assignment: Rc::default(),
        }
    }
}

#[derive(Debug)]
pub(in crate::built_in) struct Member {
    pub(in crate::built_in) id: String,
    pub(in crate::built_in) instance: Option<String>,
    pub(in crate::built_in) client: String,
    pub(in crate::built_in) host: String,
    pub(in crate::built_in) assignment: Rc<[u8]>,
    pub(super) rebalance: Duration,
    session: Duration,
    protocols: Vec<(String, Rc<[u8]>)>,
    /// When it is taken for dead.
    dead_at: Instant,
    /// Waits for the others to join.
    pub(super) joining: Option<oneshot::Sender<Joined>>,
    /// Waits for the leader to assign.
    pub(super) syncing: Option<oneshot::Sender<Synced>>,
    memory: Charge,
}

impl Member {
    /// A member, if there is memory for it.
    pub(super) fn new(id: String, request: &JoinRequest<'_>, memory: Charge, now: Instant) -> Option<Self> {
        let mut member = Self {
            id,
            instance: request.instance.map(str::to_owned),
            client: String::new(),
            host: String::new(),
            assignment: Rc::default(),
            rebalance: request.rebalance,
            session: request.session,
            protocols: Vec::new(),
            dead_at: now,
            joining: None,
            syncing: None,
            memory,
        };
        member.update(request, now).then_some(member)
    }

    /// Takes over what it says now; `false`, and nothing is changed, when there is no memory for that.
    pub(super) fn update(&mut self, request: &JoinRequest<'_>, now: Instant) -> bool {
        let said: usize = request
            .protocols
            .iter()
            .map(|(name, metadata)| name.len() + metadata.len())
            .sum();
        let texts = request.client.len() + request.host.len() + request.instance.map_or(0, str::len);
        if !self.memory.set(OVERHEAD_BYTES + said + texts + self.assignment.len()) {
            return false;
        }
        request.client.clone_into(&mut self.client);
        request.host.clone_into(&mut self.host);
        self.rebalance = request.rebalance;
        self.session = request.session;
        let owned = |(name, metadata): &Protocol<'_>| ((*name).to_owned(), Rc::from(*metadata));
        self.protocols = request.protocols.iter().map(owned).collect();
        self.is_alive(now);
        true
    }

    /// Takes its share; `false` when there is no memory for that.
    pub(super) fn assign(&mut self, assignment: &[u8]) -> bool {
        let said: usize = self
            .protocols
            .iter()
            .map(|(name, metadata)| name.len() + metadata.len())
            .sum();
        if !self
            .memory
            .set(OVERHEAD_BYTES + said + self.client.len() + self.host.len() + assignment.len())
        {
            return false;
        }
        self.assignment = assignment.into();
        true
    }

    pub(super) fn says_the_same(&self, protocols: &[Protocol<'_>]) -> bool {
        let same = |(own, new): (&(String, Rc<[u8]>), &Protocol<'_>)| own.0 == new.0 && *own.1 == *new.1;
        self.protocols.len() == protocols.len() && self.protocols.iter().zip(protocols).all(same)
    }

    /// The protocols that it knows, best first.
    pub(super) fn protocols(&self) -> impl Iterator<Item = &str> {
        self.protocols.iter().map(|(name, _)| name.as_str())
    }

    /// What it says for a protocol.
    pub(in crate::built_in) fn metadata(&self, protocol: &str) -> Rc<[u8]> {
        let found = self.protocols.iter().find(|(name, _)| name == protocol);
        found.map(|(_, metadata)| Rc::clone(metadata)).unwrap_or_default()
    }

    pub(super) fn listed(&self, protocol: &str) -> Listed {
        Listed {
            id: self.id.clone(),
            instance: self.instance.clone(),
            metadata: self.metadata(protocol),
        }
    }

    /// A sign of life.
    pub(super) fn is_alive(&mut self, now: Instant) {
        self.dead_at = now + self.session;
    }

    /// Whether it was silent for too long. While it waits for an answer, it is not silent but the others are.
    pub(super) fn is_dead(&self, now: Instant) -> bool {
        let joins = self.joining.as_ref().is_some_and(|answer| !answer.is_closed());
        let syncs = self.syncing.as_ref().is_some_and(|answer| !answer.is_closed());
        !joins && !syncs && self.dead_at <= now
    }
}
