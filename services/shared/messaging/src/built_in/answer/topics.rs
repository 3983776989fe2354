//! Making and removing topics.

use std::collections::BTreeMap;

use contract::events::topics;

use super::NO_THROTTLE;
use crate::built_in::api::Head;
use crate::built_in::broker::{Broker, NODE};
use crate::built_in::code::{Code, code_of};
use crate::built_in::log::Log;
use crate::built_in::wire::{Malformed, Reader, Writer};

/// What stands for "as you like".
const ANY: i32 = -1;

/// A topic that is asked for.
struct NewTopic<'a> {
    name: &'a str,
    partitions: i32,
    replicas: i16,
    /// Partitions, and the brokers that shall hold each.
    assignments: Vec<(i32, Vec<i32>)>,
    settings: usize,
}

/// Why a topic was not made: Kafka's code, and words.
type Refusal = (Code, &'static str);

/// `CreateTopics`.
pub(in crate::built_in) fn create(
    broker: &Broker,
    head: &Head<'_>,
    mut body: Reader<'_>,
) -> Result<Vec<u8>, Malformed> {
    let version = head.version;
    let wanted = body.array(new_topic)?;
    let _timeout = body.i32()?;
    let only_check = version >= 1 && body.bool()?;
    body.end()?;
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for topic in &wanted {
        *times.entry(topic.name).or_default() += 1;
    }
    let mut log = broker.log.borrow_mut();
    let mut out = head.answer();
    if version >= 2 {
        out.i32(NO_THROTTLE);
    }
    out.array(&wanted, |out, topic| {
        let made = match times[topic.name] {
            1 => topic.make(&mut log, only_check),
            _ => Err((Code::InvalidRequest, "the request names it more than once")),
        };
        put_made(out, version, topic.name, made);
    });
    out.tags();
    Ok(out.into_bytes())
}

fn new_topic<'a>(body: &mut Reader<'a>) -> Result<NewTopic<'a>, Malformed> {
    let (name, partitions, replicas) = (body.text()?, body.i32()?, body.i16()?);
    let assignments = body.array(|body| {
        let assignment = (body.i32()?, body.array(Reader::i32)?);
        body.tags()?;
        Ok(assignment)
    })?;
    let settings = body.array(|body| {
        let _setting = (body.text()?, body.maybe_text()?);
        body.tags()
    })?;
    body.tags()?;
    Ok(NewTopic {
        name,
        partitions,
        replicas,
        assignments,
        settings: settings.len(),
    })
}

impl NewTopic<'_> {
    /// Makes it, or only sees whether that could be done; gives the number of its partitions.
    fn make(&self, log: &mut Log, only_check: bool) -> Result<i32, Refusal> {
        let partitions = self.partitions()?;
        if self.settings > 0 {
            return Err((Code::InvalidConfig, "the built-in broker has no settings of topics"));
        }
        let made = if only_check {
            log.check_new(self.name, partitions).map(drop)
        } else {
            log.make(self.name, partitions)
        };
        made.map(|()| partitions).map_err(|code| (code, words(code)))
    }

    fn partitions(&self) -> Result<i32, Refusal> {
        if self.assignments.is_empty() {
            return match (self.replicas, self.partitions) {
                (-1 | 1, ANY) => Ok(topics::PARTITIONS),
                (-1 | 1, partitions) => Ok(partitions),
                _ => Err((
                    Code::InvalidReplicationFactor,
                    "there is one broker, and so one replica",
                )),
            };
        }
        if self.partitions != ANY || self.replicas != -1 {
            return Err((Code::InvalidRequest, "partitions are either counted or assigned"));
        }
        let mut sorted: Vec<_> = self.assignments.iter().collect();
        sorted.sort_by_key(|(partition, _)| *partition);
        let is_good =
            |(number, (partition, brokers)): (i32, &&(i32, Vec<i32>))| number == *partition && *brokers == [NODE];
        if (0..).zip(&sorted).all(is_good) {
            i32::try_from(sorted.len()).map_err(|_| (Code::InvalidPartitions, words(Code::InvalidPartitions)))
        } else {
            let why = "partitions are numbered from 0, and broker 1 is the only one";
            Err((Code::InvalidReplicaAssignment, why))
        }
    }
}

const fn words(code: Code) -> &'static str {
    match code {
        Code::InvalidTopic => {
            "a name has 1 to 249 letters, digits, dots, hyphens and underscores, is not . or .., and differs from others \
             in more than dots and underscores"
        }
        Code::TopicAlreadyExists => "there is a topic of this name",
        Code::InvalidPartitions => "a topic has 1 partition at least",
        Code::PolicyViolation => "the built-in broker has 2000 partitions at most, those of all topics together",
        _ => "it cannot be made",
    }
}

fn put_made(out: &mut Writer, version: i16, name: &str, made: Result<i32, Refusal>) {
    out.text(name);
    let (code, message) = made.map_or_else(|(code, words)| (code, Some(words)), |_| (Code::None, None));
    out.i16(code.number());
    if version >= 1 {
        out.maybe_text(message);
    }
    if version >= 5 {
        out.i32(made.unwrap_or(-1));
        out.i16(if made.is_ok() { 1 } else { -1 });
        // Its settings, of which there are none.
        out.array([], Writer::i32);
    }
    out.tags();
}

/// `DeleteTopics`. How far groups have come in them is forgotten as well.
pub(in crate::built_in) fn delete(
    broker: &Broker,
    head: &Head<'_>,
    mut body: Reader<'_>,
) -> Result<Vec<u8>, Malformed> {
    let version = head.version;
    let names = body.array(Reader::text)?;
    let _timeout = body.i32()?;
    body.end()?;
    let mut out = head.answer();
    if version >= 1 {
        out.i32(NO_THROTTLE);
    }
    out.array(names, |out, name| {
        let removed = broker.log.borrow_mut().remove(name);
        if removed.is_ok() {
            broker.groups.borrow_mut().forget_topic(name);
        }
        out.text(name);
        out.i16(code_of(&removed).number());
        if version >= 5 {
            out.maybe_text(None);
        }
        out.tags();
    });
    out.tags();
    Ok(out.into_bytes())
}
