//! The rounds of a group, with a clock of their own.

use std::time::{Duration, Instant};

use tokio::sync::oneshot::Receiver;

use super::*;

const SESSION: Duration = Duration::from_secs(6);
const REBALANCE: Duration = Duration::from_secs(60);

fn asked<'a>(member: &'a str, metadata: &'a [u8]) -> JoinRequest<'a> {
    JoinRequest {
        session: SESSION,
        rebalance: REBALANCE,
        member,
        instance: None,
        protocol_type: "consumer",
        protocols: vec![("range", metadata)],
        client: "test",
        host: "/127.0.0.1",
        asks_for_id: false,
        may_skip_assignment: false,
    }
}

fn group() -> (Group, Instant) {
    (Group::new(Memory::of(1 << 20)), Instant::now())
}

#[track_caller]
fn told<T>(mut answer: Receiver<T>) -> T {
    answer.try_recv().expect("it is answered")
}

#[track_caller]
fn waits<T>(answer: &mut Receiver<T>) {
    assert!(matches!(
        answer.try_recv(),
        Err(tokio::sync::oneshot::error::TryRecvError::Empty)
    ));
}

fn share<'a>(joined: &'a Joined, assignments: &[(&'a str, &'a [u8])]) -> SyncRequest<'a> {
    SyncRequest {
        generation: joined.generation,
        member: &joined.member,
        instance: None,
        protocol_type: Some("consumer"),
        protocol: Some("range"),
        assignments: assignments.to_vec(),
    }
}

/// A group in which two work, the first of whom leads.
fn two() -> (Group, Instant, Joined, Joined) {
    let (mut group, now) = group();
    let first = told(group.join(&asked("", b"1"), now));
    told(group.sync(&share(&first, &[(&first.member, b"all")]), now));
    let mut second = group.join(&asked("", b"2"), now);
    waits(&mut second);
    assert_eq!(
        group.heartbeat(&first.member, None, first.generation, now),
        Err(Code::RebalanceInProgress)
    );
    let first = told(group.join(&asked(&first.member, b"1"), now));
    let second = told(second);
    assert_eq!(group.state(), "CompletingRebalance");
    let mut waiting = group.sync(&share(&second, &[]), now);
    waits(&mut waiting);
    let assignments: [(&str, &[u8]); 2] = [(&first.member, b"half"), (&second.member, b"other half")];
    assert_eq!(
        *told(group.sync(&share(&first, &assignments), now)).assignment,
        *b"half"
    );
    assert_eq!(*told(waiting).assignment, *b"other half");
    assert_eq!(group.state(), "Stable");
    (group, now, first, second)
}

#[test]
fn two_members_share_what_the_leader_assigns() {
    let (mut group, now, first, second) = two();
    assert_eq!(
        (first.leader.as_str(), second.leader.as_str()),
        (first.member.as_str(), first.member.as_str())
    );
    let seen: Vec<_> = first
        .members
        .iter()
        .map(|member| (&member.id, &*member.metadata))
        .collect();
    assert_eq!(seen, [(&first.member, &b"1"[..]), (&second.member, &b"2"[..])]);
    assert_eq!(second.members, []);
    for member in [&first, &second] {
        assert_eq!(group.heartbeat(&member.member, None, 2, now), Ok(()));
        assert_eq!(
            group.heartbeat(&member.member, None, 1, now),
            Err(Code::IllegalGeneration)
        );
    }
}

#[test]
fn a_member_that_leaves_or_is_silent_is_out_and_the_others_share_anew() {
    for silent in [false, true] {
        let (mut group, mut now, first, second) = two();
        if silent {
            now += SESSION / 2;
            assert_eq!(group.heartbeat(&first.member, None, 2, now), Ok(()));
            now += SESSION / 2;
            group.pass_time(now);
        } else {
            group.leave(&second.member, None, now).unwrap();
        }
        assert_eq!(
            group.heartbeat(&second.member, None, 2, now),
            Err(Code::UnknownMemberId)
        );
        assert_eq!(
            group.heartbeat(&first.member, None, 2, now),
            Err(Code::RebalanceInProgress)
        );
        let alone = told(group.join(&asked(&first.member, b"1"), now));
        assert_eq!((alone.generation, alone.members.len()), (3, 1));
        group.leave(&first.member, None, now).unwrap();
        assert_eq!((group.state(), group.is_forgettable()), ("Empty", true));
    }
}

