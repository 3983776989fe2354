//! One group and its rounds: its members join, its leader assigns, everybody works, until somebody comes or goes.

mod rounds;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::member::{JoinRequest, Joined, Member, Synced};
use super::offsets::Offsets;
use crate::built_in::code::Code;
use crate::built_in::memory::Memory;

/// Members of a group, and ids that were given to members to come.
const MEMBERS_MAX: usize = 250;
/// As much of a client's name goes into its member's id.
const NAME_CHARS_MAX: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Empty,
    /// Its members are waited for until then.
    Joining(Instant),
    /// Its leader is waited for until then.
    Assigning(Instant),
    Stable,
}

/// A group with the protocol in which members share by themselves.
#[derive(Debug)]
pub(in crate::built_in) struct Group {
    phase: Phase,
    generation: i32,
    pub(in crate::built_in) protocol_type: String,
    pub(in crate::built_in) protocol: String,
    leader: String,
    pub(in crate::built_in) members: Vec<Member>,
    /// Ids that were given, and until when they may be used.
    expected: Vec<(String, Instant)>,
    pub(in crate::built_in) offsets: Offsets,
    memory: Memory,
}

/// Who asks for its share, and what its leader assigns.
#[derive(Debug, Clone)]
pub(in crate::built_in) struct SyncRequest<'a> {
    pub(in crate::built_in) generation: i32,
    pub(in crate::built_in) member: &'a str,
    pub(in crate::built_in) instance: Option<&'a str>,
    pub(in crate::built_in) protocol_type: Option<&'a str>,
    pub(in crate::built_in) protocol: Option<&'a str>,
    pub(in crate::built_in) assignments: Vec<(&'a str, &'a [u8])>,
}

impl Group {
    pub(super) fn new(memory: Memory) -> Self {
        Self {
            phase: Phase::Empty,
            generation: 0,
            protocol_type: String::new(),
            protocol: String::new(),
            leader: String::new(),
            members: Vec::new(),
            expected: Vec::new(),
            offsets: Offsets::new(memory.clone()),
            memory,
        }
    }

