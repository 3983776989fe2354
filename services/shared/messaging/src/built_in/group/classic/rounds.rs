//! What members do between two rounds: take their share, show that they live, leave, commit.

use std::time::Instant;

use tokio::sync::oneshot;

use super::{Group, Phase, SyncRequest};
use crate::built_in::code::Code;
use crate::built_in::group::member::Synced;

impl Group {
    /// A member asks for its share, and is answered when the leader has assigned.
    pub(in crate::built_in) fn sync(&mut self, request: &SyncRequest<'_>, now: Instant) -> oneshot::Receiver<Synced> {
        let (answer, answered) = oneshot::channel();
        match self.try_sync(request, now) {
            Err(code) => {
                let _ = answer.send(Synced::refused(code));
            }
            Ok(at) if self.phase == Phase::Stable => {
                let _ = answer.send(self.synced(at));
            }
            Ok(at) => self.members[at].syncing = Some(answer),
        }
        answered
    }

    fn try_sync(&mut self, request: &SyncRequest<'_>, now: Instant) -> Result<usize, Code> {
        let at = self.member_of(request.member, request.instance, request.generation)?;
        let differs = |said: Option<&str>, is: &str| said.is_some_and(|said| said != is);
        if differs(request.protocol_type, &self.protocol_type) || differs(request.protocol, &self.protocol) {
            return Err(Code::InconsistentGroupProtocol);
        }
        self.members[at].is_alive(now);
        match self.phase {
            Phase::Empty => Err(Code::UnknownMemberId),
            Phase::Joining(_) => Err(Code::RebalanceInProgress),
            Phase::Assigning(_) if self.members[at].id == self.leader => {
                self.assign(request)?;
                Ok(at)
            }
            Phase::Assigning(_) | Phase::Stable => Ok(at),
        }
    }

    /// Gives everybody the share that the leader chose.
    fn assign(&mut self, request: &SyncRequest<'_>) -> Result<(), Code> {
        for member in &mut self.members {
            let share = request.assignments.iter().find(|(id, _)| *id == member.id);
            if !member.assign(share.map_or(&[], |(_, share)| share)) {
                return Err(Code::GroupMaxSizeReached);
            }
        }
        self.phase = Phase::Stable;
        for at in 0..self.members.len() {
            if let Some(answer) = self.members[at].syncing.take() {
                let _ = answer.send(self.synced(at));
            }
        }
        Ok(())
    }

    fn synced(&self, at: usize) -> Synced {
        Synced {
            code: Code::None,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            assignment: self.members[at].assignment.clone(),
        }
    }

    /// The place of a member that says who it is, and of which round.
    fn member_of(&self, id: &str, instance: Option<&str>, generation: i32) -> Result<usize, Code> {
        let at = match instance.and_then(|instance| self.at_instance(instance)) {
            Some(at) if self.members[at].id != id => return Err(Code::FencedInstanceId),
            Some(at) => at,
            None => self.at(id).ok_or(Code::UnknownMemberId)?,
        };
        if generation == self.generation {
            Ok(at)
        } else {
            Err(Code::IllegalGeneration)
        }
    }

    /// A member shows that it lives, and is told whether it must join again.
    pub(in crate::built_in) fn heartbeat(
        &mut self,
        id: &str,
        instance: Option<&str>,
        generation: i32,
        now: Instant,
    ) -> Result<(), Code> {
        let at = self.member_of(id, instance, generation)?;
        self.members[at].is_alive(now);
        match self.phase {
            Phase::Joining(_) => Err(Code::RebalanceInProgress),
            _ => Ok(()),
        }
    }

    /// A member leaves; it may be called by its own name alone.
    pub(in crate::built_in) fn leave(&mut self, id: &str, instance: Option<&str>, now: Instant) -> Result<(), Code> {
        let at = match instance {
            Some(instance) => {
                let at = self.at_instance(instance).ok_or(Code::UnknownMemberId)?;
                if !id.is_empty() && self.members[at].id != id {
                    return Err(Code::FencedInstanceId);
                }
                at
            }
            None => match self.at(id) {
                Some(at) => at,
                None => {
                    let expected = self.expected.iter().position(|(expected, _)| expected == id);
                    self.expected.swap_remove(expected.ok_or(Code::UnknownMemberId)?);
                    self.complete_if_all_joined(now);
                    return Ok(());
                }
            },
        };
        // Whatever it waits for is answered with: unknown.
        self.members.remove(at);
        self.share_anew(now);
        self.complete_if_all_joined(now);
        Ok(())
    }

    /// Whether somebody may commit for this group: a member of the present round, or anybody while it has no members.
    pub(in crate::built_in) fn may_commit(
        &mut self,
        id: &str,
        instance: Option<&str>,
        generation: i32,
        now: Instant,
    ) -> Result<(), Code> {
        if self.phase == Phase::Empty && generation < 0 {
            return Ok(());
        }
        let at = self.member_of(id, instance, generation)?;
        self.members[at].is_alive(now);
        match self.phase {
            Phase::Assigning(_) => Err(Code::RebalanceInProgress),
            _ => Ok(()),
        }
    }

    /// Lets time pass: whoever is silent for too long is out, and nobody is waited for longer than was said.
    pub(in crate::built_in) fn pass_time(&mut self, now: Instant) {
        self.expected.retain(|(_, until)| *until > now);
        let before = self.members.len();
        self.members.retain(|member| !member.is_dead(now));
        match self.phase {
            Phase::Joining(until) if until <= now => {
                self.complete(now);
                return;
            }
            Phase::Assigning(until) if until <= now => self.members.retain(|member| member.syncing.is_some()),
            _ => {}
        }
        if self.members.len() < before {
            self.share_anew(now);
        }
        self.complete_if_all_joined(now);
    }
}