#[test]
fn a_member_that_does_not_join_again_is_waited_for_as_long_as_was_said() {
    let (mut group, mut now, first, second) = two();
    let mut third = group.join(&asked("", b"3"), now);
    let mut again = group.join(&asked(&first.member, b"1"), now);
    // The second shows that it lives, and does not join.
    for _ in 0..19 {
        now += SESSION / 2;
        assert_eq!(
            group.heartbeat(&second.member, None, 2, now),
            Err(Code::RebalanceInProgress)
        );
        group.pass_time(now);
    }
    waits(&mut third);
    waits(&mut again);
    now += SESSION / 2;
    group.pass_time(now);
    let (again, third) = (told(again), told(third));
    assert_eq!(
        (again.generation, again.members.len(), third.leader == again.member),
        (3, 2, true)
    );
    assert_eq!(
        group.heartbeat(&second.member, None, 3, now),
        Err(Code::UnknownMemberId)
    );
    // Now the leader does not assign, and is out in its turn.
    let mut waiting = group.sync(&share(&third, &[]), now);
    group.pass_time(now + SESSION / 2);
    waits(&mut waiting);
    group
        .heartbeat(&again.member, None, 3, now + REBALANCE - SESSION / 2)
        .unwrap();
    group.pass_time(now + REBALANCE);
    assert_eq!(told(waiting).code, Code::RebalanceInProgress);
    assert_eq!(group.members.len(), 1);
}

#[test]
fn a_member_whose_connection_ended_while_it_waited_is_silent() {
    let (mut group, now, first, _) = two();
    drop(group.join(&asked("", b"3"), now));
    assert_eq!(group.members.len(), 3);
    let later = now + SESSION;
    group.heartbeat(&first.member, None, 2, later).unwrap_err();
    group.pass_time(later);
    assert_eq!(group.members.len(), 1);
}

#[test]
fn a_member_may_ask_for_its_id_first_and_is_waited_for() {
    let (mut group, now) = group();
    let asks = JoinRequest {
        asks_for_id: true,
        ..asked("", b"1")
    };
    let refused = told(group.join(&asks, now));
    assert_eq!(refused.code, Code::MemberIdRequired);
    let mut other = group.join(&asked("", b"2"), now);
    waits(&mut other);
    let joined = told(group.join(&asked(&refused.member, b"1"), now));
    assert_eq!((joined.code, joined.member == refused.member), (Code::None, true));
    assert_eq!(told(other).leader, joined.leader);
    assert_eq!(
        told(group.join(&asked("made-up", b"1"), now)).code,
        Code::UnknownMemberId
    );
    // An id that is never used is forgotten.
    told(group.join(&asks, now));
    group.pass_time(now + SESSION);
    assert_eq!(group.members.len(), 0);
    group.pass_time(now + REBALANCE);
    assert!(group.is_forgettable());
}

#[test]
fn a_member_with_a_name_of_its_own_gets_its_share_back_and_its_former_life_is_over() {
    for may_skip_assignment in [false, true] {
        let (mut group, now) = group();
        let named = JoinRequest {
            instance: Some("one"),
            may_skip_assignment,
            ..asked("", b"1")
        };
        let former = told(group.join(&named, now));
        told(group.sync(&share(&former, &[(&former.member, b"all")]), now));
        let later = told(group.join(&named, now));
        assert_eq!((later.code, later.generation), (Code::None, former.generation));
        assert_ne!(later.member, former.member);
        // It leads, and must not assign again.
        assert_eq!(later.skip_assignment, may_skip_assignment);
        assert_eq!(later.leader == later.member, may_skip_assignment);
        assert_eq!(*told(group.sync(&share(&later, &[]), now)).assignment, *b"all");
        let generation = former.generation;
        assert_eq!(
            group.heartbeat(&former.member, Some("one"), generation, now),
            Err(Code::FencedInstanceId)
        );
        let back = JoinRequest {
            member: &former.member,
            ..named.clone()
        };
        assert_eq!(told(group.join(&back, now)).code, Code::FencedInstanceId);
        assert_eq!(group.leave("", Some("one"), now), Ok(()));
        assert_eq!(group.state(), "Empty");
    }
}

