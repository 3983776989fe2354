//! The few messages of Kafka's protocol that the front understands (<https://kafka.apache.org/protocol>).
//!
//! All versions used here are those before "flexible" ones, with lengths of fixed size. The front says to clients that
//! these are the newest that the cluster knows.

/// What the front has to do with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    /// Tells where the brokers are.
    Metadata,
    /// Tells which broker looks after a group.
    FindCoordinator,
    /// Tells which versions there are.
    Versions,
    /// Makes topics.
    CreateTopics,
}

/// Keys, and the newest version that the front understands.
const METADATA: (i16, i16) = (3, 8);
const FIND_COORDINATOR: (i16, i16) = (10, 2);
const API_VERSIONS: i16 = 18;
const CREATE_TOPICS: (i16, i16) = (19, 0);

impl Api {
    fn of(key: i16) -> Option<Self> {
        [
            (METADATA.0, Self::Metadata),
            (FIND_COORDINATOR.0, Self::FindCoordinator),
            (API_VERSIONS, Self::Versions),
            (CREATE_TOPICS.0, Self::CreateTopics),
        ]
        .into_iter()
        .find_map(|(known, api)| (known == key).then_some(api))
    }
}

/// Where clients are to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

/// The head of a request.
pub(super) struct Request<'a> {
    /// `None`: nothing to do but to pass it on.
    pub(super) api: Option<Api>,
    pub(super) version: i16,
    pub(super) correlation: i32,
    pub(super) body: &'a [u8],
}

/// A topic that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewTopic {
    pub(super) name: String,
    pub(super) partitions: i32,
}

/// Reads from the front of a slice; every read is `None` when it is too short.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn i16(&mut self) -> Option<i16> {
        Some(i16::from_be_bytes(self.bytes(2)?.try_into().ok()?))
    }

    fn i32(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.bytes(4)?.try_into().ok()?))
    }

    /// A text, or `Some(None)` where there is none.
    fn text(&mut self) -> Option<Option<&'a [u8]>> {
        match self.i16()? {
            -1 => Some(None),
            length => self.bytes(usize::try_from(length).ok()?).map(Some),
        }
    }

    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.i32()?.max(0)).ok()
    }
}

fn put_text(out: &mut Vec<u8>, text: Option<&[u8]>) {
    let length = text.map_or(-1, |text| i16::try_from(text.len()).unwrap_or(i16::MAX));
    out.extend(length.to_be_bytes());
    out.extend(text.unwrap_or_default());
}

impl<'a> Request<'a> {
    pub(super) fn read(frame: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(frame);
        let api = Api::of(reader.i16()?);
        let version = reader.i16()?;
        let correlation = reader.i32()?;
        let _client = reader.text()?;
        Some(Self {
            api,
            version,
            correlation,
            body: reader.0,
        })
    }
}

/// The number by which an answer belongs to its request.
pub(super) fn correlation(frame: &[u8]) -> Option<i32> {
    Reader(frame).i32()
}

/// An answer with the front's address, and the versions that the front understands, in it.
pub(super) fn rewritten(frame: &[u8], api: Api, version: i16, address: &Address) -> Option<Vec<u8>> {
    let mut reader = Reader(frame);
    let mut out = Vec::with_capacity(frame.len() + 64);
    out.extend(reader.bytes(4)?);
    match api {
        // The cluster refuses to speak of versions in the newer format, and the client asks again in an older one.
        Api::Versions if version >= 3 => {}
        Api::Versions => versions(&mut reader, &mut out)?,
        Api::Metadata => {
            if version >= 3 {
                out.extend(reader.bytes(4)?);
            }
            let brokers = reader.i32()?;
            out.extend(brokers.to_be_bytes());
            let mut controller = [0; 4];
            for _ in 0..brokers.max(0) {
                controller = broker(&mut reader, &mut out, address)?;
                if version >= 1 {
                    put_text(&mut out, reader.text()?);
                }
            }
            if version >= 2 {
                put_text(&mut out, reader.text()?);
            }
            if version >= 1 {
                // The cluster names a controller that it does not have, and nobody would ask it for topics.
                reader.bytes(4)?;
                out.extend(controller);
            }
        }
        Api::FindCoordinator => {
            if version >= 1 {
                out.extend(reader.bytes(4)?);
            }
            out.extend(reader.bytes(2)?);
            if version >= 1 {
                put_text(&mut out, reader.text()?);
            }
            broker(&mut reader, &mut out, address)?;
        }
        Api::CreateTopics => {}
    }
    out.extend(reader.0);
    Some(out)
}

/// A broker's number, host and port; gives the number.
fn broker(reader: &mut Reader<'_>, out: &mut Vec<u8>, address: &Address) -> Option<[u8; 4]> {
    let number = reader.bytes(4)?;
    out.extend(number);
    let _host = reader.text()?;
    let _port = reader.i32()?;
    put_text(out, Some(address.host.as_bytes()));
    out.extend(i32::from(address.port).to_be_bytes());
    number.try_into().ok()
}

