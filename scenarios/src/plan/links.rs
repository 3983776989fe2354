//! Actions on the way from one service to another, and the links that they need.

use compose::{LinkConditions, LinkSpec, Passage, SystemSpec};
use serde::{Deserialize, Serialize};

use super::resolve::Resolver;
use crate::format::{Action, ActionVerb, Document, Problem, Quantity};

/// What a link is to do to connections from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkChange {
    /// The caller, as named in the system.
    pub from: String,
    /// The callee.
    pub to: String,
    /// What the link does.
    pub conditions: LinkConditions,
}

impl LinkChange {
    /// The way as it is written in scenarios: `gateway->users`.
    pub fn way(&self) -> String {
        format!("{}->{}", self.from, self.to)
    }
}

/// The two ends of a way, `FROM->TO`; spaces around them do not matter.
pub(super) fn ends(target: &str) -> Option<(&str, &str)> {
    let (from, to) = target.split_once("->")?;
    Some((from.trim(), to.trim()))
}

/// All the ways between the services of a system, as they are written.
pub(super) fn ways(system: &SystemSpec) -> Vec<String> {
    let ways = system.ways().unwrap_or_default().into_iter();
    ways.map(|(from, to)| format!("{from}->{to}")).collect()
}

/// The links of a system: one for each way that an action of the scenario names, also one of another arm, so that the
/// arms differ in nothing else.
pub(super) fn of(document: &Document, system: &SystemSpec) -> Vec<LinkSpec> {
    let ways = system.ways().unwrap_or_default();
    let mut links: Vec<LinkSpec> = Vec::new();
    for action in document.actions.iter().filter(|action| action.verb.is_on_a_link()) {
        // A way that is none is told of where the action is checked.
        if let Some((from, to)) = ends(action.target.as_str()).filter(|ends| ways.contains(ends))
            && !links.iter().any(|link| link.from == from && link.to == to)
        {
            links.push(LinkSpec::new(from, to));
        }
    }
    links
}

/// What an action does to a link, if it does anything to one.
pub(super) fn change(action: &Action, resolver: &Resolver) -> Result<Option<LinkChange>, Problem> {
    let conditions = match action.verb {
        ActionVerb::Degrade => degraded(action, resolver)?,
        ActionVerb::Partition => LinkConditions::of(Passage::BlackHole),
        ActionVerb::Reset => LinkConditions::of(Passage::Reset),
        ActionVerb::Heal => LinkConditions::default(),
        _ => return Ok(None),
    };
    // Where the target is no way, that is told of later.
    let ends = ends(action.target.as_str());
    Ok(ends.map(|(from, to)| LinkChange {
        from: from.to_owned(),
        to: to.to_owned(),
        conditions,
    }))
}

fn degraded(action: &Action, resolver: &Resolver) -> Result<LinkConditions, Problem> {
    let ms = |quantity: &Option<Quantity>, what| resolver.or(quantity.as_ref(), 0.0, LinkConditions::MS_MAX, what);
    let (kib_min, kib_max) = LinkConditions::KIB_PER_S.into_inner();
    Ok(LinkConditions {
        latency_ms: ms(&action.latency_ms, "the latency in ms")?,
        jitter_ms: ms(&action.jitter_ms, "the jitter in ms")?,
        loss: resolver.or(
            action.loss.as_ref(),
            0.0,
            LinkConditions::LOSS_MAX,
            "the share that is lost",
        )?,
        kib_per_s: action
            .kib_per_s
            .as_ref()
            .map(|kib| resolver.number_in(kib, kib_min, kib_max, "the bandwidth in KiB/s"))
            .transpose()?,
        passage: Passage::Open,
    })
}
