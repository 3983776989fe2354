//! Kinds of a server of which the lab's stand-in is not one.

/// The kind of a server that does more than the lab's stand-in for it.
#[derive(Debug)]
pub struct Durable {
    /// The word by which a scenario needs it: `durable_kafka`.
    pub need: &'static str,
    /// What people call it, within a sentence: `a real Kafka`.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub description: &'static str,
    /// The variable by which its instance is told to be one, and what that then holds.
    pub told: (&'static str, &'static str),
}
