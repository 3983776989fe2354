//! Which requests this broker speaks, in which versions, and the heads of requests and answers.

use super::wire::{Malformed, Reader, Writer};

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    Produce,
    Fetch,
    ListOffsets,
    Metadata,
    OffsetCommit,
    OffsetFetch,
    FindCoordinator,
    JoinGroup,
    Heartbeat,
    LeaveGroup,
    SyncGroup,
    DescribeGroups,
    ListGroups,
    Versions,
    CreateTopics,
    DeleteTopics,
    InitProducerId,
    DeleteGroups,
}

/// A kind of request, its key on the wire, and its versions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spoken {
    pub(super) api: Api,
    pub(super) key: i16,
    pub(super) oldest: i16,
    pub(super) newest: i16,
    /// The first version that is flexible.
    flexible: i16,
}

const fn spoken(key: i16, api: Api, oldest: i16, newest: i16, flexible: i16) -> Spoken {
    Spoken {
        api,
        key,
        oldest,
        newest,
        flexible,
    }
}

/// Everything that is spoken, and so everything that is offered. The newest versions are the last before topics are
/// called by ids, and before what only transactions or several brokers need.
pub(super) const SPOKEN: [Spoken; 18] = [
    // Versions 0 to 2 carry older message formats, which are refused: but librdkafka takes a broker that does not name
    // them for one that cannot do much.
    spoken(0, Api::Produce, 0, 9, 9),
    spoken(1, Api::Fetch, 4, 12, 12),
    spoken(2, Api::ListOffsets, 1, 7, 6),
    spoken(3, Api::Metadata, 0, 9, 9),
    spoken(8, Api::OffsetCommit, 2, 8, 8),
    spoken(9, Api::OffsetFetch, 1, 8, 6),
    spoken(10, Api::FindCoordinator, 0, 4, 3),
    spoken(11, Api::JoinGroup, 0, 9, 6),
    spoken(12, Api::Heartbeat, 0, 4, 4),
    spoken(13, Api::LeaveGroup, 0, 5, 4),
    spoken(14, Api::SyncGroup, 0, 5, 4),
    spoken(15, Api::DescribeGroups, 0, 5, 5),
    spoken(16, Api::ListGroups, 0, 4, 3),
    spoken(18, Api::Versions, 0, 4, 3),
    spoken(19, Api::CreateTopics, 0, 6, 5),
    spoken(20, Api::DeleteTopics, 0, 5, 4),
    spoken(22, Api::InitProducerId, 0, 4, 2),
    spoken(42, Api::DeleteGroups, 0, 2, 2),
];

/// The head of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head<'a> {
    pub(super) api: Api,
    /// One that is spoken, except for `ApiVersions`, which answers to all.
    pub(super) version: i16,
    pub(super) correlation: i32,
    /// What the client calls itself.
    pub(super) client: &'a str,
    flexible: bool,
}

impl<'a> Head<'a> {
    /// Reads the head of a request; what is left is its body.
    pub(super) fn read(frame: &'a [u8]) -> Result<(Self, Reader<'a>), Malformed> {
        let mut reader = Reader::new(frame);
        let (key, version, correlation) = (reader.i16()?, reader.i16()?, reader.i32()?);
        let spoken = SPOKEN.iter().find(|spoken| spoken.key == key);
        let spoken = spoken.ok_or(Malformed("it asks for something that is not offered"))?;
        let is_spoken = (spoken.oldest..=spoken.newest).contains(&version);
        if !is_spoken && spoken.api != Api::Versions {
            return Err(Malformed("it has a version that is not offered"));
        }
        let mut head = Self {
            api: spoken.api,
            version,
            correlation,
            client: "",
            flexible: is_spoken && version >= spoken.flexible,
        };
        if is_spoken {
            head.client = reader.maybe_text()?.unwrap_or_default();
            reader.set_flexible(head.flexible);
            reader.tags()?;
        }
        Ok((head, reader))
    }

    /// An answer to this request: room for its length, then its head.
    pub(super) fn answer(&self) -> Writer {
        let mut out = vec![0; 4];
        out.extend(self.correlation.to_be_bytes());
        // A client that asks for versions does not know yet which heads the broker writes: always the oldest.
        if self.flexible && self.api != Api::Versions {
            out.push(0);
        }
        Writer::new(out, self.flexible)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(key: i16, version: i16, rest: &[u8]) -> Vec<u8> {
        [
            &key.to_be_bytes(),
            &version.to_be_bytes(),
            &[0, 0, 0, 7, 0, 1, b'x'][..],
            rest,
        ]
        .concat()
    }

    #[test]
    fn a_flexible_head_has_tagged_fields_and_its_answer_as_well() {
        let frame = head(3, 9, &[1, 0, 1, 9, 42]);
        let (read, mut body) = Head::read(&frame).unwrap();
        assert_eq!((read.api, read.version, read.client), (Api::Metadata, 9, "x"));
        assert_eq!(body.i8(), Ok(42));
        assert_eq!(read.answer().into_bytes(), [0, 0, 0, 0, 0, 0, 0, 7, 0]);
        let frame = head(3, 8, &[]);
        let (read, _) = Head::read(&frame).unwrap();
        assert_eq!(read.answer().into_bytes(), [0, 0, 0, 0, 0, 0, 0, 7]);
    }

    #[test]
    fn the_answer_about_versions_always_has_the_oldest_head() {
        let frame = head(18, 3, &[0]);
        let (read, _) = Head::read(&frame).unwrap();
        assert_eq!(read.answer().into_bytes(), [0, 0, 0, 0, 0, 0, 0, 7]);
    }

    #[test]
    fn what_is_not_offered_is_not_read() {
        for (key, version) in [(3, 10), (3, -1), (1, 3), (24, 0), (999, 0)] {
            assert!(Head::read(&head(key, version, &[0])).is_err(), "{key} {version}");
        }
        assert!(Head::read(&head(18, 99, &[])).is_ok());
    }
}