#[test]
fn members_agree_on_a_protocol_or_are_refused() {
    let (mut group, now) = group();
    let knows = |protocols| JoinRequest {
        protocols,
        ..asked("", b"")
    };
    for bad in [
        knows(vec![]),
        JoinRequest {
            protocol_type: "",
            ..asked("", b"")
        },
    ] {
        assert_eq!(told(group.join(&bad, now)).code, Code::InconsistentGroupProtocol);
    }
    let first = told(group.join(&knows(vec![("a", b""), ("b", b"1")]), now));
    assert_eq!(first.protocol, "a");
    for bad in [
        knows(vec![("c", b"")]),
        JoinRequest {
            protocol_type: "connect",
            ..knows(vec![("a", b"")])
        },
    ] {
        assert_eq!(told(group.join(&bad, now)).code, Code::InconsistentGroupProtocol);
    }
    let second = group.join(&knows(vec![("c", b""), ("b", b"2")]), now);
    let again = JoinRequest {
        member: &first.member,
        ..knows(vec![("a", b""), ("b", b"1")])
    };
    let first = told(group.join(&again, now));
    assert_eq!((first.protocol.as_str(), told(second).protocol.as_str()), ("b", "b"));
    assert_eq!(*first.members[1].metadata, *b"2");
}

#[test]
fn who_may_commit_is_a_member_of_the_round_or_anybody_while_there_is_none() {
    let (mut group, now) = group();
    assert_eq!(group.may_commit("", None, -1, now), Ok(()));
    assert_eq!(group.may_commit("", None, 1, now), Err(Code::UnknownMemberId));
    let (mut group, now, first, _) = two();
    assert_eq!(group.may_commit(&first.member, None, 2, now), Ok(()));
    assert_eq!(
        group.may_commit(&first.member, None, 1, now),
        Err(Code::IllegalGeneration)
    );
    assert_eq!(group.may_commit("", None, -1, now), Err(Code::UnknownMemberId));
    assert_eq!(
        group.offsets.commit("t", 0, 5, &"x".repeat(5000)),
        Err(Code::OffsetMetadataTooLarge)
    );
    assert_eq!(group.offsets.commit("t", 0, 5, "note"), Ok(()));
    assert_eq!(group.offsets.get("t", 0).map(|committed| committed.offset), Some(5));
}

#[test]
fn members_groups_and_their_memory_are_bounded() {
    let (mut group, now) = group();
    let asks = JoinRequest {
        asks_for_id: true,
        ..asked("", b"1")
    };
    let codes: Vec<Code> = (0..1000).map(|_| told(group.join(&asks, now)).code).collect();
    assert_eq!(codes.last(), Some(&Code::GroupMaxSizeReached));
    let given = codes.iter().filter(|code| **code == Code::MemberIdRequired).count();
    assert_eq!(given, 250);

    let memory = Memory::of(100_000);
    let mut small = Group::new(memory.clone());
    assert_eq!(
        told(small.join(&asked("", &[0; 100_000]), now)).code,
        Code::GroupMaxSizeReached
    );
    let left = memory.left();
    assert_eq!(left, 100_000);
    told(small.join(&asked("", &[0; 1000]), now));
    assert!(memory.left() < left - 1000);

    let mut groups = Groups::new();
    assert_eq!(groups.make("").err(), Some(Code::InvalidGroupId));
    assert_eq!(groups.make(&"x".repeat(256)).err(), Some(Code::InvalidGroupId));
    for number in 0..1000 {
        groups.make(&number.to_string()).unwrap();
    }
    assert_eq!(groups.make("one more").err(), Some(Code::GroupMaxSizeReached));
    groups.pass_time(now);
    assert_eq!(groups.all().count(), 0, "nothing is lost with them");
}

#[test]
fn a_group_with_members_is_not_removed() {
    let mut groups = Groups::new();
    let now = Instant::now();
    assert_eq!(groups.remove("team"), Err(Code::GroupIdNotFound));
    let joined = told(groups.make("team").unwrap().join(&asked("", b""), now));
    assert_eq!(groups.remove("team"), Err(Code::NonEmptyGroup));
    groups
        .get_mut("team")
        .unwrap()
        .leave(&joined.member, None, now)
        .unwrap();
    assert_eq!(groups.remove("team"), Ok(()));
}