    /// Kafka's word for what it is doing.
    pub(in crate::built_in) const fn state(&self) -> &'static str {
        match self.phase {
            Phase::Empty => "Empty",
            Phase::Joining(_) => "PreparingRebalance",
            Phase::Assigning(_) => "CompletingRebalance",
            Phase::Stable => "Stable",
        }
    }

    /// Whether nothing would be lost with it.
    pub(super) fn is_forgettable(&self) -> bool {
        self.phase == Phase::Empty && self.expected.is_empty() && self.offsets.is_empty()
    }

    /// Somebody joins, and is answered at once, or when everybody has joined.
    pub(in crate::built_in) fn join(&mut self, request: &JoinRequest<'_>, now: Instant) -> oneshot::Receiver<Joined> {
        let (answer, answered) = oneshot::channel();
        if let Err((code, member)) = self.try_join(request, answer, now) {
            let (answer, answered) = oneshot::channel();
            let _ = answer.send(Joined::refused(code, &member));
            return answered;
        }
        self.complete_if_all_joined(now);
        answered
    }

    fn try_join(
        &mut self,
        request: &JoinRequest<'_>,
        answer: oneshot::Sender<Joined>,
        now: Instant,
    ) -> Result<(), (Code, String)> {
        let refused = |code: Code| (code, request.member.to_owned());
        if !self.can_talk_to(request) {
            return Err(refused(Code::InconsistentGroupProtocol));
        }
        let known = match request.instance.and_then(|instance| self.at_instance(instance)) {
            Some(at) if request.member.is_empty() => return self.replace(at, request, answer, now).map_err(refused),
            Some(at) if self.members[at].id != request.member => return Err(refused(Code::FencedInstanceId)),
            _ => self.at(request.member),
        };
        if let Some(at) = known {
            if request.instance.is_some() && self.members[at].instance.as_deref() != request.instance {
                return Err(refused(Code::UnknownMemberId));
            }
            return self.join_again(at, request, answer, now).map_err(refused);
        }
        let id = if request.member.is_empty() {
            if self.members.len() + self.expected.len() >= MEMBERS_MAX {
                return Err(refused(Code::GroupMaxSizeReached));
            }
            let id = new_id(request);
            if request.asks_for_id && request.instance.is_none() {
                self.expected.push((id.clone(), now + request.session));
                return Err((Code::MemberIdRequired, id));
            }
            id
        } else {
            let expected = self.expected.iter().position(|(id, _)| id == request.member);
            self.expected
                .swap_remove(expected.ok_or_else(|| refused(Code::UnknownMemberId))?)
                .0
        };
        let member = Member::new(id, request, self.memory.nothing(), now);
        let mut member = member.ok_or_else(|| refused(Code::GroupMaxSizeReached))?;
        member.joining = Some(answer);
        if self.members.is_empty() {
            request.protocol_type.clone_into(&mut self.protocol_type);
        }
        self.members.push(member);
        self.share_anew(now);
        Ok(())
    }

    /// A member joins again. If nothing is new, and it is not the leader that wants to share anew, nobody is disturbed.
    fn join_again(
        &mut self,
        at: usize,
        request: &JoinRequest<'_>,
        answer: oneshot::Sender<Joined>,
        now: Instant,
    ) -> Result<(), Code> {
        let is_leader = self.members[at].id == self.leader;
        let is_same = self.update(at, request, now)?;
        match self.phase {
            Phase::Assigning(_) if is_same => return self.tell(at, answer),
            Phase::Stable if is_same && !is_leader => return self.tell(at, answer),
            _ => {}
        }
        self.share_anew_with(at, answer, now);
        Ok(())
    }

    /// A member with a name of its own was started again: it takes the place of its former life, with a new id.
    fn replace(
        &mut self,
        at: usize,
        request: &JoinRequest<'_>,
        answer: oneshot::Sender<Joined>,
        now: Instant,
    ) -> Result<(), Code> {
        let is_same = self.update(at, request, now)?;
        let member = &mut self.members[at];
        let former = std::mem::replace(&mut member.id, new_id(request));
        if let Some(answer) = member.joining.take() {
            let _ = answer.send(Joined::refused(Code::FencedInstanceId, &former));
        }
        if let Some(answer) = member.syncing.take() {
            let _ = answer.send(Synced::refused(Code::FencedInstanceId));
        }
        let was_leader = self.leader == former;
        if was_leader {
            self.leader.clone_from(&self.members[at].id);
        }
        if self.phase == Phase::Stable && is_same {
            let mut joined = self.joined(at);
            if was_leader && request.may_skip_assignment {
                joined.skip_assignment = true;
            } else if was_leader {
                // It would assign again if it knew that it leads.
                joined.leader = former;
                joined.members.clear();
            }
            let _ = answer.send(joined);
            return Ok(());
        }
        self.share_anew_with(at, answer, now);
        Ok(())
    }

    /// Takes over what a member says now, and tells whether it says the same as before.
    fn update(&mut self, at: usize, request: &JoinRequest<'_>, now: Instant) -> Result<bool, Code> {
        let member = &mut self.members[at];
        let is_same = member.says_the_same(&request.protocols);
        match member.update(request, now) {
            true => Ok(is_same),
            false => Err(Code::GroupMaxSizeReached),
        }
    }

    /// Shares anew; the member is answered when everybody has joined.
    fn share_anew_with(&mut self, at: usize, answer: oneshot::Sender<Joined>, now: Instant) {
        self.members[at].joining = Some(answer);
        self.share_anew(now);
    }

    /// Whether there is a way to share that everybody knows.
    fn can_talk_to(&self, request: &JoinRequest<'_>) -> bool {
        if request.protocol_type.is_empty() || request.protocols.is_empty() {
            return false;
        }
        let others = || self.members.iter().filter(|member| member.id != request.member);
        let everybody_knows = |name: &str| others().all(|member| member.protocols().any(|other| other == name));
        let same_type = others().next().is_none() || self.protocol_type == request.protocol_type;
        same_type && request.protocols.iter().any(|(name, _)| everybody_knows(name))
    }

    fn at(&self, id: &str) -> Option<usize> {
        self.members.iter().position(|member| member.id == id)
    }

    fn at_instance(&self, instance: &str) -> Option<usize> {
        self.members
            .iter()
            .position(|member| member.instance.as_deref() == Some(instance))
    }

    /// What a member is told of the round.
    fn joined(&self, at: usize) -> Joined {
        let id = &self.members[at].id;
        let list = |member: &Member| member.listed(&self.protocol);
        Joined {
            code: Code::None,
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            skip_assignment: false,
            member: id.clone(),
            members: if *id == self.leader {
                self.members.iter().map(list).collect()
            } else {
                Vec::new()
            },
        }
    }

    fn tell(&self, at: usize, answer: oneshot::Sender<Joined>) -> Result<(), Code> {
        let _ = answer.send(self.joined(at));
        Ok(())
    }

    /// Begins a round, unless its members are joining already.
    fn share_anew(&mut self, now: Instant) {
        if let Phase::Joining(_) = self.phase {
            return;
        }
        for answer in self.members.iter_mut().filter_map(|member| member.syncing.take()) {
            let _ = answer.send(Synced::refused(Code::RebalanceInProgress));
        }
        self.phase = Phase::Joining(now + self.patience());
    }

    /// How long the slowest member may take.
    fn patience(&self) -> Duration {
        self.members
            .iter()
            .map(|member| member.rebalance)
            .max()
            .unwrap_or_default()
    }

    fn complete_if_all_joined(&mut self, now: Instant) {
        let all = self.expected.is_empty() && self.members.iter().all(|member| member.joining.is_some());
        if matches!(self.phase, Phase::Joining(_)) && all {
            self.complete(now);
        }
    }

    /// Ends the time for joining. Whoever did not is out, unless it has a name: then its session decides.
    fn complete(&mut self, now: Instant) {
        self.members
            .retain(|member| member.joining.is_some() || member.instance.is_some());
        if self.members.is_empty() {
            self.phase = Phase::Empty;
            self.generation = self.generation.wrapping_add(1);
            self.protocol.clear();
            self.leader.clear();
            return;
        }
        let waits = |member: &&Member| member.joining.is_some();
        let Some(first) = self.members.iter().find(waits) else {
            self.phase = Phase::Joining(now + self.patience());
            return;
        };
        let leads_on = self.members.iter().filter(waits).any(|member| member.id == self.leader);
        if !leads_on {
            self.leader = first.id.clone();
        }
        self.generation = self.generation.wrapping_add(1).max(1);
        self.protocol = self.vote();
        self.phase = Phase::Assigning(now + self.patience());
        for at in 0..self.members.len() {
            if let Some(answer) = self.members[at].joining.take() {
                self.members[at].is_alive(now);
                let _ = self.tell(at, answer);
            }
        }
    }

    /// The protocol that most members like best of those that all of them know.
    fn vote(&self) -> String {
        let known_by_all = |name: &str| {
            self.members
                .iter()
                .all(|member| member.protocols().any(|other| other == name))
        };
        let mut votes: HashMap<&str, usize> = HashMap::new();
        for member in &self.members {
            if let Some(best) = member.protocols().find(|name| known_by_all(name)) {
                *votes.entry(best).or_default() += 1;
            }
        }
        let first = self.members.iter().flat_map(Member::protocols);
        // Of those with as many votes the last one is taken, so they are looked at backwards.
        let candidates: Vec<&str> = first.filter(|name| votes.contains_key(name)).collect();
        let best = candidates.into_iter().rev().max_by_key(|name| votes[name]);
        best.unwrap_or_default().to_owned()
    }
}

/// A new id for a member.
fn new_id(request: &JoinRequest<'_>) -> String {
    let name: String = request
        .instance
        .unwrap_or(request.client)
        .chars()
        .take(NAME_CHARS_MAX)
        .collect();
    format!("{name}-{:032x}", rand::random::<u128>())
}