fn versions(reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Option<()> {
    out.extend(reader.bytes(2)?);
    let count = reader.i32()?;
    out.extend(count.checked_add(1)?.to_be_bytes());
    for _ in 0..count.max(0) {
        let (key, oldest, newest) = (reader.i16()?, reader.i16()?, reader.i16()?);
        let understood = [METADATA, FIND_COORDINATOR]
            .into_iter()
            .find_map(|(known, newest)| (known == key).then_some(newest));
        let newest = understood.map_or(newest, |understood| newest.min(understood));
        out.extend([key, oldest, newest].into_iter().flat_map(i16::to_be_bytes));
    }
    let (key, newest) = CREATE_TOPICS;
    out.extend([key, 0, newest].into_iter().flat_map(i16::to_be_bytes));
    Some(())
}

/// The topics that a request (version 0) asks for.
pub(super) fn new_topics(body: &[u8]) -> Option<Vec<NewTopic>> {
    let mut reader = Reader(body);
    let mut topics = Vec::new();
    for _ in 0..reader.count()? {
        let name = String::from_utf8(reader.text()??.to_vec()).ok()?;
        let partitions = reader.i32()?;
        let _replicas = reader.i16()?;
        for _ in 0..reader.count()? {
            let _partition = reader.i32()?;
            for _ in 0..reader.count()? {
                let _broker = reader.i32()?;
            }
        }
        for _ in 0..reader.count()? {
            let (_name, _value) = (reader.text()?, reader.text()?);
        }
        topics.push(NewTopic { name, partitions });
    }
    Some(topics)
}

/// The answer (version 0) to a request for topics.
pub(super) fn topics_made(correlation: i32, topics: &[(String, i16)]) -> Vec<u8> {
    let mut out = correlation.to_be_bytes().to_vec();
    out.extend(i32::try_from(topics.len()).unwrap_or_default().to_be_bytes());
    for (name, code) in topics {
        put_text(&mut out, Some(name.as_bytes()));
        out.extend(code.to_be_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address() -> Address {
        Address {
            host: "kafka".to_owned(),
            port: 9092,
        }
    }

    fn text(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        put_text(&mut out, Some(text.as_bytes()));
        out
    }

    #[test]
    fn brokers_are_where_the_front_is() {
        let rest = [1, 2, 3];
        let of = |host: &str, port: i32, controller: u8| {
            [
                [0, 0, 0, 7].to_vec(),
                // Throttle, one broker with its number.
                [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1].to_vec(),
                text(host),
                port.to_be_bytes().to_vec(),
                // No rack; the cluster's name; the controller's number.
                vec![0xff, 0xff],
                text("mock"),
                vec![0, 0, 0, controller],
                rest.to_vec(),
            ]
            .concat()
        };
        let behind = of("127.0.0.1", 41_000, 0);
        assert_eq!(
            rewritten(&behind, Api::Metadata, 8, &address()),
            Some(of("kafka", 9092, 1))
        );
    }

    #[test]
    fn the_coordinator_is_where_the_front_is() {
        let of = |host: &str, port: i32| {
            [
                // Number, throttle, code, no message, the broker's number.
                [0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 1].to_vec(),
                text(host),
                port.to_be_bytes().to_vec(),
            ]
            .concat()
        };
        let behind = of("127.0.0.1", 41_000);
        assert_eq!(
            rewritten(&behind, Api::FindCoordinator, 2, &address()),
            Some(of("kafka", 9092))
        );
    }

    #[test]
    fn versions_are_those_that_the_front_understands_and_topics_can_be_made() {
        let list = |entries: &[[i16; 3]]| {
            let mut out = vec![0, 0, 0, 7, 0, 0];
            out.extend(i32::try_from(entries.len()).unwrap().to_be_bytes());
            out.extend(entries.iter().flatten().flat_map(|number| number.to_be_bytes()));
            out.extend([0, 0, 0, 0]);
            out
        };
        let behind = list(&[[0, 0, 10], [3, 0, 12], [10, 0, 3]]);
        let shown = list(&[[0, 0, 10], [3, 0, 8], [10, 0, 2], [19, 0, 0]]);
        assert_eq!(rewritten(&behind, Api::Versions, 0, &address()), Some(shown));
    }

    #[test]
    fn a_request_for_topics_is_read_and_answered() {
        let frame = [
            // Key 19, version 0, number 7, no name; one topic.
            [0, 19, 0, 0, 0, 0, 0, 7, 0xff, 0xff, 0, 0, 0, 1].to_vec(),
            text("orders"),
            // Three partitions, one replica, nothing assigned, no settings; the patience.
            [0, 0, 0, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0].to_vec(),
        ]
        .concat();
        let request = Request::read(&frame).unwrap();
        assert_eq!((request.api, request.correlation), (Some(Api::CreateTopics), 7));
        let wanted = NewTopic {
            name: "orders".to_owned(),
            partitions: 3,
        };
        assert_eq!(new_topics(request.body), Some(vec![wanted]));
        let answer = [[0, 0, 0, 7, 0, 0, 0, 1].to_vec(), text("orders"), vec![0, 36]].concat();
        assert_eq!(topics_made(7, &[("orders".to_owned(), 36)]), answer);
    }

    proptest! {
        #[test]
        fn nothing_makes_the_front_panic(frame in proptest::collection::vec(any::<u8>(), 0..120), version in 0_i16..12) {
            for api in [Api::Metadata, Api::FindCoordinator, Api::Versions, Api::CreateTopics] {
                let _ = rewritten(&frame, api, version, &address());
            }
            if let Some(request) = Request::read(&frame) {
                let _ = new_topics(request.body);
            }
        }
    }
}
